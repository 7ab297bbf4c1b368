#include "family/phenaki/train/rows.h"

#include "base/hash.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES (1u << 20)

/* The tensors that decide what a code stands for. */
static const char *const deciding[] = { "vq._codebook.embed", "vq.project_in.weight", "to_patch_emb.1.weight" };

cogvideo_status cv_box_tokenizers(char out[CV_BOX_TOKENIZERS], const cv_phenaki *model, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    uint64_t hash = CV_HASH_START;
    cv_mapping text = { 0 };

    out[0] = '\0';
    if (!model->tokenizer || !model->head.text_path)
        return COGVIDEO_OK;
    for (int i = 0; i < model->head.file_count; i++)
        for (size_t k = 0; model->head.files[i].store && k < sizeof deciding / sizeof *deciding; k++) {
            const cv_tensor *tensor = cv_store_find(model->head.files[i].store, deciding[k]);

            if (tensor)
                hash = cv_hash_bytes(hash, tensor->data, tensor->count * cv_dtype_size(tensor->dtype));
        }
    CV_TRY(cv_map_open(&text, model->head.text_path, err));
    hash = cv_hash_bytes(hash, text.data, text.size);
    snprintf(out, CV_BOX_TOKENIZERS, "%016" PRIx64, hash);
done:
    cv_map_close(&text);
    return status;
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

static cogvideo_status read_sidecar(cv_box_rows *rows, int codes, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer path = { 0 };
    cv_json *json = NULL;
    int64_t text_places, count, made;
    const char *tokenizers = "";

    if (!cv_path_exists(rows->path) || cv_path_is_dir(rows->path))
        return cv_fail(
            err, COGVIDEO_ERROR_IO,
            "%s: is %s: training rows were expected, which 'cogvideo dataset tokens --for masked' makes of a "
            "dataset",
            rows->path, cv_path_exists(rows->path) ? "a folder" : "not there");
    CV_TRY(cv_buffer_printf(&path, err, "%s.json", rows->path));
    CV_TRY(cv_json_read(&json, path.data, MAX_BYTES, err));
    CV_TRY(cv_json_format(json, CV_BOX_ROWS_FORMAT, CV_BOX_ROWS_VERSION, path.data, err));
    CV_TRY(read_box(rows, json, path.data, err));
    CV_TRY(cv_json_int(json, "rows", 1, INT32_MAX, &count, path.data, err));
    CV_TRY(cv_json_int(json, "text_places", 1, CV_T5_LONGEST, &text_places, path.data, err));
    CV_TRY(cv_json_int(json, "codes", 1, INT32_MAX, &made, path.data, err));
    if (made != codes) {
        status = cv_fail(err, COGVIDEO_ERROR_MODEL,
                         "%s: was made with %lld codes, the network has %d: make it again with this model's video "
                         "tokenizer",
                         path.data, (long long)made, codes);
        goto done;
    }
    CV_TRY(cv_json_optional_string(json, "tokenizers", &tokenizers, path.data, err));
    snprintf(rows->tokenizers, sizeof rows->tokenizers, "%s", tokenizers);
    rows->count = (size_t)count;
    rows->text_places = (int)text_places;
done:
    cv_json_free(&json);
    cv_buffer_free(&path);
    return status;
}

static cogvideo_status check_ids(const cv_box_rows *rows, int codes, int vocabulary, cogvideo_error *err)
{
    const size_t size = row_size(rows);

    for (size_t r = 0; r < rows->count; r++) {
        const int32_t *row = rows->values + r * size;
        bool ended = false;

        for (size_t i = 0; i < size; i++) {
            const bool text = i < (size_t)rows->text_places;
            const int limit = text ? vocabulary > 0 ? vocabulary : INT32_MAX : codes;

            ended = text && (ended || row[i] == CV_BOX_ROWS_PAD);
            if (ended ? row[i] != CV_BOX_ROWS_PAD || i == 0 : row[i] < 0 || row[i] >= limit)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %zu holds %d at place %zu, %s0 to %d was expected",
                               rows->path, r, (int)row[i], i, text && i > 0 ? "-1 behind a text, or " : "", limit - 1);
        }
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_box_rows_open(cv_box_rows *out, const char *path, int codes, int vocabulary, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;
    cv_box_rows rows = { 0 };
    size_t bytes;

    if (!(rows.path = cv_strdup(path, err)))
        goto done;
    CV_TRY(read_sidecar(&rows, codes, err));
    CV_TRY(cv_map_open(&rows.file, path, err));
    if (!cv_size_mul(rows.count, row_size(&rows) * sizeof(int32_t), &bytes) || bytes != rows.file.size) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %zu bytes, %zu rows of %zu numbers were expected", path,
                         rows.file.size, rows.count, row_size(&rows));
        goto done;
    }
    rows.values = (const int32_t *)(const void *)rows.file.data;
    CV_TRY(check_ids(&rows, codes, vocabulary, err));
    *out = rows;
    return COGVIDEO_OK;
done:
    cv_box_rows_close(&rows);
    return status;
}

void cv_box_rows_close(cv_box_rows *rows)
{
    cv_map_close(&rows->file);
    cv_free(rows->path);
    *rows = (cv_box_rows){ 0 };
}

const int32_t *cv_box_rows_text(const cv_box_rows *rows, size_t row, int *count)
{
    const int32_t *ids = rows->values + row * row_size(rows);

    *count = 0;
    while (*count < rows->text_places && ids[*count] != CV_BOX_ROWS_PAD)
        ++*count;
    return ids;
}

const int32_t *cv_box_rows_codes(const cv_box_rows *rows, size_t row)
{
    return rows->values + row * row_size(rows) + (size_t)rows->text_places;
}
