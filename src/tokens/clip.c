/* clip.c - a clip in memory: allocating, freeing, comparing. */
#include "tokens/header.h"

cogvideo_status cogvideo_tokens_alloc(cogvideo_tokens *out, int height, int width, int rate, int frames,
                                      cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_tokens tokens = { .height = height, .width = width, .rate = rate, .frames_per_code = 1, .frames = frames };
    size_t count;

    CV_TRY(cv_tokens_check(&tokens, err));
    if (frames < 1) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip must have at least 1 frame, not %d", frames);
        goto done;
    }
    if (!cv_size_mul(cogvideo_tokens_per_frame(&tokens), (size_t)frames, &count)) {
        status = cv_fail(err, COGVIDEO_ERROR_MEMORY, "a clip of %d frames of %dx%d codes does not fit into memory",
                         frames, width, height);
        goto done;
    }
    CV_NEW(tokens.codes, count, err);
    CV_NEW(tokens.times, frames, err);
    *out = tokens;
    return COGVIDEO_OK;
done:
    cogvideo_tokens_free(&tokens);
    return status;
}

void cogvideo_tokens_free(cogvideo_tokens *tokens)
{
    if (!tokens)
        return;
    cv_free(tokens->codes);
    cv_free(tokens->times);
    cv_free(tokens->header);
    *tokens = (cogvideo_tokens){ 0 };
}

size_t cogvideo_tokens_per_frame(const cogvideo_tokens *tokens)
{
    return (size_t)tokens->height * (size_t)tokens->width;
}

long long cogvideo_tokens_video_frames(const cogvideo_tokens *tokens)
{
    return tokens->frames > 0 ? 1 + (tokens->frames - 1) * (long long)tokens->frames_per_code : 0;
}

cogvideo_status cogvideo_tokens_compare(const cogvideo_tokens *a, const cogvideo_tokens *b,
                                        cogvideo_tokens_difference *out, cogvideo_error *err)
{
    cogvideo_tokens_difference difference = { .first_frame = -1, .first_place = -1 };
    size_t places;

    if (a->height != b->height || a->width != b->width)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "clips on different grids, %dx%d and %dx%d, cannot be compared code by code", a->width,
                       a->height, b->width, b->height);
    if (a->frames_per_code != b->frames_per_code)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "clips whose codes stand for %d and for %d video frames each cannot be compared code by code",
                       a->frames_per_code, b->frames_per_code);
    places = cogvideo_tokens_per_frame(a);
    difference.same_shape = a->frames == b->frames;
    difference.frames = a->frames < b->frames ? a->frames : b->frames;
    difference.codes = (long long)places * difference.frames;
    for (size_t i = 0; i < places * (size_t)difference.frames; i++) {
        if (a->codes[i] == b->codes[i])
            continue;
        if (difference.different++ == 0) {
            difference.first_frame = (int)(i / places);
            difference.first_place = (int)(i % places);
        }
    }
    *out = difference;
    return COGVIDEO_OK;
}
