/* checkpoint.h - a run as a file: everything that the next step depends on. Written under another name and renamed. */
#ifndef CV_TRAIN_CHECKPOINT_H
#define CV_TRAIN_CHECKPOINT_H

#include "tensor/store.h"

/* Stores under a name each; their tensors become "NAME/TENSOR" in the file. */
typedef struct cv_checkpoint_store {
    const char *name;
    cv_store *store;
} cv_checkpoint_store;

/* `steps` finished steps; `part` names what is trained. */
cogvideo_status cv_checkpoint_save(const char *path, const cv_checkpoint_store *stores, int count, const char *part,
                                   int steps, cogvideo_error *err);
/* Fills the stores, whose tensors must all be there, with the same shapes, and no others. */
cogvideo_status cv_checkpoint_load(const char *path, const cv_checkpoint_store *stores, int count, const char *part,
                                   int *steps, cogvideo_error *err);

#endif
