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
    cv_free(tokens->scenes);
    cv_free(tokens->given);
    cv_free(tokens->settled);
    cv_free(tokens->confidence);
    *tokens = (cogvideo_tokens){ 0 };
}

size_t cogvideo_tokens_per_frame(const cogvideo_tokens *tokens)
{
    return (size_t)tokens->height * (size_t)tokens->width;
}

/* Makes an array of a clip longer: from `before` elements to `after`. */
#define GROW(array, before, after)                                                  \
    do {                                                                            \
        void *grown = cv_realloc((array), (before), (after), sizeof *(array), err); \
                                                                                    \
        if (!grown)                                                                 \
            return COGVIDEO_ERROR_MEMORY;                                           \
        (array) = grown;                                                            \
    } while (0)

cogvideo_status cv_tokens_grow(cogvideo_tokens *clip, size_t capacity, bool scenes, bool drawn, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(clip), frames = (size_t)clip->frames;

    GROW(clip->codes, frames * places, capacity * places);
    GROW(clip->times, frames, capacity);
    if (scenes) {
        GROW(clip->scenes, frames, capacity);
        GROW(clip->given, frames, capacity);
    }
    if (drawn) {
        GROW(clip->settled, frames * places, capacity * places);
        GROW(clip->confidence, frames * places, capacity * places);
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_tokens_check_codes(const cogvideo_tokens *clip, int limit, const char *what, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(clip);

    for (size_t i = 0; i < places * (size_t)clip->frames; i++)
        if (clip->codes[i] < 0 || clip->codes[i] >= limit)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "frame %zu of the clip holds the code %d, %s knows 0 to %d: it was made by another model",
                           i / places, (int)clip->codes[i], what, limit - 1);
    return COGVIDEO_OK;
}

int cogvideo_tokens_rate_across(const cogvideo_tokens *tokens)
{
    return tokens->rate_across > 0 ? tokens->rate_across : tokens->rate;
}

cogvideo_status cogvideo_tokens_add_scenes(cogvideo_tokens *tokens, int drawn, cogvideo_error *err)
{
    const size_t codes = (size_t)tokens->frames * cogvideo_tokens_per_frame(tokens);
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(tokens->scenes, tokens->frames, err);
    CV_NEW(tokens->given, tokens->frames, err);
    if (drawn) {
        CV_NEW(tokens->settled, codes, err);
        CV_NEW(tokens->confidence, codes, err);
    }
done:
    return status;
}

/* The first frame of a scene, or where it would be: their numbers never go back. */
static int scene_begin(const cogvideo_tokens *tokens, int index)
{
    int low = 0, high = tokens->frames;

    while (low < high) {
        const int middle = low + (high - low) / 2;

        if (tokens->scenes[middle] < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int cogvideo_tokens_scene(const cogvideo_tokens *tokens, int index, int *first, int *frames, int *given)
{
    int at = 0;

    *first = *frames = *given = 0;
    if (index < 0 || (index > 0 && !tokens->scenes))
        return 0;
    if (tokens->scenes)
        at = scene_begin(tokens, index);
    *first = at;
    for (; at < tokens->frames && (!tokens->scenes || tokens->scenes[at] == index); at++) {
        *given += tokens->given && tokens->given[at];
        ++*frames;
    }
    return *frames > 0;
}

/* Video frames of the first `frames` frames of a scene, of which `given` are taken over and not shown. */
static long long shown_frames(const cogvideo_tokens *tokens, int frames, int given)
{
    if (frames <= given)
        return 0;
    return given > 0 ? (long long)(frames - given) * tokens->frames_per_code
                     : 1 + (frames - 1) * (long long)tokens->frames_per_code;
}

long long cogvideo_tokens_video_frames(const cogvideo_tokens *tokens)
{
    int first, frames, given;
    long long sum = 0;

    for (int i = 0; cogvideo_tokens_scene(tokens, i, &first, &frames, &given); i++)
        sum += shown_frames(tokens, frames, given);
    return sum;
}

long long cogvideo_tokens_video_frame(const cogvideo_tokens *tokens, int frame)
{
    int first, frames, given;
    long long sum = 0;

    for (int i = 0; cogvideo_tokens_scene(tokens, i, &first, &frames, &given); i++) {
        if (frame < first + frames)
            return frame < first + given ? -1 : sum + shown_frames(tokens, frame - first, given);
        sum += shown_frames(tokens, frames, given);
    }
    return -1;
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
