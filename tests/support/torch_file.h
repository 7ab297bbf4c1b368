/* torch_file.h - writes PyTorch checkpoints for tests: the pickle byte by byte, the zip archive through libzip.
 * Storages are made while they are written, so a checkpoint may be far larger than memory. */
#ifndef TESTS_TORCH_FILE_H
#define TESTS_TORCH_FILE_H

#include "support/seeded.h"

#include "base/mem.h"

/* --- pickles: each call appends opcodes ----------------------------------------------------------------------- */

void pickle_bytes(cv_buffer *pickle, const char *bytes, size_t size);
#define PICKLE(pickle, literal) pickle_bytes((pickle), (literal), sizeof(literal) - 1)
void pickle_text(cv_buffer *pickle, const char *text); /* BINUNICODE */
void pickle_int(cv_buffer *pickle, int64_t value);     /* LONG1 */

/* One tensor of a pickle; the fields are what a hostile test would vary. */
typedef struct pickle_tensor {
    const char *storage_class; /* "HalfStorage" */
    const char *key;           /* of the storage */
    int64_t elements;          /* of the storage */
    int64_t offset;
    int rank;
    int64_t shape[5], stride[5];
} pickle_tensor;

/* Fills shape, stride (row-major) and elements. */
void pickle_tensor_shape(pickle_tensor *tensor, int rank, const size_t *shape);
/* The tensor as a value: _rebuild_tensor_v2 called. */
void pickle_put_tensor(cv_buffer *pickle, const pickle_tensor *tensor);
/* PROTO, {'module': OrderedDict( ... up to the items; then name, value pairs; then the end. */
void pickle_begin_module(cv_buffer *pickle);
void pickle_end_module(cv_buffer *pickle);

/* --- archives ------------------------------------------------------------------------------------------------- */

typedef struct torch_entry {
    const char *name;
    const void *data;
    size_t size;
    int deflated;
} torch_entry;

/* Any zip archive. */
void torch_write_zip(const char *path, const torch_entry *entries, size_t count);

/* How a checkpoint keeps its tensors. */
typedef struct torch_form {
    const char *const *keys;            /* of the dictionaries around theirs, from without; NULL ends them */
    const char *prefix;                 /* of every name; NULL = none */
    void (*members)(cv_buffer *pickle); /* appends more members, names and values; NULL = none */
    const torch_entry *entries;         /* of the archive, "archive/data/x" */
    size_t entry_count;
} torch_form;
void torch_write_as(const seeded_list *list, const char *path, cv_dtype dtype, const torch_form *form);

/* A checkpoint of seeded tensors in `dtype` (f32, f16 or bf16), one storage each, under `module`. */
void torch_write(const seeded_list *list, const char *path, cv_dtype dtype, int deflated);

/* A TorchScript archive: nested objects, one for each part of the tensors' names, with attributes of other kinds
 * between them, and code that nobody reads. Names follow one another as their parts do. */
void torch_write_script(const seeded_list *list, const char *path, cv_dtype dtype);

#endif
