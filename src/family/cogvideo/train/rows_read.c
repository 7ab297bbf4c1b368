#include "family/cogvideo/train/rows.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define MAX_BYTES (1u << 20)

static const char *const kind_names[] = { "image", "stage1", "stage2" };

const char *cv_frame_rows_kind_name(cogvideo_rows_kind kind)
{
    return kind_names[kind];
}

static cogvideo_status read_kind(cv_frame_rows *rows, const cv_json *json, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    const char *kind;

    CV_TRY(cv_json_format(json, CV_ROWS_FORMAT, CV_ROWS_VERSION, path, err));
    CV_TRY(cv_json_string(json, "kind", &kind, path, err));
    for (size_t k = 0; k < sizeof kind_names / sizeof *kind_names; k++)
        if (strcmp(kind, kind_names[k]) == 0) {
            rows->kind = (cogvideo_rows_kind)k;
            return COGVIDEO_OK;
        }
    status =
        cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: kind is '%.60s'; image, stage1 or stage2 was expected", path, kind);
done:
    return status;
}

static size_t row_size(const cv_frame_rows *rows)
{
    return (size_t)rows->text_places + (size_t)rows->frames * (size_t)rows->places;
}

static cogvideo_status read_sidecar(cv_frame_rows *rows, int wanted, int image_codes, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer path = { 0 };
    cv_json *json = NULL;
    int64_t text_places, frames, grid, pad, count, codes;
    const char *tokenizers = "";

    if (!cv_path_exists(rows->path))
        return cv_fail(err, COGVIDEO_ERROR_IO,
                       "%s: is not there: training rows were expected ('cogvideo dataset tokens')", rows->path);
    if (cv_path_is_dir(rows->path))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: is a folder: training rows were expected, which 'cogvideo dataset tokens' makes "
                       "of a dataset",
                       rows->path);
    CV_TRY(cv_buffer_printf(&path, err, "%s.json", rows->path));
    CV_TRY(cv_json_read(&json, path.data, MAX_BYTES, err));
    CV_TRY(read_kind(rows, json, path.data, err));
    CV_TRY(cv_json_int(json, "rows", 1, INT32_MAX, &count, path.data, err));
    CV_TRY(cv_json_int(json, "text_places", 1, 4096, &text_places, path.data, err));
    CV_TRY(cv_json_int(json, "frames", 1, 65, &frames, path.data, err));
    CV_TRY(cv_json_int(json, "grid", 1, 128, &grid, path.data, err));
    CV_TRY(cv_json_int(json, "pad", 0, INT32_MAX, &pad, path.data, err));
    CV_TRY(cv_json_int(json, "image_codes", 1, INT32_MAX, &codes, path.data, err));
    if (codes != image_codes) {
        status = cv_fail(err, COGVIDEO_ERROR_MODEL,
                         "%s: was made with %lld image codes, the network has %d: make it again "
                         "with this model's image tokenizer",
                         path.data, (long long)codes, image_codes);
        goto done;
    }
    if (grid != wanted) {
        status = cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has frames of %dx%d codes, the network has %dx%d", path.data,
                         (int)grid, (int)grid, wanted, wanted);
        goto done;
    }
    if (pad < codes) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'pad' is %lld, which is an image's code, not a text's",
                         path.data, (long long)pad);
        goto done;
    }
    CV_TRY(cv_json_optional_string(json, "tokenizers", &tokenizers, path.data, err));
    snprintf(rows->tokenizers, sizeof rows->tokenizers, "%s", tokenizers);
    rows->count = (size_t)count;
    rows->text_places = (int)text_places;
    rows->frames = (int)frames;
    rows->places = (int)(grid * grid);
    rows->pad = (int32_t)pad;
done:
    cv_json_free(&json);
    cv_buffer_free(&path);
    return status;
}

static cogvideo_status check_ids(const cv_frame_rows *rows, int image_codes, int vocabulary, cogvideo_error *err)
{
    size_t size = row_size(rows);

    for (size_t r = 0; r < rows->count; r++) {
        bool has_text = false;

        for (size_t i = 0; i < size; i++) {
            int32_t id = rows->values[r * size + i];
            int limit = i < (size_t)rows->text_places ? vocabulary : image_codes;

            if (id < 0 || id >= limit)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %zu holds %d at place %zu, 0 to %d was expected",
                               rows->path, r, (int)id, i, limit - 1);
            has_text = has_text || (i < (size_t)rows->text_places && id != rows->pad);
        }
        if (!has_text)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %zu has no text, only pads", rows->path, r);
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_frame_rows_open(cv_frame_rows *out, const char *path, int grid, int image_codes, int vocabulary,
                                   cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;
    cv_frame_rows rows = { 0 };
    size_t bytes;

    if (!(rows.path = cv_strdup(path, err)))
        goto done;
    CV_TRY(read_sidecar(&rows, grid, image_codes, err));
    CV_TRY(cv_map_open(&rows.file, path, err));
    if (!cv_size_mul(rows.count, row_size(&rows) * sizeof(int32_t), &bytes) || bytes != rows.file.size) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %zu bytes, %zu rows of %zu numbers were expected", path,
                         rows.file.size, rows.count, row_size(&rows));
        goto done;
    }
    rows.values = (const int32_t *)(const void *)rows.file.data;
    CV_TRY(check_ids(&rows, image_codes, vocabulary, err));
    *out = rows;
    return COGVIDEO_OK;
done:
    cv_frame_rows_close(&rows);
    return status;
}

void cv_frame_rows_close(cv_frame_rows *rows)
{
    cv_map_close(&rows->file);
    cv_free(rows->path);
    *rows = (cv_frame_rows){ 0 };
}

int cv_frame_rows_text(const cv_frame_rows *rows, size_t row, int32_t *ids)
{
    const int32_t *from = rows->values + row * row_size(rows);
    int count = 0;

    for (int i = 0; i < rows->text_places; i++)
        if (from[i] != rows->pad)
            ids[count++] = from[i];
    return count;
}

const int32_t *cv_frame_rows_frame(const cv_frame_rows *rows, size_t row, int frame)
{
    return rows->values + row * row_size(rows) + (size_t)rows->text_places + (size_t)frame * (size_t)rows->places;
}
