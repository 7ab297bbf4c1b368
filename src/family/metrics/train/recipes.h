/* recipes.h - what recipes of metrics' parts say beside the keys of all parts (train/recipe.h). */
#ifndef CV_FAMILY_METRICS_TRAIN_RECIPES_H
#define CV_FAMILY_METRICS_TRAIN_RECIPES_H

#include "train/recipe.h"

/* Of metric-clip: sizes of the tower of texts. */
typedef struct cv_clip_recipe {
    cv_recipe head; /* first */
    int width, heads, blocks;
    int context; /* ids of a caption with its end */
    int embed;   /* numbers of a vector */
} cv_clip_recipe;

#endif
