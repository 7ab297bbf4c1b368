#include "family/phenaki/steps/steps.h"
#include "family/phenaki/train/boxes.h"

#include <string.h>

/* Every `apart`-th frame. */
static cogvideo_status thin_out(const cogvideo_video *from, int apart, cogvideo_video *out, cogvideo_error *err)
{
    const size_t size = 3 * (size_t)from->width * (size_t)from->height;
    const int count = (from->frames - 1) / apart + 1;
    cogvideo_status status = cogvideo_video_alloc(out, from->width, from->height, count, 0, err);

    for (int f = 0; f < count && status == COGVIDEO_OK; f++)
        memcpy(out->pixels + (size_t)f * size, from->pixels + (size_t)(f * apart) * size, size);
    return status;
}

cogvideo_status cv_boxes_sample(const cogvideo_model *newest, const cv_box_rows *rows, size_t row, int seed,
                                cogvideo_video *out, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(newest);
    const cogvideo_decode_options decode = { 0 };
    cogvideo_generate_options options;
    cogvideo_value codes = { 0 };
    cogvideo_video video = { 0 };
    cogvideo_status status;
    char *prompt = NULL;
    const int32_t *ids;
    int count;

    if (!model->tokenizer || !newest->text || rows->T == 1)
        return COGVIDEO_OK; /* codes that nobody can see */
    ids = cv_box_rows_text(rows, row, &count);
    CV_TRY(cv_text_decode(newest->text, ids, (size_t)count, &prompt, err));
    cogvideo_generate_defaults(newest, &options);
    options.prompt = prompt;
    options.seed = (uint64_t)seed;
    CV_TRY(cv_phenaki_scenes(newest, &options, NULL, &codes, err));
    CV_TRY(cogvideo_decode(newest, &decode, &codes.codes, &video, err));
    CV_TRY(thin_out(&video, cv_cvivit_config_of(model->tokenizer)->patch_frames, out, err));
done:
    cogvideo_value_free(&codes);
    cogvideo_video_free(&video);
    cv_free(prompt);
    return status;
}
