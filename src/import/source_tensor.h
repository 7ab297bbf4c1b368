/* source_tensor.h - a tensor of a published file, whatever container the file is. */
#ifndef CV_IMPORT_SOURCE_TENSOR_H
#define CV_IMPORT_SOURCE_TENSOR_H

#include "tensor/store.h"

/* Members of a file that are not readable tensors are kept, too, for the error or warning that names them. */
typedef struct cv_source_tensor {
    char *name;
    /* why it cannot be read, as in "is empty"; the fields below are then not set. NULL: it can be read */
    char *flaw;
    cv_dtype dtype;
    int rank;
    size_t shape[CV_MAX_RANK]; /* row-major and contiguous */
    size_t count, bytes;       /* number of elements, and their size in bytes */
    size_t entry;    /* where its bytes are: the archive's entry, or the place in the file's list of tensors */
    uint64_t offset; /* bytes into the entry; entries may be shared */
} cv_source_tensor;

#endif
