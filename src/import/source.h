/* source.h - a published file of named tensors, whatever container it is, so that importers need not know. */
#ifndef CV_IMPORT_SOURCE_H
#define CV_IMPORT_SOURCE_H

#include "import/source_tensor.h"

typedef enum cv_container {
    CV_CONTAINER_TORCH,       /* torch.save: a dictionary of tensors */
    CV_CONTAINER_TORCHSCRIPT, /* an archive of a scripted module */
    CV_CONTAINER_SAFETENSORS,
    CV_CONTAINER_NPZ,
} cv_container;

typedef struct cv_source cv_source;

/* Opens a file; what it is, it says itself, not its name. A folder with a published network, or the index of one in
 * several files (shards.h), opens as one source. */
cogvideo_status cv_source_open(cv_source **out, const char *path, cogvideo_error *err);
void cv_source_close(cv_source **source);

const char *cv_source_path(const cv_source *source);
cv_container cv_source_container(const cv_source *source);
size_t cv_source_count(const cv_source *source);
const cv_source_tensor *cv_source_at(const cv_source *source, size_t index);       /* sorted by name */
const cv_source_tensor *cv_source_find(const cv_source *source, const char *name); /* NULL where there is none */

/* Reads the bytes of a tensor without flaw, little-endian, in pieces of any size. */
typedef struct cv_source_stream cv_source_stream;
cogvideo_status cv_source_stream_open(cv_source_stream **out, cv_source *source, const cv_source_tensor *tensor,
                                      cogvideo_error *err);
cogvideo_status cv_source_stream_read(cv_source_stream *stream, void *data, size_t size, cogvideo_error *err);
void cv_source_stream_close(cv_source_stream **stream);

#endif
