#include "train/rows_file.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "dataset/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FORMAT "cogvideo-rows"
#define VERSION 1
#define MAX_BYTES (1u << 20) /* of ROWS.json */

static const char *const kind_names[] = { [COGVIDEO_ROWS_IMAGE] = "image",
                                          [COGVIDEO_ROWS_STAGE1] = "stage1",
                                          [COGVIDEO_ROWS_STAGE2] = "stage2",
                                          [COGVIDEO_ROWS_MASKED] = "masked" };

const char *cv_rows_kind_name(cogvideo_rows_kind kind)
{
    return kind_names[kind];
}

cogvideo_status cv_tokenizers_hash(char out[CV_TOKENIZERS_HASH], const cogvideo_model *model,
                                   const char *const *tensors, int count, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    uint64_t hash = CV_HASH_START;
    cv_mapping text = { 0 };
    bool found = false;

    out[0] = '\0';
    for (int i = 0; i < model->file_count; i++)
        for (int k = 0; model->files[i].store && k < count; k++) {
            const cv_tensor *tensor = cv_store_find(model->files[i].store, tensors[k]);

            if (!tensor)
                continue;
            found = true;
            hash = cv_hash_bytes(hash, tensor->data, tensor->count * cv_dtype_size(tensor->dtype));
        }
    if (!found || !model->text_path)
        return COGVIDEO_OK;
    CV_TRY(cv_map_open(&text, model->text_path, err));
    hash = cv_hash_bytes(hash, text.data, text.size);
    snprintf(out, CV_TOKENIZERS_HASH, "%016" PRIx64, hash);
done:
    cv_map_close(&text);
    return status;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

cogvideo_status cv_rows_check_output(const char *output, const cogvideo_rows_options *options, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer about = { 0 };

    if (strcmp(output, "-") == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "training rows go to a file with another beside it, not to standard output");
    CV_TRY(cv_buffer_printf(&about, err, "%s.json", output));
    CV_TRY(cv_output_check(output, options->force, err));
    CV_TRY(cv_output_check(about.data, options->force, err));
done:
    cv_buffer_free(&about);
    return status;
}

cogvideo_status cv_rows_put(cv_rows_writer *writer, const void *row, size_t bytes, cogvideo_error *err)
{
    const cogvideo_status status = cv_output_write(&writer->output, row, bytes, err);

    writer->rows += status == COGVIDEO_OK;
    return status;
}

static cogvideo_status write_clip(cv_rows_writer *writer, int index, cogvideo_error *err)
{
    const long long before = writer->rows;
    cogvideo_dataset_clip clip;
    cogvideo_status status;

    CV_TRY(cogvideo_dataset_get_clip(writer->dataset, index, &clip, err));
    CV_TRY(writer->clip(writer->user, index, &clip, err));
    if (writer->rows == before)
        cv_log(writer->callbacks ? &writer->callbacks->log : &writer->model->log, COGVIDEO_LOG_WARNING,
               "clip %d (%.200s) gives no row: its %d frames are too few", index, clip.source, clip.frames);
done:
    return status;
}

static cogvideo_status write_about(const cv_rows_writer *writer, cv_output *output, cogvideo_error *err)
{
    cv_json *json = cv_json_new_object();
    cogvideo_status status;

    cv_json_set_string(json, "format", FORMAT);
    cv_json_set_int(json, "version", VERSION);
    cv_json_set_string(json, "kind", cv_rows_kind_name(writer->options->kind));
    cv_json_set_int(json, "rows", writer->rows);
    writer->about(writer->user, json);
    cv_json_set_string(json, "model", writer->model->name);
    cv_json_set_string(json, "tokenizers", writer->tokenizers);
    status = cv_json_put(json, true, output, err);
    cv_json_free(&json);
    return status;
}

cogvideo_status cv_rows_write(cv_rows_writer *writer, const char *output, long long *rows, cogvideo_error *err)
{
    cv_buffer path = { 0 };
    cv_output about = { 0 };
    cogvideo_dataset_info info;
    cogvideo_status status;

    cogvideo_dataset_get_info(writer->dataset, &info);
    if (info.poses && writer->options->kind != COGVIDEO_ROWS_IMAGE)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "the dataset's frames are pictures of poses, which make no clips: only rows for 'image' can be of "
            "them");
    if (info.context > 0 && writer->options->kind != COGVIDEO_ROWS_MASKED)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the dataset's clips begin with %d frames of what came before, which only rows for 'masked' can "
                       "say",
                       info.context);
    CV_TRY(cv_buffer_printf(&path, err, "%s.json", output));
    CV_TRY(cv_output_open(&writer->output, output, err));
    CV_TRY(cv_output_open(&about, path.data, err));
    for (int i = 0; i < info.clips; i++) {
        CV_TRY(write_clip(writer, i, err));
        CV_TRY(cv_dataset_progress(writer->callbacks, "clips", i + 1, info.clips, err));
    }
    if (writer->rows == 0) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: the dataset gives no rows of this kind", output);
        goto done;
    }
    CV_TRY(write_about(writer, &about, err));
    CV_TRY(cv_output_sync(&writer->output, err));
    CV_TRY(cv_output_sync(&about, err));
    CV_TRY(cv_file_remove(path.data, err)); /* of older rows, which go now */
    CV_TRY(cv_output_commit(&writer->output, err));
    CV_TRY(cv_output_commit(&about, err));
    if (rows)
        *rows = writer->rows;
done:
    cv_output_abandon(&writer->output);
    cv_output_abandon(&about);
    cv_buffer_free(&path);
    return status;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static cogvideo_status read_kind(cv_rows_file *rows, const cv_json *json, cogvideo_error *err)
{
    cogvideo_status status;
    const char *kind;

    CV_TRY(cv_json_string(json, "kind", &kind, rows->about, err));
    for (size_t k = 0; k < sizeof kind_names / sizeof *kind_names; k++)
        if (strcmp(kind, kind_names[k]) == 0) {
            rows->kind = (cogvideo_rows_kind)k;
            return COGVIDEO_OK;
        }
    status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: kind is '%.60s'; image, stage1, stage2 or masked was expected",
                     rows->about, kind);
done:
    return status;
}

cogvideo_status cv_rows_file_open(cv_rows_file *out, cv_json **json, const char *path, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;
    const char *tokenizers = "";
    cv_buffer about = { 0 };
    int64_t count;

    if (!(out->path = cv_strdup(path, err)))
        goto done;
    if (!cv_path_exists(path) || cv_path_is_dir(path)) {
        status = cv_fail(err, cv_path_exists(path) ? COGVIDEO_ERROR_FORMAT : COGVIDEO_ERROR_IO,
                         "%s: is %s: training rows were expected, which 'cogvideo dataset tokens' makes of a dataset",
                         path, cv_path_exists(path) ? "a folder" : "not there");
        goto done;
    }
    CV_TRY(cv_buffer_printf(&about, err, "%s.json", path));
    if (!(out->about = cv_strdup(about.data, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    CV_TRY(cv_json_read(json, out->about, MAX_BYTES, err));
    CV_TRY(cv_json_format(*json, FORMAT, VERSION, out->about, err));
    CV_TRY(read_kind(out, *json, err));
    CV_TRY(cv_json_int(*json, "rows", 1, INT32_MAX, &count, out->about, err));
    CV_TRY(cv_json_optional_string(*json, "tokenizers", &tokenizers, out->about, err));
    snprintf(out->tokenizers, sizeof out->tokenizers, "%s", tokenizers);
    out->count = (size_t)count;
done:
    cv_buffer_free(&about);
    return status;
}

cogvideo_status cv_rows_file_map(cv_rows_file *rows, size_t numbers, cogvideo_error *err)
{
    cogvideo_status status;
    size_t bytes;

    CV_TRY(cv_map_open(&rows->mapping, rows->path, err));
    if (!cv_size_mul(rows->count, numbers * sizeof(int32_t), &bytes) || bytes != rows->mapping.size)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %zu bytes, %zu rows of %zu numbers were expected",
                       rows->path, rows->mapping.size, rows->count, numbers);
    rows->values = (const int32_t *)(const void *)rows->mapping.data;
done:
    return status;
}

void cv_rows_file_close(cv_rows_file *rows)
{
    cv_map_close(&rows->mapping);
    cv_free(rows->path);
    cv_free(rows->about);
    *rows = (cv_rows_file){ 0 };
}

cogvideo_status cv_rows_file_check(const cv_rows_file *rows, const char *tokenizers, const char *model,
                                   cogvideo_error *err)
{
    if (!tokenizers[0] || !rows->tokenizers[0] || strcmp(tokenizers, rows->tokenizers) == 0)
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_MODEL,
                   "%s: was made with other tokenizers than those of %s, to which its ids mean something else: make it "
                   "again ('cogvideo dataset tokens')",
                   rows->path, model);
}
