/* unmask.h - the samplers of Phenaki: how the masks of a box become codes in a few parallel steps. No network is known
 * here: each step takes logits and uniform numbers, so that a test can give both. Arithmetic is in f32 and in the
 * order of the originals, whose tokens are met exactly. */
#ifndef CV_FAMILY_PHENAKI_STEPS_UNMASK_H
#define CV_FAMILY_PHENAKI_STEPS_UNMASK_H

#include "nn/exec.h"

#include <cogvideo/sampling.h>

#include <stdbool.h>
#include <stdint.h>

/* How a box is filled; the numbers are the fields of cogvideo_sampling of these names. */
typedef struct cv_unmask {
    cogvideo_sampler sampler;  /* confidence (phenaki-pytorch), critic (the same with a critic), maskgit (Google's) */
    int steps;                 /* S */
    double temperature;        /* tau0 of confidence and critic, annealed to 0 at the last step */
    double choice_temperature; /* R of maskgit */
    double critic_noise;       /* K of critic */
    cogvideo_anneal critic_anneal;
    int codes;  /* V */
    int places; /* N of the box */
    int given;  /* of these, the first so many are given: never masked, counted, drawn or scored */
} cv_unmask;

/* Uniform numbers in [0, 1) of a step for place `place` (counted from 0 over the whole box): `count` of them, of the
 * codes from `first` on, which is a multiple of 4; or, where `what` is of places, its only one. They are a function of
 * these and of what `user` holds alone, and are asked for by several threads at once. */
typedef enum cv_unmask_noise { CV_NOISE_CODES, CV_NOISE_CHOICE, CV_NOISE_CRITIC } cv_unmask_noise;
typedef void cv_unmask_uniform(void *user, cv_unmask_noise what, int step, int place, int first, float *u, int count);

/* A box on its way; each [places]. What a step leaves here is all that the next one needs. */
typedef struct cv_unmask_box {
    int32_t *ids; /* the input of the next step: codes, and `codes` (V) where there is a mask; at the end the result */
    int32_t *drawn;    /* ids after the last step, before anything was masked again: what a preview shows */
    int32_t *settled;  /* the step, from 0, in which the code of `drawn` was drawn; -1 = given */
    float *confidence; /* its probability then, without temperature and noise; 1 where it is given */
} cv_unmask_box;

/* How many of `new` places are masked in the input of step `step` (0: all). */
int cv_unmask_count(const cv_unmask *how, int step);
/* Masks all but the given places, whose codes stand in box->ids. */
void cv_unmask_begin(const cv_unmask *how, cv_unmask_box *box);
/* Step `step` from logits [places - given][V], guided, of the places to be made; they are lost. With the sampler CRITIC
 * the step ends with cv_unmask_judge. `margins` [places - given], NULL = not wanted: best less second noisy logit, 1e9
 * where nothing was drawn. */
void cv_unmask_step(const cv_exec *exec, const cv_unmask *how, int step, cv_unmask_box *box, float *logits,
                    cv_unmask_uniform *uniform, void *user, float *margins);
/* Masks again by scores [places - given] of a critic over box->drawn, guided; high = wrong. They are lost. Behind the
 * last step there is nothing to judge. */
void cv_unmask_judge(const cv_unmask *how, int step, cv_unmask_box *box, float *scores, cv_unmask_uniform *uniform,
                     void *user);

#endif
