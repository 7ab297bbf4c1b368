/* codec.c - codes to pixels and pixels to codes, by the image tokenizer. */
#include "family/cogvideo/arrows.h"
#include "family/cogvideo/settings.h"

#include <math.h>

/* [count] floats to bytes: clamped to 0..1, or stretched to the picture's own range. False where one is NaN or infinite. */
static bool to_bytes(uint8_t *out, const float *rgb, size_t count, bool minmax)
{
    float low = 0, high = 1;

    if (minmax) {
        low = high = rgb[0];
        for (size_t i = 1; i < count; i++) {
            low = rgb[i] < low ? rgb[i] : low;
            high = rgb[i] > high ? rgb[i] : high;
        }
        if (high <= low)
            high = low + 1;
    }
    for (size_t i = 0; i < count; i++) {
        float value = (rgb[i] - low) / (high - low);

        value = value > 0 ? value < 1 ? value : 1 : 0; /* a NaN becomes 0 */
        out[i] = (uint8_t)lrintf(255.0f * value);
    }
    return cv_dtype_not_finite(CV_F32, rgb, count) == count;
}

/* Frames per second from the times of a clip; 0 where they do not tell. */
static double clip_fps(const cogvideo_tokens *clip)
{
    double seconds = clip->frames > 1 ? clip->times[clip->frames - 1] - clip->times[0] : 0;
    double fps = seconds > 0 ? (clip->frames - 1) / seconds : 0;

    return fps >= 0.01 && fps <= 1000 ? fps : 0;
}

static cogvideo_status decode_frames(const cogvideo_model *model, const cogvideo_decode_options *options,
                                     const cogvideo_tokens *in, cogvideo_video *video, cogvideo_error *err)
{
    size_t places = (size_t)in->grid * (size_t)in->grid;
    size_t values = (size_t)video->width * (size_t)video->height * 3;
    cogvideo_status status = COGVIDEO_OK;
    float *rgb = NULL;
    void *scratch = NULL;
    cogvideo_progress progress = { .stage = COGVIDEO_STAGE_DECODE, .rounds = 1, .frames = in->frames, .sequences = 1,
                                   .all_codes = (long long)places * in->frames };

    CV_NEW(rgb, values, err);
    scratch = cv_alloc(cv_image_tokenizer_decode_scratch(model->image_tokenizer, &model->exec, in->grid, in->grid,
                                                         in->rate), 1, err);
    if (!scratch) {
        status = COGVIDEO_ERROR_MEMORY;
        goto fail;
    }
    for (int f = 0; f < in->frames; f++) {
        CV_TRY(cv_image_tokenizer_decode(&model->exec, model->image_tokenizer, rgb, in->codes + (size_t)f * places,
                                         in->grid, in->grid, in->rate, scratch, err));
        if (!to_bytes(video->pixels + (size_t)f * values, rgb, values, options && options->minmax)) {
            status = cv_fail_unsound(model, COGVIDEO_STAGE_DECODE, f, -1, err);
            goto fail;
        }
        progress.frame = f + 1;
        progress.codes = (long long)places * (f + 1);
        if (options && options->callbacks.progress && options->callbacks.progress(options->callbacks.user, &progress)) {
            status = cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
            goto fail;
        }
    }
fail:
    cv_free(rgb);
    cv_free(scratch);
    return status;
}

cogvideo_status cv_arrow_decode(const cogvideo_model *model, const cogvideo_decode_options *options,
                                const cogvideo_tokens *in, cogvideo_video *out, cogvideo_error *err)
{
    int wanted = options && options->size ? options->size : model->description.picture_size, side;
    cogvideo_status status;
    cogvideo_video video = { 0 }, enlarged = { 0 };

    CV_TRY(cv_need_image_tokenizer(model, err));
    CV_TRY(cv_check_clip(in, in->grid, model->description.image_tokenizer.codes, "the image tokenizer", err));
    if (wanted < -1 || wanted > 16384)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the size must be from 1 to 16384 pixels, not %d", wanted);
    if ((long long)in->grid * in->rate > 16384)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "frames of %dx%d codes at rate %d would be wider than 16384 pixels",
                       in->grid, in->grid, in->rate);
    side = in->grid * in->rate;
    CV_TRY(cogvideo_video_alloc(&video, side, side, in->frames, clip_fps(in), err));
    if (options && options->fps > 0)
        video.fps = options->fps;
    CV_TRY(decode_frames(model, options, in, &video, err));
    if (side < wanted) {
        CV_TRY(cogvideo_video_nearest(&enlarged, &video, wanted, wanted, err));
        cogvideo_video_free(&video);
        video = enlarged;
    }
    *out = video;
    return COGVIDEO_OK;
fail:
    cogvideo_video_free(&video);
    return status;
}

cogvideo_status cv_arrow_encode(const cogvideo_model *model, const cogvideo_video *in, int rate,
                                const cogvideo_callbacks *callbacks, cogvideo_tokens *out, cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_tokens clip = { 0 };
    void *scratch = NULL;
    cv_json *record = NULL;
    double step = in->fps > 0 ? 1 / in->fps : 1;
    cogvideo_progress progress = { .stage = COGVIDEO_STAGE_ENCODE, .rounds = 1, .frames = in->frames, .sequences = 1 };

    CV_TRY(cv_need_image_tokenizer(model, err));
    if (in->width != in->height || rate < 1 || in->width % rate != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "pictures must be square and a multiple of the rate (%d) to be encoded, these are %dx%d", rate,
                       in->width, in->height);
    CV_TRY(cv_record_open(&record, model, NULL, NULL, err));
    CV_TRY(cogvideo_tokens_alloc(&clip, in->width / rate, rate, in->frames, err));
    scratch = cv_alloc(cv_image_tokenizer_encode_scratch(model->image_tokenizer, &model->exec, in->width, in->height),
                       1, err);
    if (!scratch) {
        status = COGVIDEO_ERROR_MEMORY;
        goto fail;
    }
    for (int f = 0; f < in->frames; f++) {
        size_t places = (size_t)clip.grid * (size_t)clip.grid;

        progress.all_codes = (long long)places * in->frames;
        status = cv_image_tokenizer_encode(&model->exec, model->image_tokenizer, clip.codes + (size_t)f * places, NULL,
                                           in->pixels + (size_t)f * (size_t)in->width * (size_t)in->height * 3,
                                           in->width, in->height, rate, scratch, err);
        if (status == COGVIDEO_ERROR_MODEL)
            status = cv_fail_unsound(model, COGVIDEO_STAGE_ENCODE, f, -1, err);
        if (status != COGVIDEO_OK)
            goto fail;
        clip.times[f] = f * step;
        progress.frame = f + 1;
        progress.codes = (long long)places * (f + 1);
        if (callbacks && callbacks->progress && callbacks->progress(callbacks->user, &progress)) {
            status = cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
            goto fail;
        }
    }
    CV_TRY(cv_record_close(&record, &clip, err));
    *out = clip;
    clip = (cogvideo_tokens){ 0 };
fail:
    cv_json_free(&record);
    cogvideo_tokens_free(&clip);
    cv_free(scratch);
    return status;
}
