/* predict.h - the codes that the masked transformer draws for the masks of a batch, which critics learn to judge. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_PREDICT_H
#define CV_FAMILY_PHENAKI_TRAIN_PREDICT_H

#include "family/phenaki/train/boxes.h"

/* out, laid out as the batch's ids: those, and where there is a mask a code drawn by logits [tokens][V], by softmax as
 * argmax(logits + Gumbel's noise) would draw it. A draw depends on the seed, the batch's `index` and the place. `out`
 * may be the ids. */
void cv_predict(const cv_boxes *boxes, const float *logits, uint64_t seed, uint64_t index, int32_t *out);

/* A number for the model's masked transformer, as in a checkpoint's head. */
void cv_predict_stands_on(char out[24], const cogvideo_model *model);

#endif
