/* npy.h - reads NumPy's .npy files: arrays of whole or real numbers, little-endian, C order, mapped read-only.
 * Format: NEP 1, versions 1 to 3 - a magic, the length of a header, a Python dict as text, data. */
#ifndef CV_IMPORT_NPY_H
#define CV_IMPORT_NPY_H

#include "base/file.h"
#include "tensor/store.h"

typedef struct cv_npy {
    cv_mapping file;
    cv_tensor array; /* its data lies in the mapping, perhaps unaligned; no name; a rank of 0 has one element */
} cv_npy;

cogvideo_status cv_npy_open(cv_npy *out, const char *path, cogvideo_error *err);
void cv_npy_close(cv_npy *npy);

/* All elements, in order, as 32-bit integers in fresh memory; one outside [min, max], or an array of real
 * numbers, is an error that begins with `path`. */
cogvideo_status cv_npy_int32(const cv_npy *npy, int32_t min, int32_t max, int32_t **out, const char *path,
                             cogvideo_error *err);

#endif
