/* train.c - the public door of training. */
#include "train/loop.h"

cogvideo_status cogvideo_train(const cogvideo_train_request *request, cogvideo_error *err)
{
    return cv_train_run(request, err);
}
