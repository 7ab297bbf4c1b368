/* candidates.h - several candidates for one frame, of which each place keeps the code that is most like the others.
 *
 * The likeliest code need not be like most of what could stand there: where many codes differ a little from each other
 * and one mistake is always the same, that one is it. The code at the least expected distance is the minimum Bayes risk
 * decision (Kumar and Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation", 2004), with what was
 * drawn in place of the distribution. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_CANDIDATES_H
#define CV_FAMILY_COGVIDEO_STEPS_CANDIDATES_H

#include "family/cogvideo/model/model.h"

/* Room to compare so many. */
typedef struct cv_candidates {
    const cv_image_tokenizer *image_tokenizer;
    int count, latent;
    float *vectors; /* [count][latent]: of the codes of one place */
} cv_candidates;

/* An error where `count` is above 1 and the model has no image tokenizer, by whose codebook candidates are compared, or
 * one of fewer codes than stage 2 draws. */
cogvideo_status cv_candidates_check(const cv_cogvideo *model, int count, cogvideo_error *err);
/* Checks that, too. */
cogvideo_status cv_candidates_create(cv_candidates *out, const cv_cogvideo *model, int count, cogvideo_error *err);
void cv_candidates_free(cv_candidates *candidates);

/* frame [places] = at each place that of the candidates' codes [count][stride] whose vector in the codebook has the
 * least sum of squared distances to those of all; the first on a tie. */
void cv_candidates_merge(const cv_candidates *candidates, int32_t *frame, const int32_t *codes, size_t stride,
                         int places);

#endif
