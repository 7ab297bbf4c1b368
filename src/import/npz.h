/* npz.h - NumPy's .npz: a zip archive, packed or not, of .npy files; an array is called as its entry, without ".npy".
 * */
#ifndef CV_IMPORT_NPZ_H
#define CV_IMPORT_NPZ_H

#include "import/source_tensor.h"
#include "import/zip.h"

/* Lists the arrays of an open archive, sorted by name, in fresh memory that cv_npz_free frees; they are read by streams
 * of the archive (entry, offset). What is no array of a known type in C order is listed with its flaw. */
cogvideo_status cv_npz_list(cv_source_tensor **out, size_t *count, cv_zip *zip, cogvideo_error *err);
void cv_npz_free(cv_source_tensor **tensors, size_t count);

#endif
