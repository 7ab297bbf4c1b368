/* texts.h - the texts of a batch and their vectors, by a text encoder that is trained or frozen. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_TEXTS_H
#define CV_FAMILY_PHENAKI_TRAIN_TEXTS_H

#include "model/t5/t5.h"

typedef struct cv_train_texts {
    const cv_exec *exec;
    const cv_t5 *t5;
    cv_t5 *own, *grad; /* where it is trained: the network itself, and its gradients */
    int width, most, longest;
    /* of the batch at hand, set by _begin and _add */
    cv_t5_batch batch;
    int32_t *ids;   /* [most][longest] */
    int *counts;    /* [most] */
    float *vectors; /* [texts][batch.longest][width] */
    float *dvectors;
    uint8_t *mask; /* [texts][batch.longest] */
    cv_t5_tape *tape;
    cv_arena arena;
} cv_train_texts;

/* For batches of at most `most` texts of `longest` ids. With `weights` and `gradients` the encoder is trained; without,
 * `frozen` is used as it is. What is opened _close closes, after errors too. */
cogvideo_status cv_train_texts_open(cv_train_texts *out, const cv_exec *exec, const cv_t5_config *config,
                                    const cv_t5 *frozen, cv_store *weights, cv_store *gradients, int most, int longest,
                                    cogvideo_error *err);
void cv_train_texts_close(cv_train_texts *texts);

/* A new batch, and its texts one by one; a text of no ids is none, as a dropped one. */
void cv_train_texts_begin(cv_train_texts *texts);
void cv_train_texts_add(cv_train_texts *texts, const int32_t *ids, int count);
/* The vectors of the batch, and what of them is seen. With `training`, _backward can follow, and dvectors are 0. */
void cv_train_texts_run(cv_train_texts *texts, bool training);
/* Adds the gradients of the encoder from dvectors. */
void cv_train_texts_backward(cv_train_texts *texts);

#endif
