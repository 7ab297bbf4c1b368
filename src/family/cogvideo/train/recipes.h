/* recipes.h - what recipes of CogVideo's parts say beside the keys of all parts (train/recipe.h). */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_RECIPES_H
#define CV_FAMILY_COGVIDEO_TRAIN_RECIPES_H

#include "train/codebook_learner.h"

/* Of the image tokenizer. */
typedef struct cv_picture_recipe {
    cv_recipe head;            /* first */
    int crop;                  /* side of the squares cut from frames */
    double busy;               /* share of these squares that are sought where a frame varies most */
    double l1, l2, commitment; /* weights of its losses */
    cv_codebook_recipe codebook;
    int clusters; /* of codes */
} cv_picture_recipe;

/* What CogLM learns: network/coglm_rows.h. */
typedef struct cv_coglm_recipe {
    /* shares of sequences; the rest are pictures under their texts */
    double image_to_text, text, completion;
    double hole_share;      /* holes are drawn as long as they have no more of a picture's codes together */
    int hole_min, hole_max; /* sides of a hole */
    double span_share;      /* likewise of a text's ids */
    double span_length;     /* mean */
    int english_end;        /* a text with an id from here on is Chinese; 0: one with Chinese characters is */
} cv_coglm_recipe;

/* Of the trunk and the stages. */
typedef struct cv_transformer_recipe {
    cv_recipe head; /* first */
    double dropout;
    double text_dropout;   /* share of sequences whose text becomes the guide's */
    bool train_trunk;      /* of a stage; otherwise it is frozen */
    int frames;            /* stage 1: frames of a clip that a batch holds, from the first on; 0 = all */
    double norm_gain;      /* trunk: first gain of the third and fourth layer norm */
    double position_scale; /* trunk's first weights: of a frame's positions */
    double time_scale;     /* stages' first weights: of what tells frames apart */
    double base_share;     /* stages' first weights: alpha, the base channel's share of the attention */
    cv_coglm_recipe coglm;
} cv_transformer_recipe;

#endif
