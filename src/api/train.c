/* train.c - the public door of training, and of the rows that it reads. */
#include "train/loop.h"

#include "family/family.h"

cogvideo_status cogvideo_train(const cogvideo_train_options *options, cogvideo_error *err)
{
    return cv_train_run(options, err);
}

cogvideo_status cogvideo_dataset_tokens(const cogvideo_dataset *dataset, const cogvideo_model *model,
                                        const char *output, const cogvideo_rows_options *options,
                                        const cogvideo_dataset_callbacks *callbacks, long long *rows,
                                        cogvideo_error *err)
{
    return model->family->dataset_tokens
               ? model->family->dataset_tokens(dataset, model, output, options, callbacks, rows, err)
               : cv_model_cannot(model, "be trained on rows of codes", err);
}

cogvideo_status cogvideo_dataset_check_tokenizer(const cogvideo_dataset *dataset, const cogvideo_model *model,
                                                 int clips, const cogvideo_dataset_callbacks *callbacks,
                                                 cogvideo_tokenizer_check *out, cogvideo_error *err)
{
    return model->family->check_tokenizer ? model->family->check_tokenizer(dataset, model, clips, callbacks, out, err)
                                          : cv_model_cannot(model, "check a tokenizer", err);
}
