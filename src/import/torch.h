/* torch.h - a PyTorch checkpoint (torch.save of version 1.6 and later): a zip archive that holds one
 * FOLDER/data.pkl, the pickled dictionary, and FOLDER/data/KEY, the bytes of each storage.
 *
 * Opening reads the pickle only; a tensor's bytes are streamed from the archive when they are asked for. */
#ifndef CV_IMPORT_TORCH_H
#define CV_IMPORT_TORCH_H

#include "import/zip.h"
#include "tensor/store.h"

typedef struct cv_torch_tensor {
    char *name;
    cv_dtype dtype;
    int rank;
    size_t shape[CV_MAX_RANK]; /* row-major and contiguous, or the checkpoint is refused */
    size_t count, bytes;       /* elements, and their size */
    size_t entry;              /* of the archive: the storage */
    uint64_t offset;           /* bytes into the storage; storages may be shared */
} cv_torch_tensor;

typedef struct cv_torch cv_torch;

/* The tensors of the dictionary under the key `module`, or of the dictionary itself where it holds tensors. */
cogvideo_status cv_torch_open(cv_torch **out, const char *path, cogvideo_error *err);
void cv_torch_close(cv_torch **torch);

const char *cv_torch_path(const cv_torch *torch);
size_t cv_torch_count(const cv_torch *torch);
const cv_torch_tensor *cv_torch_at(const cv_torch *torch, size_t index); /* sorted by name */
const cv_torch_tensor *cv_torch_find(const cv_torch *torch, const char *name); /* NULL where there is none */

/* A stream of the tensor's bytes, little-endian; read tensor->bytes of them. */
cogvideo_status cv_torch_stream(cv_zip_stream **out, cv_torch *torch, const cv_torch_tensor *tensor,
                                cogvideo_error *err);

#endif
