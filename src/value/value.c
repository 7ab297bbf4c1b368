/* value.c - values of every kind: release and checks; room for latents, whose kind has no folder of its own. */
#include "value/value.h"

#include "base/mem.h"
#include "media/frame.h"
#include "tokens/header.h"

#include <limits.h>

#define MAX_LATENTS_SIDE 16384
#define MAX_LATENTS_CHANNELS 65536

const char *cogvideo_kind_name(cogvideo_kind kind)
{
    switch (kind) {
    case COGVIDEO_KIND_NONE:
        return "none";
    case COGVIDEO_KIND_CODES:
        return "codes";
    case COGVIDEO_KIND_LATENTS:
        return "latents";
    case COGVIDEO_KIND_PIXELS:
        return "pixels";
    }
    return "unknown";
}

static cogvideo_status check_latents_shape(const cogvideo_latents *latents, cogvideo_error *err)
{
    if (latents->height < 1 || latents->height > MAX_LATENTS_SIDE || latents->width < 1 ||
        latents->width > MAX_LATENTS_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "latents must be from 1 to %d numbers wide and high, they are %dx%d", MAX_LATENTS_SIDE,
                       latents->width, latents->height);
    if (latents->channels < 1 || latents->channels > MAX_LATENTS_CHANNELS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "latents must have from 1 to %d channels, they have %d",
                       MAX_LATENTS_CHANNELS, latents->channels);
    if (latents->frames < 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "latents must have at least 1 frame, they have %d",
                       latents->frames);
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_latents_alloc(cogvideo_latents *out, int height, int width, int channels, int frames,
                                       cogvideo_error *err)
{
    cogvideo_latents latents = { .frames = frames, .height = height, .width = width, .channels = channels };
    cogvideo_status status;
    size_t count;

    CV_TRY(check_latents_shape(&latents, err));
    if (!cv_size_mul((size_t)height * (size_t)width, (size_t)channels, &count) ||
        !cv_size_mul(count, (size_t)frames, &count)) {
        status =
            cv_fail(err, COGVIDEO_ERROR_MEMORY, "latents of %d frames of %dx%d in %d channels do not fit the memory",
                    frames, width, height, channels);
        goto done;
    }
    CV_NEW(latents.values, count, err);
    CV_NEW(latents.times, frames, err);
    *out = latents;
    return COGVIDEO_OK;
done:
    cogvideo_latents_free(&latents);
    return status;
}

void cogvideo_latents_free(cogvideo_latents *latents)
{
    if (!latents)
        return;
    cv_free(latents->values);
    cv_free(latents->times);
    cv_free(latents->header);
    *latents = (cogvideo_latents){ 0 };
}

void cogvideo_value_free(cogvideo_value *value)
{
    if (!value)
        return;
    cogvideo_tokens_free(&value->codes);
    cogvideo_latents_free(&value->latents);
    cogvideo_video_free(&value->pixels);
    value->kind = COGVIDEO_KIND_NONE;
}

static int at_most_int(long long number)
{
    return number < INT_MAX ? (int)number : INT_MAX;
}

/* Frames of the longest scene. */
static int scene_frames(const cogvideo_tokens *codes)
{
    int most = 0, first, frames, given;

    for (int i = 0; cogvideo_tokens_scene(codes, i, &first, &frames, &given); i++)
        most = frames > most ? frames : most;
    return most;
}

cogvideo_shape cogvideo_value_shape(const cogvideo_value *value)
{
    const cogvideo_tokens *codes = &value->codes;

    switch (value->kind) {
    case COGVIDEO_KIND_NONE:
        break;
    case COGVIDEO_KIND_CODES:
        return (cogvideo_shape){ .kind = value->kind,
                                 .frames = codes->frames,
                                 .height = codes->height,
                                 .width = codes->width,
                                 .rate = codes->rate,
                                 .rate_across = codes->rate_across,
                                 .frames_per_code = codes->frames_per_code,
                                 .video_frames = at_most_int(cogvideo_tokens_video_frames(codes)),
                                 .scene_frames = scene_frames(codes) };
    case COGVIDEO_KIND_LATENTS:
        return (cogvideo_shape){ .kind = value->kind,
                                 .frames = value->latents.frames,
                                 .height = value->latents.height,
                                 .width = value->latents.width,
                                 .channels = value->latents.channels };
    case COGVIDEO_KIND_PIXELS:
        return (cogvideo_shape){ .kind = value->kind,
                                 .frames = value->pixels.frames,
                                 .height = value->pixels.height,
                                 .width = value->pixels.width };
    }
    return (cogvideo_shape){ 0 };
}

cogvideo_status cv_value_check(const cogvideo_value *value, cogvideo_error *err)
{
    switch (value->kind) {
    case COGVIDEO_KIND_NONE:
        return COGVIDEO_OK;
    case COGVIDEO_KIND_CODES:
        if (value->codes.frames < 1 || !value->codes.codes || !value->codes.times)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "a clip must have at least 1 frame, with its codes and its time");
        return cv_tokens_check(&value->codes, err);
    case COGVIDEO_KIND_LATENTS:
        if (!value->latents.values || !value->latents.times)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "latents must have values and times");
        return check_latents_shape(&value->latents, err);
    case COGVIDEO_KIND_PIXELS:
        return cv_video_check(&value->pixels, err);
    }
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "there is no kind %d of values", (int)value->kind);
}
