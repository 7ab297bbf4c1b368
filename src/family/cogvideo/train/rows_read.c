#include "family/cogvideo/train/rows.h"

cogvideo_status cv_frame_tokenizers(char out[CV_TOKENIZERS_HASH], const cogvideo_model *model, cogvideo_error *err)
{
    static const char *const deciding[] = { CV_CODEBOOK };

    return cv_tokenizers_hash(out, model, deciding, 1, err);
}

static size_t row_size(const cv_frame_rows *rows)
{
    return (size_t)rows->text_places + (size_t)rows->frames * (size_t)rows->places;
}

static cogvideo_status read_about(cv_frame_rows *rows, const cv_json *json, int wanted, int image_codes,
                                  cogvideo_error *err)
{
    const char *path = rows->file.about;
    int64_t text_places, frames, grid, pad, codes;
    cogvideo_status status;

    if (rows->file.kind == COGVIDEO_ROWS_MASKED)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: has rows for 'masked', which are for models of the family phenaki; those of 'cogvideo "
                       "dataset tokens --for image', 'stage1' or 'stage2' were expected",
                       path);
    CV_TRY(cv_json_int(json, "text_places", 1, 4096, &text_places, path, err));
    CV_TRY(cv_json_int(json, "frames", 1, 65, &frames, path, err));
    CV_TRY(cv_json_int(json, "grid", 1, 128, &grid, path, err));
    CV_TRY(cv_json_int(json, "pad", 0, INT32_MAX, &pad, path, err));
    CV_TRY(cv_json_int(json, "image_codes", 1, INT32_MAX, &codes, path, err));
    if (codes != image_codes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: was made with %lld image codes, the network has %d: make it again with this model's image "
                       "tokenizer",
                       path, (long long)codes, image_codes);
    if (grid != wanted)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has frames of %dx%d codes, the network has %dx%d", path,
                       (int)grid, (int)grid, wanted, wanted);
    if (pad < codes)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'pad' is %lld, which is an image's code, not a text's", path,
                       (long long)pad);
    rows->text_places = (int)text_places;
    rows->frames = (int)frames;
    rows->places = (int)(grid * grid);
    rows->pad = (int32_t)pad;
done:
    return status;
}

static cogvideo_status check_ids(const cv_frame_rows *rows, int image_codes, int vocabulary, cogvideo_error *err)
{
    size_t size = row_size(rows);

    for (size_t r = 0; r < rows->file.count; r++) {
        bool has_text = false;

        for (size_t i = 0; i < size; i++) {
            int32_t id = rows->file.values[r * size + i];
            int limit = i < (size_t)rows->text_places ? vocabulary : image_codes;

            if (id < 0 || id >= limit)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %zu holds %d at place %zu, 0 to %d was expected",
                               rows->file.path, r, (int)id, i, limit - 1);
            has_text = has_text || (i < (size_t)rows->text_places && id != rows->pad);
        }
        if (!has_text)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %zu has no text, only pads", rows->file.path, r);
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_frame_rows_open(cv_frame_rows *out, const char *path, int grid, int image_codes, int vocabulary,
                                   cogvideo_error *err)
{
    cv_frame_rows rows = { 0 };
    cv_json *json = NULL;
    cogvideo_status status;

    CV_TRY(cv_rows_file_open(&rows.file, &json, path, err));
    CV_TRY(read_about(&rows, json, grid, image_codes, err));
    CV_TRY(cv_rows_file_map(&rows.file, row_size(&rows), err));
    CV_TRY(check_ids(&rows, image_codes, vocabulary, err));
    *out = rows;
    rows = (cv_frame_rows){ 0 };
done:
    cv_json_free(&json);
    cv_frame_rows_close(&rows);
    return status;
}

void cv_frame_rows_close(cv_frame_rows *rows)
{
    cv_rows_file_close(&rows->file);
    *rows = (cv_frame_rows){ 0 };
}

int cv_frame_rows_text(const cv_frame_rows *rows, size_t row, int32_t *ids)
{
    const int32_t *from = rows->file.values + row * row_size(rows);
    int count = 0;

    for (int i = 0; i < rows->text_places; i++)
        if (from[i] != rows->pad)
            ids[count++] = from[i];
    return count;
}

const int32_t *cv_frame_rows_frame(const cv_frame_rows *rows, size_t row, int frame)
{
    return rows->file.values + row * row_size(rows) + (size_t)rows->text_places + (size_t)frame * (size_t)rows->places;
}
