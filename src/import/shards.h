/* shards.h - which files hold the tensors of a published folder: one file, or several that an index lists, as Hugging
 * Face's libraries write them. */
#ifndef CV_IMPORT_SHARDS_H
#define CV_IMPORT_SHARDS_H

#include "base/json.h"

#define CV_SHARDS_MOST 1000

/* Files, each once, and what the index says of their tensors. */
typedef struct cv_shards {
    char *index; /* its path; NULL = there is none, and one file */
    char **paths;
    size_t count;
    cv_json *map; /* name of a tensor: name of its file; NULL without an index */
} cv_shards;

/* `path` is a folder with one of model.safetensors.index.json, pytorch_model.bin.index.json, model.safetensors and
 * pytorch_model.bin (the first that there is), such an index, or any other file, which is the one. */
cogvideo_status cv_shards_find(cv_shards *out, const char *path, cogvideo_error *err);
void cv_shards_free(cv_shards *shards);

#endif
