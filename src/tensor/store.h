/* store.h - a safetensors file, mapped read-only: named tensors, every offset checked once at opening.
 * Format: https://huggingface.co/docs/safetensors - u64 header length, JSON header, data. */
#ifndef CV_TENSOR_STORE_H
#define CV_TENSOR_STORE_H

#include "base/mem.h"
#include "tensor/weight.h"

#define CV_MAX_RANK 8

/* A view: the data belongs to the store, or to whoever made the view. */
typedef struct cv_tensor {
    const char *name;
    const void *data; /* aligned to the size of an element */
    cv_dtype dtype;
    int rank;
    size_t shape[CV_MAX_RANK]; /* slowest first, as in PyTorch */
    size_t count;              /* elements */
} cv_tensor;

/* Whether a tensor may be a weight of a network, quantized or not: it has elements, and they are neither booleans
 * nor, unless quantized, integers. */
bool cv_tensor_is_weight(const cv_tensor *tensor);

typedef struct cv_store cv_store;

cogvideo_status cv_store_open(cv_store **out, const char *path, cogvideo_error *err);
void cv_store_close(cv_store **store);

const char *cv_store_path(const cv_store *store);
/* Keeps a mapped file in memory; returns false where the system does not allow so much. */
bool cv_store_lock(const cv_store *store);
size_t cv_store_count(const cv_store *store);
const cv_tensor *cv_store_at(const cv_store *store, size_t index);       /* sorted by name */
const cv_tensor *cv_store_find(const cv_store *store, const char *name); /* NULL where there is none */
/* Returns a string of the header's __metadata__, or NULL. */
const char *cv_store_metadata(const cv_store *store, const char *key);
size_t cv_store_bytes(const cv_store *store); /* the file's size */
/* Returns how many bytes are read from the file while it is used: 0 where its file system cannot map files, so that
 * it was read into memory. */
size_t cv_store_mapped(const cv_store *store);

/* Finds `name`, checks that it is real (f32, f16, bf16) and has exactly `shape`, and marks it as claimed. Errors
 * name the file and the tensor. */
cogvideo_status cv_store_claim(cv_store *store, const cv_tensor **out, const char *name, int rank, const size_t *shape,
                               cogvideo_error *err);
/* The same for one dtype, which need not be real. */
cogvideo_status cv_store_claim_as(cv_store *store, const cv_tensor **out, const char *name, cv_dtype dtype, int rank,
                                  const size_t *shape, cogvideo_error *err);
/* Claims a tensor and returns it in f32: the data itself where it is f32, otherwise a copy that the store owns. `shape`
 * is not NULL, at rank 0 either. */
cogvideo_status cv_store_claim_numbers(cv_store *store, const float **out, const char *name, int rank,
                                       const size_t *shape, cogvideo_error *err);
/* The same for a vector [count]. */
cogvideo_status cv_store_claim_vector(cv_store *store, const float **out, const char *name, size_t count,
                                      cogvideo_error *err);
/* Claims matrix `name` [N, K] in whatever type the file has, with its scales. */
cogvideo_status cv_store_claim_weight(cv_store *store, cv_weight *out, const char *name, int N, int K,
                                      cogvideo_error *err);
/* Reads a size of a network off a file: dimension `at` of tensor `name`, which has `rank` dimensions; from 1 to
 * `most`. */
cogvideo_status cv_store_measure(const cv_store *store, const char *name, int rank, int at, int most, int *out,
                                 cogvideo_error *err);
/* Fails with the name of the first weight that nobody claimed. Tensors that are not weights, such as masks, are
 * ignored. */
cogvideo_status cv_store_check_claimed(const cv_store *store, cogvideo_error *err);

/* --- in memory: for training ---------------------------------------------------------------------------------- */

/* Creates a store without data, whose claims all succeed. Binding a network to it lists the network's tensors, with
 * NULL data, so that no second list of names is needed. A claimed tensor is valid until the next claim. */
cogvideo_status cv_store_plan(cv_store **out, const char *name, cogvideo_error *err);
/* Creates a store with the names and shapes of `count` tensors, all f32 and zero, in one writable block of memory. */
cogvideo_status cv_store_create(cv_store **out, const char *name, const cv_tensor *tensors, size_t count,
                                cogvideo_error *err);
/* The same with the names and shapes of another store, planned or not. */
cogvideo_status cv_store_create_like(cv_store **out, const char *name, const cv_store *like, cogvideo_error *err);
/* Returns the values of a tensor of such a store. */
static inline float *cv_tensor_values(const cv_tensor *tensor)
{
    return (float *)tensor->data;
}

/* Writes "[64, 3, 3]", for messages. */
void cv_shape_text(char *out, size_t size, int rank, const size_t *shape);

#endif
