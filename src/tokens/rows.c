/* rows.c - rows of the training files of the original code: int32, text ids and codes, no header. */
#include "base/json.h"
#include "base/output.h"
#include "base/path.h"
#include "tokens/bytes.h"
#include "tokens/header.h"

#include <errno.h>
#include <string.h>

#define MAX_TEXT_PLACES 65536
#define MAX_FRAMES 65536

/* *count = the int32 numbers of a row. */
static cogvideo_status row_size(int grid, int frames, int text_places, size_t *count, cogvideo_error *err)
{
    const cogvideo_tokens shape = { .height = grid, .width = grid, .rate = 8, .frames_per_code = 1 };
    cogvideo_status status = cv_tokens_check(&shape, err);
    size_t codes;

    if (status != COGVIDEO_OK)
        return status;
    if (frames < 1 || frames > MAX_FRAMES || text_places < 0 || text_places > MAX_TEXT_PLACES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a row has 1 to %d frames and 0 to %d text ids, not %d and %d",
                       MAX_FRAMES, MAX_TEXT_PLACES, frames, text_places);
    if (!cv_size_mul(cogvideo_tokens_per_frame(&shape), (size_t)frames, &codes) ||
        !cv_size_add(codes, (size_t)text_places, count) || *count > SIZE_MAX / 4)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "a row of %d frames of %dx%d codes does not fit into memory", frames,
                       grid, grid);
    return COGVIDEO_OK;
}

/* Reads row `row` of a file of rows of `size` bytes. */
static cogvideo_status read_row(const char *path, int row, size_t size, unsigned char *bytes, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    FILE *file = cv_path_is_dir(path) ? (errno = EISDIR, (FILE *)NULL) : fopen(path, "rbe");
    off_t length;

    if (!file)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fseeko(file, 0, SEEK_END) != 0 || (length = ftello(file)) < 0) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: is not a regular file: %s", path, strerror(errno));
    } else if (length == 0 || (uintmax_t)length % size != 0) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: has %jd bytes; a whole number of rows of %zu bytes was expected (are grid, frames and "
                         "text length right?)",
                         path, (intmax_t)length, size);
    } else if ((uintmax_t)row >= (uintmax_t)length / size) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: has %ju rows, numbered from 0; row %d does not exist", path,
                         (uintmax_t)length / size, row);
    } else if (fseeko(file, (off_t)((uintmax_t)row * size), SEEK_SET) != 0 || fread(bytes, 1, size, file) != size) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: row %d cannot be read: %s", path, row, strerror(errno));
    }
    fclose(file);
    return status;
}

static cogvideo_status take_ids(const char *path, int row, const unsigned char *bytes, size_t count, int32_t *out,
                                cogvideo_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int32_t id = (int32_t)cv_get_le32(bytes + 4 * i);

        if (id < 0)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %d contains %d; ids and codes must be 0 or more", path,
                           row, id);
        out[i] = id;
    }
    return COGVIDEO_OK;
}

static cogvideo_status text_header(const int32_t *ids, size_t count, char **out, cogvideo_error *err)
{
    cv_json *json = cv_json_new_object();

    cv_json_set_ints(json, "text_ids", ids, count);
    *out = cv_json_print(json, false, err);
    cv_json_free(&json);
    return *out ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

cogvideo_status cogvideo_tokens_load_row(cogvideo_tokens *out, const char *path, int row, int grid, int frames,
                                         int text_places, int32_t pad, cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_tokens tokens = { 0 };
    unsigned char *bytes = NULL;
    int32_t *ids = NULL;
    size_t count, kept = 0, text = (size_t)text_places;

    CV_TRY(row_size(grid, frames, text_places, &count, err));
    if (row < 0) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "rows are numbered from 0; row %d does not exist", row);
        goto done;
    }
    CV_NEW(bytes, 4 * count, err);
    CV_TRY(read_row(path, row, 4 * count, bytes, err));
    CV_TRY(cogvideo_tokens_alloc(&tokens, grid, grid, 8, frames, err));
    CV_TRY(take_ids(path, row, bytes + 4 * text, count - text, tokens.codes, err));
    CV_NEW(ids, text, err);
    for (size_t i = 0; i < text; i++)
        if ((int32_t)cv_get_le32(bytes + 4 * i) != pad)
            CV_TRY(take_ids(path, row, bytes + 4 * i, 1, &ids[kept++], err));
    CV_TRY(text_header(ids, kept, &tokens.header, err));
    for (int i = 0; i < frames; i++)
        tokens.times[i] = i;
    *out = tokens;
    tokens = (cogvideo_tokens){ 0 };
done:
    cv_free(bytes);
    cv_free(ids);
    cogvideo_tokens_free(&tokens);
    return status;
}

cogvideo_status cogvideo_tokens_save_row(const cogvideo_tokens *tokens, const char *path, const int32_t *text_ids,
                                         size_t text_count, int text_places, int32_t pad, cogvideo_error *err)
{
    cogvideo_status status;
    cv_output output = { 0 };
    unsigned char *bytes = NULL;
    size_t count, text = (size_t)text_places;

    if (!cv_tokens_is_grid(tokens)) {
        status = cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "%s: a training row has square frames, one for each video frame; this clip has frames of %dx%d codes, "
            "%d video frames each",
            path, tokens->width, tokens->height, tokens->frames_per_code);
        goto done;
    }
    CV_TRY(row_size(tokens->height, tokens->frames, text_places, &count, err));
    if (text_count > text) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: the text has %zu ids, but a row has room for %d", path,
                         text_count, text_places);
        goto done;
    }
    CV_NEW(bytes, 4 * count, err);
    for (size_t i = 0; i < text; i++)
        cv_put_le32(bytes + 4 * i, (uint32_t)(i < text_count ? text_ids[i] : pad));
    for (size_t i = text; i < count; i++)
        cv_put_le32(bytes + 4 * i, (uint32_t)tokens->codes[i - text]);
    CV_TRY(cv_output_open(&output, path, err));
    CV_TRY(cv_output_write(&output, bytes, 4 * count, err));
    status = cv_output_commit(&output, err);
done:
    cv_output_abandon(&output);
    cv_free(bytes);
    return status;
}
