/* npy.h - arrays of integers in NumPy's .npy files: versions 1 to 3, little-endian int32 or int64, C order. */
#ifndef CV_TOKENS_NPY_H
#define CV_TOKENS_NPY_H

#include "base/mem.h"

#define CV_NPY_MAX_RANK 4

typedef struct cv_npy {
    int rank; /* 1 .. CV_NPY_MAX_RANK */
    size_t shape[CV_NPY_MAX_RANK];
    size_t count; /* the product of the shape, at least 1 */
    int32_t *values;
} cv_npy;

/* Reads an array whose numbers must all be from `min` to `max`, which fit an int32. The file's size must be exactly
 * what its header says. Free with cv_npy_free. */
cogvideo_status cv_npy_read(cv_npy *out, const char *path, int32_t min, int32_t max, cogvideo_error *err);
void cv_npy_free(cv_npy *array);

/* Writes int32 numbers in C order. */
cogvideo_status cv_npy_write(const char *path, int rank, const size_t *shape, const int32_t *values,
                             cogvideo_error *err);

#endif
