/* quantize.c - a copy of a model directory whose transformers are stored in another type. */
#include <cogvideo/quantize.h>

#include "api/model_folder.h"
#include "base/map.h"
#include "base/output.h"
#include "base/path.h"
#include "family/family.h"
#include "import/narrow.h"

#include <string.h>

#define COPY ((size_t)1 << 20)
#define MOST_KEEPS 64

typedef struct run {
    const cogvideo_quantize_options *options;
    const char *from, *to; /* directories */
    cv_narrowing narrowing;
    cv_keep keeps[MOST_KEEPS];
    char *keep_texts[MOST_KEEPS];
    const char *file;     /* being written */
    uint64_t done, total; /* bytes read */
    cogvideo_error *err;
} run;

static cogvideo_status read_options(run *r)
{
    const cogvideo_quantize_options *options = r->options;
    cogvideo_status status;

    if (!options->input || !options->input[0])
        return cv_fail(r->err, COGVIDEO_ERROR_ARGUMENT, "the model to quantize must be named");
    CV_TRY(cv_narrow_type_read(&r->narrowing.type, options->type, r->err));
    if (options->keep_count > MOST_KEEPS)
        return cv_fail(r->err, COGVIDEO_ERROR_ARGUMENT, "%d exceptions are more than the %d that there may be",
                       options->keep_count, MOST_KEEPS);
    r->narrowing.keeps = r->keeps;
    for (int i = 0; i < options->keep_count; i++) {
        if (!(r->keep_texts[i] = cv_strdup(options->keep[i], r->err)))
            return COGVIDEO_ERROR_MEMORY;
        if (!cv_keep_parse(&r->keeps[i], r->keep_texts[i]))
            return cv_fail(r->err, COGVIDEO_ERROR_ARGUMENT,
                           "'%.200s' is not an exception of the form PATTERN=TYPE, such as "
                           "*word_embeddings*=q8",
                           options->keep[i]);
        r->narrowing.keep_count++;
    }
done:
    return status;
}

static cogvideo_status advance(run *r, uint64_t bytes)
{
    cogvideo_progress progress = { .what = r->file, .unit = "bytes", .total = (long long)r->total };

    r->done += bytes;
    progress.done = (long long)r->done;
    if (r->options->progress && r->options->progress(r->options->user, &progress) != 0)
        return cv_fail(r->err, COGVIDEO_ERROR_CANCELLED, "the quantizing was cancelled");
    return COGVIDEO_OK;
}

/* --- transformers --------------------------------------------------------------------------------------------- */

typedef struct tensor_rows {
    run *r;
    const cv_tensor *tensor;
    size_t K;
    int passes; /* a second one counts for nothing in the progress */
} tensor_rows;

static cogvideo_status read_rows(void *user, size_t first, size_t count, float *out, cogvideo_error *err)
{
    tensor_rows *rows = user;
    size_t row = rows->K * cv_dtype_size(rows->tensor->dtype);

    (void)err;
    if (first == 0)
        rows->passes++;
    cv_to_f32(out, (const char *)rows->tensor->data + first * row, rows->tensor->dtype, count * rows->K);
    return rows->passes > 1 ? COGVIDEO_OK : advance(rows->r, count * row);
}

static cogvideo_status write_tensor(run *r, cv_store_writer *writer, const cv_tensor *tensor, cv_weight_type type)
{
    size_t N = tensor->rank == 2 ? tensor->shape[0] : tensor->count;
    tensor_rows rows = { .r = r, .tensor = tensor, .K = tensor->rank == 2 ? tensor->shape[1] : 1 };
    cogvideo_status status = cv_narrow_write(writer, tensor->name, type, N, rows.K, read_rows, &rows, r->err);

    return status == COGVIDEO_ERROR_MODEL ? cv_fail_prefix(r->err, status, r->file) : status;
}

static cogvideo_status each_tensor(run *r, const cv_store *store, cv_store_writer *writer, bool declare)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int order = 0; order < CV_NARROW_ORDERS; order++)
        for (size_t i = 0; i < cv_store_count(store); i++) {
            const cv_tensor *tensor = cv_store_at(store, i);
            cv_weight_type type;

            if (!cv_tensor_is_weight(tensor)) {
                if (declare && order == 0)
                    cv_log(&r->options->log, COGVIDEO_LOG_WARNING,
                           "%s: tensor '%s' is no weight of a network: left out of the copy", cv_store_path(store),
                           tensor->name);
                continue;
            }
            if (!cv_dtype_is_real(tensor->dtype))
                return cv_fail(r->err, COGVIDEO_ERROR_MODEL,
                               "%s: tensor '%s' is %s: quantize the model that it came from, "
                               "not one that is quantized already",
                               cv_store_path(store), tensor->name, cv_dtype_name(tensor->dtype));
            type = cv_narrow_type(&r->narrowing, tensor->name, tensor->rank, tensor->shape, tensor->dtype);
            if (cv_narrow_order(type) != order)
                continue;
            if (declare)
                CV_TRY(cv_narrow_declare(writer, tensor->name, type, tensor->rank, tensor->shape, r->err));
            else
                CV_TRY(write_tensor(r, writer, tensor, type));
        }
done:
    return status;
}

static cogvideo_status narrow_file(run *r, const char *from, const char *to)
{
    cogvideo_status status;
    cv_store *store = NULL;
    cv_store_writer *writer = NULL;

    CV_TRY(cv_store_open(&store, from, r->err));
    CV_TRY(cv_store_writer_create(&writer, to, r->err));
    CV_TRY(each_tensor(r, store, writer, true));
    CV_TRY(each_tensor(r, store, writer, false));
    CV_TRY(cv_store_writer_commit(&writer, r->err));
done:
    cv_store_writer_abandon(&writer);
    cv_store_close(&store);
    return status;
}

/* Copied as it is, but not unseen. */
static cogvideo_status check_weights(run *r, const char *from)
{
    cogvideo_status status;
    cv_store *store = NULL;

    CV_TRY(cv_store_open(&store, from, r->err));
    for (size_t i = 0; i < cv_store_count(store) && status == COGVIDEO_OK; i++) {
        const cv_tensor *tensor = cv_store_at(store, i);

        if (cv_dtype_is_real(tensor->dtype))
            status = cv_narrow_check(tensor->name, tensor->rank == 2 && tensor->count ? tensor->shape[1] : 1,
                                     tensor->dtype, tensor->data, 0, tensor->count, r->err);
    }
    if (status == COGVIDEO_ERROR_MODEL)
        cv_fail_prefix(r->err, status, r->file);
done:
    cv_store_close(&store);
    return status;
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

/* Makes the file `to` of the copy from the model's. */
typedef cogvideo_status take_fn(run *r, const char *from, const char *to);

static cogvideo_status copy_file(run *r, const char *from, const char *to)
{
    cogvideo_status status;
    cv_mapping file = { 0 };
    cv_output output = { 0 };

    CV_TRY(cv_map_open(&file, from, r->err));
    CV_TRY(cv_output_open(&output, to, r->err));
    for (size_t at = 0, size; at < file.size; at += size) {
        size = file.size - at < COPY ? file.size - at : COPY;
        CV_TRY(cv_output_write(&output, file.data + at, size, r->err));
        CV_TRY(advance(r, size));
    }
    CV_TRY(cv_output_commit(&output, r->err));
done:
    cv_output_abandon(&output);
    cv_map_close(&file);
    return status;
}

static cogvideo_status copy_weights(run *r, const char *from, const char *to)
{
    cogvideo_status status = check_weights(r, from);

    return status == COGVIDEO_OK ? copy_file(r, from, to) : status;
}

/* Does to a file of the model what its part wants, once where two parts share it. */
static cogvideo_status take_file(run *r, const char *name, take_fn *take, bool measure)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;
    char *from = NULL, *to = NULL;

    r->file = name;
    if (!(from = cv_path_join(r->from, name, r->err)) || !(to = cv_path_join(r->to, name, r->err)))
        goto done;
    status = COGVIDEO_OK;
    if (measure)
        r->total += cv_path_bytes(from);
    else if (!cv_path_exists(to))
        status = take(r, from, to);
done:
    cv_free(from);
    cv_free(to);
    return status;
}

static cogvideo_status take_files(run *r, const cogvideo_model *model, bool measure)
{
    cogvideo_status status;

    CV_TRY(take_file(r, "model.json", copy_file, measure));
    for (int i = 0; i < model->file_count; i++) {
        const cv_model_file *file = &model->files[i];

        CV_TRY(take_file(r, file->name,
                         !file->store    ? copy_file
                         : file->narrows ? narrow_file
                                         : copy_weights,
                         measure));
    }
done:
    return status;
}

cogvideo_status cogvideo_quantize(const cogvideo_quantize_options *options, cogvideo_error *err)
{
    cogvideo_status status;
    run r = { .options = options, .from = options->input, .err = err };
    cv_model_folder folder = { 0 };
    cogvideo_model *model = NULL;

    CV_TRY(read_options(&r));
    CV_TRY(cv_model_open(&model, options->input, NULL, err));
    CV_TRY(cv_model_folder_open(&folder, options->output, options->force != 0, err));
    r.to = folder.partial;
    CV_TRY(take_files(&r, model, true));
    CV_TRY(take_files(&r, model, false));
    CV_TRY(cv_model_folder_commit(&folder, err));
done:
    cv_model_folder_abandon(&folder);
    cv_model_close(&model);
    for (int i = 0; i < MOST_KEEPS; i++)
        cv_free(r.keep_texts[i]);
    return status;
}
