/* store.h - a safetensors file, mapped read-only: named tensors, every offset checked once at opening.
 * Format: https://huggingface.co/docs/safetensors - u64 header length, JSON header, data. */
#ifndef CV_TENSOR_STORE_H
#define CV_TENSOR_STORE_H

#include "base/mem.h"
#include "tensor/weight.h"

#define CV_MAX_RANK 8

/* A view: the data belongs to the store (or to whoever made the view). */
typedef struct cv_tensor {
    const char *name;
    const void *data; /* aligned to the size of an element */
    cv_dtype dtype;
    int rank;
    size_t shape[CV_MAX_RANK]; /* slowest first, as in PyTorch */
    size_t count;              /* elements */
} cv_tensor;

/* Whether a tensor may be one that a network learned, as it is or quantised: not one without elements, of truth values or whole numbers. */
bool cv_tensor_is_weight(const cv_tensor *tensor);

typedef struct cv_store cv_store;

cogvideo_status cv_store_open(cv_store **out, const char *path, cogvideo_error *err);
void cv_store_close(cv_store **store);

const char *cv_store_path(const cv_store *store);
/* Keeps a file that is mapped in memory; false where the system does not allow so much. */
bool cv_store_lock(const cv_store *store);
size_t cv_store_count(const cv_store *store);
const cv_tensor *cv_store_at(const cv_store *store, size_t index); /* sorted by name */
const cv_tensor *cv_store_find(const cv_store *store, const char *name); /* NULL where there is none */
/* A string of the header's __metadata__, or NULL. */
const char *cv_store_metadata(const cv_store *store, const char *key);
size_t cv_store_bytes(const cv_store *store); /* the file's size */
/* Of them, what is read from the file while it is used: none where its file system maps no files, and it is in memory already. */
size_t cv_store_mapped(const cv_store *store);

/* Finds `name` and checks that it is real (f32, f16, bf16) and has exactly `shape`; remembers that
 * somebody knows it. The errors name the file and the tensor. */
cogvideo_status cv_store_claim(cv_store *store, const cv_tensor **out, const char *name, int rank,
                               const size_t *shape, cogvideo_error *err);
/* The same for one dtype, which need not be real. */
cogvideo_status cv_store_claim_as(cv_store *store, const cv_tensor **out, const char *name, cv_dtype dtype, int rank,
                                  const size_t *shape, cogvideo_error *err);
/* Claims a vector [count] and gives it in f32: the data itself where it is f32, else a copy that the store keeps. */
cogvideo_status cv_store_claim_vector(cv_store *store, const float **out, const char *name, size_t count,
                                      cogvideo_error *err);
/* Claims matrix `name` [N, K] in whatever type it has there, with its scales. */
cogvideo_status cv_store_claim_weight(cv_store *store, cv_weight *out, const char *name, int N, int K,
                                      cogvideo_error *err);
/* An error that names the first weight that nobody claimed. What is none, such as a mask, is passed over. */
cogvideo_status cv_store_check_claimed(const cv_store *store, cogvideo_error *err);

/* --- in memory: what is trained --- */

/* A store without data, whose claims all succeed: binding a network to it lists what the network is made of, in tensors
 * whose data is NULL, so that no other list of names is needed. A claimed tensor is valid until the next claim. */
cogvideo_status cv_store_plan(cv_store **out, const char *name, cogvideo_error *err);
/* A store of the same names and shapes as `count` tensors, all f32, all zero, in one block of memory that may be written. */
cogvideo_status cv_store_create(cv_store **out, const char *name, const cv_tensor *tensors, size_t count,
                                cogvideo_error *err);
/* The same after another store, planned or not. */
cogvideo_status cv_store_create_like(cv_store **out, const char *name, const cv_store *like, cogvideo_error *err);
/* The values of a tensor of such a store. */
static inline float *cv_tensor_values(const cv_tensor *tensor)
{
    return (float *)tensor->data;
}

/* "[64, 3, 3]" for messages. */
void cv_shape_text(char *out, size_t size, int rank, const size_t *shape);

#endif
