/* store_write.h - writes a safetensors file in one pass: all tensors are declared first, then their
 * bytes follow in any chunks, in the order of the declarations. The file appears only when it is whole. */
#ifndef CV_TENSOR_STORE_WRITE_H
#define CV_TENSOR_STORE_WRITE_H

#include "tensor/store.h"

typedef struct cv_store_writer cv_store_writer;

cogvideo_status cv_store_writer_create(cv_store_writer **out, const char *path, cogvideo_error *err);
/* Declare the tensors with wider elements first and each stays aligned to its element. */
cogvideo_status cv_store_writer_declare(cv_store_writer *writer, const char *name, cv_dtype dtype, int rank,
                                        const size_t *shape, cogvideo_error *err);
cogvideo_status cv_store_writer_metadata(cv_store_writer *writer, const char *key, const char *value,
                                         cogvideo_error *err);
/* The first call ends the declarations. Bytes in the dtype declared, little-endian. */
cogvideo_status cv_store_writer_data(cv_store_writer *writer, const void *data, size_t size, cogvideo_error *err);
/* Checks that every declared byte was written, then gives the file its name. Frees the writer either way. */
cogvideo_status cv_store_writer_commit(cv_store_writer **writer, cogvideo_error *err);
void cv_store_writer_abandon(cv_store_writer **writer);

#endif
