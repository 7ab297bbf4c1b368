/* codec.c - codes to pixels and pixels to codes, by the image tokenizer. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/steps/header.h"
#include "family/pictures.h"
#include "family/work.h"
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

    if (wanted < 0 || wanted > 16384)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the size must be from 0 to 16384 pixels, not %d", wanted);
    if ((long long)in->height * in->rate > 16384)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "frames of %dx%d codes at rate %d would be wider than 16384 pixels", in->width, in->height,
                       in->rate);
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

/* --- pixels to codes ------------------------------------------------------------------------------------------ */

#define LINE_SPARE 64 /* bytes of a frame's line besides its codes */

typedef struct encoder {
    cogvideo_encoder head; /* first */
    const cv_cogvideo *model;
    cogvideo_callbacks callbacks;
    cogvideo_progress progress;
    cogvideo_tokens clip; /* its frames so far */
    int size, most;       /* pixels on a side; frames that a file of codes holds */
    int expected, capacity;
    cv_arena arena;
    cv_json *header;
} encoder;

static encoder *encoder_of(cogvideo_encoder *head)
{
    return (encoder *)(void *)head;
}

/* Frames of the longest codes that fit the file of a clip. */
static int most_frames(const cv_cogvideo *model, size_t places)
{
    size_t digits = 1;

    for (int64_t code = model->description.image_tokenizer.codes - 1; code >= 10; code /= 10)
        digits++;
    return (int)(CV_TOKENS_MAX_FILE / (places * (digits + 1) + LINE_SPARE));
}

static cogvideo_status too_many(const encoder *e, int frames, cogvideo_error *err)
{
    return cv_fail(
        err, COGVIDEO_ERROR_ARGUMENT,
        "%d frames of %dx%d codes are more than a file of codes holds, %d: encode no more than that (--frames %d)",
        frames, e->clip.width, e->clip.height, e->most, e->most);
}

static size_t encoder_places(const encoder *e)
{
    return cogvideo_tokens_per_frame(&e->clip);
}

void cv_cogvideo_encoder_close(cogvideo_encoder *head)
{
    encoder *e = encoder_of(head);

    cogvideo_tokens_free(&e->clip);
    cv_json_free(&e->header);
    cv_arena_free(&e->arena);
    cv_free(e);
}

cogvideo_status cv_cogvideo_encoder_open(cogvideo_encoder **out, const cogvideo_model *head, int width, int height,
                                         int rate, int expected, const cogvideo_callbacks *callbacks,
                                         cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const int own = rate == 0 ? model->description.rate : rate, side = own > 0 ? width / own : 0;
    const cogvideo_tokens shape = { .height = side, .width = side, .rate = own, .frames_per_code = 1 };
    encoder *e = NULL;
    cogvideo_status status;

    CV_TRY(cv_need_image_tokenizer(model, err));
    if (width != height || width < 1 || own < 1 || width % own != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "frames must be square and a multiple of the rate (%d) to be encoded, these are %dx%d", own,
                       width, height);
    CV_TRY(cv_tokens_check(&shape, err));
    CV_NEW(e, 1, err);
    e->head.model = head;
    e->model = model;
    e->size = width;
    e->expected = expected;
    e->clip = shape;
    e->progress = (cogvideo_progress){ .what = "encoding", .unit = "codes", .rounds = 1, .sequences = 1 };
    if (callbacks)
        e->callbacks = *callbacks;
    e->most = most_frames(model, encoder_places(e));
    if (expected > e->most) {
        status = too_many(e, expected, err);
        goto done;
    }
    CV_TRY(cv_header_begin(&e->header, model, NULL, NULL, err));
    CV_TRY(cv_arena_create(&e->arena,
                           cv_image_tokenizer_encode_scratch(model->image_tokenizer, &model->head.exec, width, width),
                           err));
    *out = &e->head;
    return COGVIDEO_OK;
done:
    if (e)
        cv_cogvideo_encoder_close(&e->head);
    return status;
}

/* Room for one frame more. */
static cogvideo_status encoder_room(encoder *e, cogvideo_error *err)
{
    const size_t frames = (size_t)e->clip.frames,
                 grown = e->expected > e->clip.frames ? (size_t)e->expected : frames + frames / 2 + 1;
    int32_t *codes;
    double *times;

    if (e->clip.frames >= e->most)
        return too_many(e, e->clip.frames + 1, err);
    if (e->clip.frames < e->capacity)
        return COGVIDEO_OK;
    if (!(codes = cv_realloc(e->clip.codes, frames * encoder_places(e), grown * encoder_places(e), sizeof *codes, err)))
        return COGVIDEO_ERROR_MEMORY;
    e->clip.codes = codes;
    if (!(times = cv_realloc(e->clip.times, frames, grown, sizeof *times, err)))
        return COGVIDEO_ERROR_MEMORY;
    e->clip.times = times;
    e->capacity = (int)grown;
    return COGVIDEO_OK;
}

static cogvideo_status encoder_report(encoder *e, int frames, cogvideo_error *err)
{
    e->progress.frame = e->clip.frames;
    e->progress.frames = frames;
    e->progress.done = (long long)encoder_places(e) * e->clip.frames;
    e->progress.total = (long long)encoder_places(e) * frames;
    if (cv_progress(&e->callbacks, &e->progress))
        return cv_cancelled(err);
    return COGVIDEO_OK;
}

cogvideo_status cv_cogvideo_encoder_frame(cogvideo_encoder *head, const uint8_t *pixels, double time,
                                          cogvideo_error *err)
{
    encoder *e = encoder_of(head);
    cogvideo_status status;

    CV_TRY(encoder_room(e, err));
    status = cv_image_tokenizer_encode(&e->model->head.exec, e->model->image_tokenizer,
                                       e->clip.codes + (size_t)e->clip.frames * encoder_places(e), NULL, pixels,
                                       e->size, e->size, e->clip.rate, &e->arena, err);
    if (status == COGVIDEO_ERROR_MODEL)
        status = cv_fail_unsound(e->model, "encoding", e->clip.frames, -1, err);
    CV_TRY(status);
    e->clip.times[e->clip.frames++] = time;
    status = encoder_report(e, e->expected >= e->clip.frames ? e->expected : 0, err);
done:
    return status;
}

cogvideo_status cv_cogvideo_encoder_finish(cogvideo_encoder *head, cogvideo_tokens *out, cogvideo_error *err)
{
    encoder *e = encoder_of(head);
    cogvideo_status status;

    if (e->clip.frames == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip has at least 1 frame, none was encoded");
    if (e->clip.frames != e->expected) /* otherwise the last frame has reported it */
        CV_TRY(encoder_report(e, e->clip.frames, err));
    CV_TRY(cv_header_end(&e->header, &e->clip, err));
    *out = e->clip;
    e->clip = (cogvideo_tokens){ 0 };
done:
    return status;
}
