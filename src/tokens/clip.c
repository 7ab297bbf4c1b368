/* clip.c - a clip in memory: room, release, comparison. */
#include "tokens/header.h"

cogvideo_status cogvideo_tokens_alloc(cogvideo_tokens *out, int grid, int rate, int frames, cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_tokens tokens = { .grid = grid, .rate = rate, .frames = frames };
    size_t count;

    CV_TRY(cv_tokens_check(grid, rate, err));
    if (frames < 1) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip must have at least 1 frame, %d were asked for", frames);
        goto fail;
    }
    if (!cv_size_mul((size_t)grid * (size_t)grid, (size_t)frames, &count)) {
        status = cv_fail(err, COGVIDEO_ERROR_MEMORY, "a clip of %d frames on a %dx%d grid does not fit the memory",
                         frames, grid, grid);
        goto fail;
    }
    CV_NEW(tokens.codes, count, err);
    CV_NEW(tokens.times, frames, err);
    *out = tokens;
    return COGVIDEO_OK;
fail:
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

cogvideo_status cogvideo_tokens_compare(const cogvideo_tokens *a, const cogvideo_tokens *b,
                                        cogvideo_tokens_difference *out, cogvideo_error *err)
{
    cogvideo_tokens_difference difference = { .first_frame = -1, .first_place = -1 };
    size_t places;

    if (a->grid != b->grid)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "clips on different grids, %dx%d and %dx%d, cannot be compared code by code", a->grid, a->grid,
                       b->grid, b->grid);
    places = (size_t)a->grid * (size_t)a->grid;
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
