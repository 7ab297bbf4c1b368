/* store_write.h - writes a safetensors file in one pass: all tensors are declared first, then their bytes follow in
 * chunks of any size, in the order of the declarations. The file appears only when it is complete. */
#ifndef CV_TENSOR_STORE_WRITE_H
#define CV_TENSOR_STORE_WRITE_H

#include "tensor/store.h"

typedef struct cv_store_writer cv_store_writer;

cogvideo_status cv_store_writer_create(cv_store_writer **out, const char *path, cogvideo_error *err);
/* Declares a tensor. Declare wider elements first, so that each tensor is aligned. */
cogvideo_status cv_store_writer_declare(cv_store_writer *writer, const char *name, cv_dtype dtype, int rank,
                                        const size_t *shape, cogvideo_error *err);
cogvideo_status cv_store_writer_metadata(cv_store_writer *writer, const char *key, const char *value,
                                         cogvideo_error *err);
/* Writes bytes in the declared dtype, little-endian. The first call ends the declarations. */
cogvideo_status cv_store_writer_data(cv_store_writer *writer, const void *data, size_t size, cogvideo_error *err);
/* Checks that every declared byte was written, then renames the file to its final name. Frees the writer in either
 * case. */
cogvideo_status cv_store_writer_commit(cv_store_writer **writer, cogvideo_error *err);
void cv_store_writer_abandon(cv_store_writer **writer);

#endif
