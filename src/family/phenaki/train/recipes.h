/* recipes.h - what recipes of Phenaki's parts say beside the keys of all parts (train/recipe.h). */
#ifndef CV_FAMILY_PHENAKI_TRAIN_RECIPES_H
#define CV_FAMILY_PHENAKI_TRAIN_RECIPES_H

#include "train/codebook_learner.h"

/* Of the video tokenizer. */
typedef struct cv_video_recipe {
    cv_recipe head;    /* first */
    int frames;        /* of a clip of a batch, 1 + patch_frames * j; 0 = the model's */
    double pictures;   /* share of batches that are single pictures, as many as there are latent frames otherwise */
    double commitment; /* weight of that loss */
    double entropy;    /* weight of the entropies of lfq */
    cv_codebook_recipe codebook;
} cv_video_recipe;

/* Of the masked transformer and of a critic. */
typedef struct cv_masked_recipe {
    cv_recipe head;      /* first */
    double text_dropout; /* share of boxes without their text, which guidance needs */
    double given;        /* share of clips whose first latent frames, those of the model's context, are never masked */
    double pictures;     /* share of batches of clips that are their first latent frames alone, of more clips */
    int picture_steps;   /* first steps in which all batches are such */
    double embeddings;   /* first weights: deviation of the vectors of codes and places */
    double embedding_gradient; /* what the gradient of these is multiplied by */
    bool train_text;           /* the text encoder is trained, too */
} cv_masked_recipe;

#endif
