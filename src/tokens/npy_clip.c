/* npy_clip.c - a clip as a NumPy array. */
#include "tokens/header.h"
#include "tokens/npy.h"

#include <limits.h>
#include <string.h>

/* Reads height and width from the shape [frames, height, width], or [frames, n] of square frames. */
static bool shape_of(const cv_npy *array, size_t *height, size_t *width)
{
    size_t side = 1;

    if (array->rank != 2 && array->rank != 3)
        return false;
    while (array->rank == 2 && side <= CV_TOKENS_MAX_GRID && side * side < array->shape[1])
        side++;
    *height = array->rank == 3 ? array->shape[1] : side;
    *width = array->rank == 3 ? array->shape[2] : side;
    return *height >= 1 && *height <= CV_TOKENS_MAX_GRID && *width >= 1 && *width <= CV_TOKENS_MAX_GRID &&
           (array->rank == 3 || *height * *width == array->shape[1]);
}

cogvideo_status cogvideo_tokens_load_npy(cogvideo_tokens *out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_tokens tokens = { 0 };
    cv_npy array = { 0 };
    size_t height = 0, width = 0;

    CV_TRY(cv_npy_read(&array, path, 0, INT32_MAX, err));
    if (!shape_of(&array, &height, &width) || array.shape[0] > INT_MAX) {
        status = cv_fail(
            err, COGVIDEO_ERROR_FORMAT,
            "%s: a clip has the shape [frames, height, width], or [frames, n] where its frames are square, with "
            "sides of at most %d; but this array has another",
            path, CV_TOKENS_MAX_GRID);
        goto done;
    }
    CV_TRY(cogvideo_tokens_alloc(&tokens, (int)height, (int)width, 8, (int)array.shape[0], err));
    memcpy(tokens.codes, array.values, array.count * sizeof *tokens.codes);
    for (int i = 0; i < tokens.frames; i++)
        tokens.times[i] = i;
    *out = tokens;
    tokens = (cogvideo_tokens){ 0 };
done:
    cv_npy_free(&array);
    cogvideo_tokens_free(&tokens);
    return status;
}

cogvideo_status cogvideo_tokens_save_npy(const cogvideo_tokens *tokens, const char *path, cogvideo_error *err)
{
    size_t shape[3] = { (size_t)tokens->frames, (size_t)tokens->height, (size_t)tokens->width };

    return cv_npy_write(path, 3, shape, tokens->codes, err);
}
