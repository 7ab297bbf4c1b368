/* decoder.c - codes to pixels, by the image tokenizer. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/model/settings.h"
#include "family/pictures.h"
#include "family/work.h"
#include "media/frame.h"
#include "tokens/header.h"

#include <math.h>

/* [count] floats to bytes: clamped to 0..1, or stretched to the picture's own range. False where one is NaN or
 * infinite. */
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

/* Frame `frame` of a clip to the pixels of a picture; `rgb` has room for its numbers. */
static cogvideo_status decode_frame(const cv_cogvideo *model, const cogvideo_tokens *in, int frame, bool minmax,
                                    float *rgb, uint8_t *pixels, cv_arena *arena, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(in);
    cogvideo_status status;

    CV_TRY(cv_image_tokenizer_decode(&model->head.exec, model->image_tokenizer, rgb, in->codes + (size_t)frame * places,
                                     in->width, in->height, in->rate, arena, err));
    if (!to_bytes(pixels, rgb, 3 * places * (size_t)in->rate * (size_t)in->rate, minmax))
        status = cv_fail_unsound(model, "decoding", frame, -1, err);
done:
    return status;
}

static cogvideo_status decode_frames(const cv_cogvideo *model, const cogvideo_decode_options *options,
                                     const cogvideo_tokens *in, cv_pictures *out, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(in), values = 3 * (size_t)out->width * (size_t)out->height;
    cogvideo_status status = COGVIDEO_OK;
    float *rgb = NULL;
    uint8_t *pixels = NULL;
    cv_arena arena = { 0 };
    cogvideo_progress progress = { .what = "decoding",
                                   .unit = "codes",
                                   .rounds = 1,
                                   .frames = in->frames,
                                   .sequences = 1,
                                   .total = (long long)places * in->frames };

    CV_NEW(rgb, values, err);
    CV_NEW(pixels, values, err);
    CV_TRY(cv_arena_create(&arena,
                           cv_image_tokenizer_decode_scratch(model->image_tokenizer, &model->head.exec, in->width,
                                                             in->height, in->rate),
                           err));
    for (int f = 0; f < in->frames; f++) {
        CV_TRY(decode_frame(model, in, f, options->normalize == COGVIDEO_NORMALIZE_MINMAX, rgb, pixels, &arena, err));
        CV_TRY(cv_pictures_give(out, pixels, err));
        progress.frame = f + 1;
        progress.done = (long long)places * (f + 1);
        if (cv_progress(&options->callbacks, &progress)) {
            status = cv_cancelled(err);
            goto done;
        }
    }
done:
    cv_free(rgb);
    cv_free(pixels);
    cv_arena_free(&arena);
    return status;
}

cogvideo_status cv_decoded_side(const cv_cogvideo *model, const cogvideo_decode_options *options,
                                const cogvideo_shape *in, int *side, cogvideo_error *err)
{
    const int wanted = options ? options->size : model->description.picture_size;

    if (wanted < 0 || wanted > CV_MEDIA_MAX_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the size must be from 0 to %d pixels, not %d", CV_MEDIA_MAX_SIDE,
                       wanted);
    if ((long long)in->height * in->rate > CV_MEDIA_MAX_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "frames of %dx%d codes at rate %d would be wider than %d pixels",
                       in->width, in->height, in->rate, CV_MEDIA_MAX_SIDE);
    *side = in->height * in->rate < wanted ? wanted : in->height * in->rate;
    return COGVIDEO_OK;
}

cogvideo_status cv_cogvideo_decode(const cogvideo_model *head, const cogvideo_decode_options *options,
                                   const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user,
                                   cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const int side = in->height * in->rate;
    const cogvideo_shape shape = { .height = in->height, .width = in->width, .rate = in->rate };
    cogvideo_picture next = { .count = in->frames };
    cv_pictures pictures = { 0 };
    cogvideo_status status;
    int shown = 0;

    CV_TRY(cv_need_image_tokenizer(model, err));
    CV_TRY(cv_check_clip(in, in->height, model->description.image_tokenizer.codes, "the image tokenizer", err));
    CV_TRY(cv_decoded_side(model, options, &shape, &shown, err));
    next.width = next.height = shown;
    next.fps = options->fps > 0 ? options->fps : clip_fps(in);
    CV_TRY(cv_pictures_open(&pictures, &next, side, side, take, user, err));
    CV_TRY(decode_frames(model, options, in, &pictures, err));
done:
    cv_pictures_close(&pictures);
    return status;
}
