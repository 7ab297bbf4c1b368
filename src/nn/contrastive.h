/* contrastive.h - the loss by which two networks learn to give what belongs together the same direction: InfoNCE both
 * ways (A. Radford et al., "Learning transferable visual models from natural language supervision", 2021). */
#ifndef CV_NN_CONTRASTIVE_H
#define CV_NN_CONTRASTIVE_H

#include "base/arena.h"

#include <stdint.h>

/* The logarithm of the scale of logits: where training starts, ln(1 / 0.07), and what it is held below after each step,
 * ln 100. */
#define CV_LOGIT_SCALE_START 2.6592600369327783f
#define CV_LOGIT_SCALE_MAX 4.605170185988092f

/* Pairs: row i of both. */
typedef struct cv_contrastive {
    const float *image, *text; /* [rows, width], before they are divided by their norms */
    /* [rows] the same number where texts say the same: each of their images belongs to all of them alike. NULL = all
     * differ. */
    const int32_t *group;
    float logit_scale; /* logits are e^logit_scale times the cosines */
    int rows, width;
} cv_contrastive;

/* Where gradients go; each NULL where it is not wanted. */
typedef struct cv_contrastive_gradients {
    float *image, *text; /* [rows, width], set */
    float *logit_scale;  /* [1], added to, as gradients of parameters are */
} cv_contrastive_gradients;

/* Returns the mean of two mean cross-entropies, of each image over the texts and of each text over the images, and its
 * gradients. In f64, on the calling thread. */
double cv_contrastive_loss(const cv_contrastive *pairs, const cv_contrastive_gradients *gradients, cv_arena *arena);

#endif
