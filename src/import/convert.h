/* convert.h - streams tensors from a checkpoint to a safetensors file, or compares them with those of another
 * checkpoint, through buffers of a fixed size. */
#ifndef CV_IMPORT_CONVERT_H
#define CV_IMPORT_CONVERT_H

#include <cogvideo/import.h>

#include "import/expected.h"
#include "import/narrow.h"

/* The state of an import, for its progress callback. */
typedef struct cv_import_job {
    const cogvideo_import_options *options;
    const char *part;     /* the part that is being read */
    uint64_t done, total; /* bytes of the checkpoints */
} cv_import_job;

/* Counts `bytes` more as done; the import is cancelled when the progress callback returns non-zero. */
cogvideo_status cv_import_advance(cv_import_job *job, uint64_t bytes, cogvideo_error *err);

/* Returns the bytes of all tensors whose home is in `homes`, a sum of 1 << cv_home. */
uint64_t cv_convert_bytes(const cv_names *names, unsigned homes);

/* Writes those tensors to the new file `path`, in the types that `narrowing` chooses, or unchanged where it is NULL. */
cogvideo_status cv_convert_write(cv_import_job *job, cv_torch *torch, const cv_names *names, unsigned homes,
                                 const cv_narrowing *narrowing, const char *path, cogvideo_error *err);

/* Compares what two checkpoints may share, bit by bit. *difference is the name of the first tensor that differs in
 * type or value (it belongs to `a`), or NULL. */
cogvideo_status cv_convert_compare(cv_import_job *job, cv_torch *torch_a, const cv_names *a, cv_torch *torch_b,
                                   const cv_names *b, const char **difference, cogvideo_error *err);

#endif
