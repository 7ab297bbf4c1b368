#include "family/phenaki/steps/box_codec.h"

#include <math.h>
#include <string.h>

int cv_box_frames(const cv_phenaki *model, int T)
{
    return cv_cvivit_frames(cv_cvivit_config_of(model->tokenizer), T);
}

/* Pixels of a frame of the codec's boxes. */
static size_t plane_of(const cv_box_codec *codec)
{
    const cv_cvivit_config *config = cv_cvivit_config_of(codec->model->tokenizer);

    return (size_t)codec->h * (size_t)config->patch_height * (size_t)codec->w * (size_t)config->patch_width;
}

static size_t numbers_of(const cv_box_codec *codec, int T)
{
    return 3 * plane_of(codec) * (size_t)cv_box_frames(codec->model, T);
}

static cv_cvivit_box box_of(const cv_box_codec *codec, int T)
{
    return (cv_cvivit_box){ 1, T, codec->h, codec->w };
}

static void take(cv_box_codec *codec, cv_arena *arena)
{
    const cv_cvivit_box box = box_of(codec, codec->T);

    codec->pixels = cv_arena_take(arena, numbers_of(codec, codec->T), sizeof *codec->pixels);
    cv_arena_reserve(arena, cv_cvivit_scratch(&codec->model->head.exec, codec->model->tokenizer, &box));
}

uint64_t cv_box_codec_bytes(const cv_phenaki *model, int T, int h, int w)
{
    cv_box_codec codec = { .model = model, .T = T, .h = h, .w = w };
    cv_arena arena = { 0 };

    take(&codec, &arena);
    return arena.peak;
}

cogvideo_status cv_box_codec_open(cv_box_codec *out, const cv_phenaki *model, int T, int h, int w, cogvideo_error *err)
{
    cv_box_codec codec = { .model = model, .T = T, .h = h, .w = w };
    cogvideo_status status;

    CV_TRY(cv_arena_create(&codec.arena, (size_t)cv_box_codec_bytes(model, T, h, w), err));
    take(&codec, &codec.arena);
    *out = codec;
done:
    return status;
}

void cv_box_codec_close(cv_box_codec *codec)
{
    cv_arena_free(&codec->arena);
    codec->pixels = NULL;
}

cogvideo_status cv_box_decode(cv_box_codec *codec, const int32_t *codes, int T, const char *what, int number,
                              cogvideo_error *err)
{
    const cv_phenaki *model = codec->model;
    const cv_cvivit_box box = box_of(codec, T);
    const size_t numbers = numbers_of(codec, T);

    cv_cvivit_decode(&model->head.exec, model->tokenizer, &box, codec->pixels, codes, NULL, NULL, &codec->arena);
    if (cv_dtype_not_finite(CV_F32, codec->pixels, numbers) != numbers)
        return cv_model_fail_unsound(&model->head, err, "decoding, %s %d", what, number);
    return COGVIDEO_OK;
}

cogvideo_status cv_box_encode(cv_box_codec *codec, int32_t *codes, int T, const char *what, int number,
                              cogvideo_error *err)
{
    const cv_phenaki *model = codec->model;
    const cv_cvivit_box box = box_of(codec, T);
    const size_t places = (size_t)T * (size_t)codec->h * (size_t)codec->w;
    const int limit = cv_cvivit_config_of(model->tokenizer)->codes;

    cv_cvivit_encode(&model->head.exec, model->tokenizer, &box, codes, NULL, codec->pixels, NULL, NULL, &codec->arena);
    for (size_t i = 0; i < places; i++)
        if (codes[i] < 0 || codes[i] >= limit) /* of vectors that are no numbers */
            return cv_model_fail_unsound(&model->head, err, "encoding, %s %d", what, number);
    return COGVIDEO_OK;
}

/* --- frames ----------------------------------------------------------------------------------------------------- */

void cv_box_get_frame(const cv_box_codec *codec, int T, int frame, bool stretched, uint8_t *rgb)
{
    const size_t plane = plane_of(codec), channel = plane * (size_t)cv_box_frames(codec->model, T);
    const float *from = codec->pixels + (size_t)frame * plane;
    float low = 0, high = 1;

    if (stretched) {
        low = high = from[0];
        for (size_t i = 0; i < 3 * plane; i++) {
            const float value = from[i / plane * channel + i % plane];

            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        if (high <= low)
            high = low + 1;
    }
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++) {
            float value = (from[c * channel + i] - low) / (high - low);

            value = value > 0 ? value < 1 ? value : 1 : 0;
            rgb[3 * i + c] = (uint8_t)lrintf(255.0f * value);
        }
}

void cv_box_set_frame(cv_box_codec *codec, int T, int frame, const uint8_t *rgb)
{
    const size_t plane = plane_of(codec), channel = plane * (size_t)cv_box_frames(codec->model, T);
    float *to = codec->pixels + (size_t)frame * plane;

    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++)
            to[c * channel + i] = (float)rgb[3 * i + c] / 255.0f;
}

size_t cv_box_frame_numbers(const cv_box_codec *codec)
{
    return 3 * plane_of(codec);
}

void cv_box_get_floats(const cv_box_codec *codec, int T, int frame, float *rgb)
{
    const size_t plane = plane_of(codec), channel = plane * (size_t)cv_box_frames(codec->model, T);

    for (size_t c = 0; c < 3; c++)
        memcpy(rgb + c * plane, codec->pixels + c * channel + (size_t)frame * plane, plane * sizeof *rgb);
}

void cv_box_set_floats(cv_box_codec *codec, int T, int frame, const float *rgb)
{
    const size_t plane = plane_of(codec), channel = plane * (size_t)cv_box_frames(codec->model, T);

    for (size_t c = 0; c < 3; c++)
        memcpy(codec->pixels + c * channel + (size_t)frame * plane, rgb + c * plane, plane * sizeof *rgb);
}
