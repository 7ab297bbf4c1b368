/* torch.h - a PyTorch checkpoint (torch.save of version 1.6 and later): a zip archive that holds one
 * FOLDER/data.pkl, the pickled dictionary, and FOLDER/data/KEY, the bytes of each storage.
 *
 * Opening reads the pickle only; a tensor's bytes are streamed from the archive when they are asked for. */
#ifndef CV_IMPORT_TORCH_H
#define CV_IMPORT_TORCH_H

#include "import/zip.h"
#include "tensor/store.h"

/* A member of the dictionary of tensors. What is no tensor that can be read is kept too, for the error or the warning that names it. */
typedef struct cv_torch_tensor {
    char *name;
    char *flaw;                /* why it cannot be read, as in "is empty"; then all that follows says nothing. NULL: it can */
    cv_dtype dtype;
    int rank;
    size_t shape[CV_MAX_RANK]; /* row-major and contiguous */
    size_t count, bytes;       /* elements, and their size */
    size_t entry;              /* of the archive: the storage */
    uint64_t offset;           /* bytes into the storage; storages may be shared */
} cv_torch_tensor;

typedef struct cv_torch cv_torch;

/* The members of the dictionary of tensors: the one under `module`, `state_dict`, `model` or `model_state_dict`, perhaps one inside the
 * other, or else the root itself. A tensor whose storage is not as promised is an error, whoever may ask for it. */
cogvideo_status cv_torch_open(cv_torch **out, const char *path, cogvideo_error *err);
void cv_torch_close(cv_torch **torch);

const char *cv_torch_path(const cv_torch *torch);
size_t cv_torch_count(const cv_torch *torch);
const cv_torch_tensor *cv_torch_at(const cv_torch *torch, size_t index); /* sorted by name */

/* Training wraps networks, which puts "module." or the like before all names. Where there is no tensor `name` but one whose name ends in
 * ".NAME", what stands before it is taken off all names that begin so, from here on; two such are an error. */
cogvideo_status cv_torch_unwrap(cv_torch *torch, const char *name, cogvideo_error *err);
const char *cv_torch_prefix(const cv_torch *torch); /* what is taken off; "" = nothing */
/* By its name without the prefix; NULL where there is none. */
const cv_torch_tensor *cv_torch_find(const cv_torch *torch, const char *name);
/* The name without the prefix; NULL where it does not begin with that. */
const char *cv_torch_own_name(const cv_torch *torch, const cv_torch_tensor *tensor);

/* A stream of the tensor's bytes, little-endian; read tensor->bytes of them. */
cogvideo_status cv_torch_stream(cv_zip_stream **out, cv_torch *torch, const cv_torch_tensor *tensor,
                                cogvideo_error *err);

/* An error that names the tensor where its numbers cannot be read, as where it is sparse. */
cogvideo_status cv_torch_readable(const cv_torch *torch, const cv_torch_tensor *tensor, cogvideo_error *err);

#endif
