#include "family/phenaki/train/rows.h"

cogvideo_status cv_box_tokenizers(char out[CV_TOKENIZERS_HASH], const cv_phenaki *model, cogvideo_error *err)
{
    static const char *const deciding[] = { "vq._codebook.embed", "vq.project_in.weight", "to_patch_emb.1.weight" };

    return cv_tokenizers_hash(out, &model->head, deciding, sizeof deciding / sizeof *deciding, err);
}

static size_t row_size(const cv_box_rows *rows)
{
    return (size_t)rows->text_places + (size_t)rows->T * (size_t)rows->h * (size_t)rows->w;
}

static cogvideo_status read_box(cv_box_rows *rows, const cv_json *json, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    int32_t *sizes = NULL;
    cv_json *array;
    size_t count;

    if (!cv_json_get(json, "box"))
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "%s: has no 'box': these rows are for models of another family than phenaki, whose rows 'cogvideo "
            "dataset tokens --for masked' makes",
            origin);
    CV_TRY(cv_json_array(json, "box", &array, origin, err));
    CV_TRY(cv_json_int_array(array, 1, 4096, &sizes, &count, origin, err));
    if (count != 3)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: 'box' has %zu numbers; latent frames, rows and columns were expected", origin, count);
    else
        rows->T = sizes[0], rows->h = sizes[1], rows->w = sizes[2];
done:
    cv_free(sizes);
    return status;
}

static cogvideo_status read_about(cv_box_rows *rows, const cv_json *json, int codes, cogvideo_error *err)
{
    const char *path = rows->file.about;
    int64_t text_places, made, context = 0;
    cogvideo_status status;

    CV_TRY(read_box(rows, json, path, err));
    CV_TRY(cv_json_int(json, "text_places", 1, CV_T5_LONGEST, &text_places, path, err));
    CV_TRY(cv_json_int(json, "codes", 1, INT32_MAX, &made, path, err));
    if (made != codes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: was made with %lld codes, the network has %d: make it again with this model's video "
                       "tokenizer",
                       path, (long long)made, codes);
    CV_TRY(cv_json_optional_int(json, "context", 0, rows->T - 1, &context, path, err));
    rows->text_places = (int)text_places;
    rows->context = (int)context;
done:
    return status;
}

static cogvideo_status check_ids(const cv_box_rows *rows, int codes, int vocabulary, cogvideo_error *err)
{
    const size_t size = row_size(rows);

    for (size_t r = 0; r < rows->file.count; r++) {
        const int32_t *row = rows->file.values + r * size;
        bool ended = false;

        for (size_t i = 0; i < size; i++) {
            const bool text = i < (size_t)rows->text_places;
            const int limit = text ? vocabulary > 0 ? vocabulary : INT32_MAX : codes;

            ended = text && (ended || row[i] == CV_BOX_ROWS_PAD);
            if (ended ? row[i] != CV_BOX_ROWS_PAD || i == 0 : row[i] < 0 || row[i] >= limit)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %zu holds %d at place %zu, %s0 to %d was expected",
                               rows->file.path, r, (int)row[i], i, text && i > 0 ? "-1 behind a text, or " : "",
                               limit - 1);
        }
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_box_rows_open(cv_box_rows *out, const char *path, int codes, int vocabulary, cogvideo_error *err)
{
    cv_box_rows rows = { 0 };
    cv_json *json = NULL;
    cogvideo_status status;

    CV_TRY(cv_rows_file_open(&rows.file, &json, path, err));
    CV_TRY(read_about(&rows, json, codes, err));
    CV_TRY(cv_rows_file_map(&rows.file, row_size(&rows), err));
    CV_TRY(check_ids(&rows, codes, vocabulary, err));
    *out = rows;
    rows = (cv_box_rows){ 0 };
done:
    cv_json_free(&json);
    cv_box_rows_close(&rows);
    return status;
}

void cv_box_rows_close(cv_box_rows *rows)
{
    cv_rows_file_close(&rows->file);
    *rows = (cv_box_rows){ 0 };
}

const int32_t *cv_box_rows_text(const cv_box_rows *rows, size_t row, int *count)
{
    const int32_t *ids = rows->file.values + row * row_size(rows);

    *count = 0;
    while (*count < rows->text_places && ids[*count] != CV_BOX_ROWS_PAD)
        ++*count;
    return ids;
}

const int32_t *cv_box_rows_codes(const cv_box_rows *rows, size_t row)
{
    return rows->file.values + row * row_size(rows) + (size_t)rows->text_places;
}
