/* clip_train.h - CLIP in training: both vectors of each pair of a batch, and the gradients of all weights from those of
 * the vectors. The loss between them is the caller's. */
#ifndef CV_FAMILY_METRICS_NETWORK_CLIP_TRAIN_H
#define CV_FAMILY_METRICS_NETWORK_CLIP_TRAIN_H

#include "family/metrics/network/clip_network.h"

typedef struct cv_clip_train {
    const cv_exec *exec;
    int batch;
    cv_clip *clip, *grad;
    float *items, *texts;     /* [batch][embed]: the vectors before they become ones of length 1 */
    cv_clip_image_pass image; /* of the pictures, or of all frames of the clips; tops as of clip_network.h */
    cv_clip_time_pass time;   /* where there are frames */
    float *centred;           /* [batch][features] */
    cv_clip_text_pass text;
    float *item_normed, *text_normed; /* [batch][width]: of the heads */
    float *dframes, *ditems, *dtexts; /* gradients of the rows that heads read */
    cv_arena arena;
} cv_clip_train;

/* Binds to weights and gradients in memory, which outlive it, and takes the memory of a batch. */
cogvideo_status cv_clip_train_open(cv_clip_train **out, const cv_exec *exec, cv_store *weights, cv_store *gradients,
                                   const cv_clip_config *config, int batch, cogvideo_error *err);
void cv_clip_train_close(cv_clip_train **train);

/* Sets items and texts. `from` is what the network takes: pictures or frames of clips, as of cv_clip_images, or
 * features of another network; ids [batch][context] lie within the vocabulary, zeros behind the end. */
void cv_clip_train_forward(cv_clip_train *train, const float *from, const int32_t *ids);
/* From the gradients ditems and dtexts [batch][embed] of what the last forward pass gave, whose ids these are, adds
 * those of all weights but logit_scale. */
void cv_clip_train_backward(cv_clip_train *train, const float *ditems, const float *dtexts, const int32_t *ids);
/* logit_scale and its gradient. */
static inline float *cv_clip_train_scale(cv_clip *clip)
{
    return (float *)clip->logit_scale;
}

#endif
