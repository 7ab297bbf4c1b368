/* npy_clip.c - a clip as a NumPy array. */
#include "tokens/header.h"
#include "tokens/npy.h"

#include <limits.h>
#include <string.h>

/* *grid from the shape [frames, grid * grid] or [frames, grid, grid]; 0 for another. */
static int grid_of(const cv_npy *array)
{
    size_t side = 0;

    if (array->rank == 3 && array->shape[1] == array->shape[2])
        side = array->shape[1];
    else if (array->rank == 2)
        while (side <= CV_TOKENS_MAX_GRID && side * side < array->shape[1])
            side++;
    if (side < 1 || side > CV_TOKENS_MAX_GRID || (array->rank == 2 && side * side != array->shape[1]))
        return 0;
    return (int)side;
}

cogvideo_status cogvideo_tokens_load_npy(cogvideo_tokens *out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_tokens tokens = { 0 };
    cv_npy array = { 0 };
    int grid;

    CV_TRY(cv_npy_read(&array, path, 0, INT32_MAX, err));
    grid = grid_of(&array);
    if (grid == 0 || array.shape[0] > INT_MAX) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: a clip has the shape [frames, grid * grid] or [frames, grid, grid], grid at most %d; "
                         "this array has another", path, CV_TOKENS_MAX_GRID);
        goto fail;
    }
    CV_TRY(cogvideo_tokens_alloc(&tokens, grid, 8, (int)array.shape[0], err));
    memcpy(tokens.codes, array.values, array.count * sizeof *tokens.codes);
    for (int i = 0; i < tokens.frames; i++)
        tokens.times[i] = i;
    *out = tokens;
    tokens = (cogvideo_tokens){ 0 };
fail:
    cv_npy_free(&array);
    cogvideo_tokens_free(&tokens);
    return status;
}

cogvideo_status cogvideo_tokens_save_npy(const cogvideo_tokens *tokens, const char *path, cogvideo_error *err)
{
    size_t shape[3] = { (size_t)tokens->frames, (size_t)tokens->grid, (size_t)tokens->grid };

    return cv_npy_write(path, 3, shape, tokens->codes, err);
}
