/* loop.h - the training loop, the same for every part: rate, gradients, clipping, AdamW, log, evaluation,
 * checkpoints. */
#ifndef CV_TRAIN_LOOP_H
#define CV_TRAIN_LOOP_H

#include <cogvideo/train.h>

cogvideo_status cv_train_run(const cogvideo_train_options *options, cogvideo_error *err);

#endif
