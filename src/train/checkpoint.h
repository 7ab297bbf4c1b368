/* checkpoint.h - a run as a file: everything that the next step depends on. Written under another name and renamed. */
#ifndef CV_TRAIN_CHECKPOINT_H
#define CV_TRAIN_CHECKPOINT_H

#include "tensor/store.h"
#include "train/recipe.h"

/* Stores under a name each; their tensors become "PREFIX" "NAME/TENSOR" in the file. */
typedef struct cv_checkpoint_store {
    const char *prefix, *name;
    cv_store *store;
} cv_checkpoint_store;

typedef struct cv_checkpoint_head {
    const char *part;            /* what is trained */
    int steps;                   /* finished */
    char recipe[CV_RECIPE_TEXT]; /* by which recipe; empty where an older file does not say */
    /* a number for what it was trained on and does not hold, as a frozen network; empty = nothing, or not said */
    char stands_on[24];
} cv_checkpoint_head;

cogvideo_status cv_checkpoint_save(const char *path, const cv_checkpoint_head *head, const cv_checkpoint_store *stores,
                                   int count, cogvideo_error *err);
/* Fills the stores, whose tensors must all be there, with the same shapes, and no others; and the head, whose part is
 * given. */
cogvideo_status cv_checkpoint_load(const char *path, cv_checkpoint_head *head, const cv_checkpoint_store *stores,
                                   int count, cogvideo_error *err);

#endif
