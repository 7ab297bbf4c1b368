/* npy_header.h - the header of NumPy's .npy format, versions 1 to 3: what the numbers are, and where they begin. */
#ifndef CV_TOKENS_NPY_HEADER_H
#define CV_TOKENS_NPY_HEADER_H

#include "base/mem.h"

#define CV_NPY_HEADER_RANK 8
#define CV_NPY_HEADER_BYTES (12 + 65536) /* no header with what stands before it is longer */

typedef struct cv_npy_header {
    char descr[16]; /* "<f4": byte order, kind and size of a number */
    bool fortran;   /* the first axis is the fastest */
    int rank;       /* 0: a single number */
    size_t shape[CV_NPY_HEADER_RANK];
    size_t data; /* where the numbers begin, in bytes */
} cv_npy_header;

/* Reads it from the first `size` bytes of a file, which need not be more than CV_NPY_HEADER_BYTES of it. Errors start
 * with `path`. */
cogvideo_status cv_npy_header_read(cv_npy_header *out, const void *bytes, size_t size, const char *path,
                                   cogvideo_error *err);

#endif
