/* open.c - a model directory opened: the head is filled here, the rest by the family that model.json names. */
#include "family/family.h"

#include "base/cpu.h"
#include "base/parallel.h"
#include "base/path.h"
#include "nn/blas.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_DESCRIPTION (1u << 20)

const cv_family *cv_family_find(const char *name)
{
    for (int i = 0; cv_families[i]; i++)
        if (strcmp(cv_families[i]->name, name) == 0)
            return cv_families[i];
    return NULL;
}

const cv_feature_network *cv_model_feature_network(const cogvideo_model *model, const char *name)
{
    for (int i = 0; i < model->family->feature_network_count; i++)
        if (strcmp(model->family->feature_networks[i].name, name) == 0)
            return &model->family->feature_networks[i];
    return NULL;
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* The entry of a file of this name; a new one has no store yet. */
static cogvideo_status add_file(cogvideo_model *model, const char *name, cv_model_file **out, cogvideo_error *err)
{
    cv_model_file *file = &model->files[model->file_count];

    for (int i = 0; i < model->file_count; i++)
        if (strcmp(model->files[i].name, name) == 0) {
            *out = &model->files[i];
            return COGVIDEO_OK;
        }
    if (model->file_count == CV_MODEL_FILES)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: a model has at most %d files", model->directory, CV_MODEL_FILES);
    model->file_count++; /* from now on it is freed with the model */
    if (!(file->name = cv_strdup(name, err)) || !(file->path = cv_path_join(model->directory, name, err)))
        return COGVIDEO_ERROR_MEMORY;
    *out = file;
    return COGVIDEO_OK;
}

cogvideo_status cv_model_file_name(const cv_json *section, const char *key, const char **out, const char *origin,
                                   cogvideo_error *err)
{
    cogvideo_status status = cv_json_string(section, key, out, origin, err);

    if (status == COGVIDEO_OK && (!**out || strchr(*out, '/') || strchr(*out, '\\') || (*out)[0] == '.'))
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%.100s' is no plain file name of the model directory",
                         origin, *out);
    return status;
}

cogvideo_status cv_model_store(cogvideo_model *model, const char *name, bool narrows, cv_store **out,
                               cogvideo_error *err)
{
    cogvideo_status status;
    cv_model_file *file;

    CV_TRY(add_file(model, name, &file, err));
    if (!file->store) {
        CV_TRY(cv_store_open(&file->store, file->path, err));
        file->bytes = cv_store_bytes(file->store);
        file->narrows = narrows;
    }
    *out = file->store;
done:
    return status;
}

cogvideo_status cv_model_plain_file(cogvideo_model *model, const char *name, const char **path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_model_file *file;

    CV_TRY(add_file(model, name, &file, err));
    if (!cv_path_is_regular(file->path))
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: is missing, or no regular file", file->path);
    file->bytes = cv_path_bytes(file->path);
    *path = file->path;
done:
    return status;
}

cogvideo_status cv_model_check_claimed(const cogvideo_model *model, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < model->file_count; i++)
        if (model->files[i].store)
            CV_TRY(cv_store_check_claimed(model->files[i].store, err));
done:
    return status;
}

cogvideo_status cv_model_text(cogvideo_model *model, const char *name, int first_id, const char *const *appended,
                              cogvideo_error *err)
{
    cogvideo_status status;
    cv_model_file *file;

    CV_TRY(add_file(model, name, &file, err));
    CV_TRY(cv_text_open(&model->text, file->path, first_id, appended, err));
    file->bytes = cv_path_bytes(file->path);
    model->text_path = file->path;
done:
    return status;
}

/* Which types the weights have, narrower ones last. */
static void list_types(cogvideo_model *model)
{
    static const struct {
        cv_dtype dtype;
        const char *name;
    } types[] = { { CV_F32, "f32" }, { CV_F16, "f16" }, { CV_BF16, "bf16" }, { CV_I8, "q8" }, { CV_U8, "q4" } };

    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        bool found = false;

        for (int i = 0; i < model->file_count; i++)
            for (size_t t = 0; model->files[i].store && t < cv_store_count(model->files[i].store); t++)
                found = found || cv_store_at(model->files[i].store, t)->dtype == types[k].dtype;
        if (found) {
            size_t used = strlen(model->types);

            snprintf(model->types + used, sizeof model->types - used, "%s%s", used ? ", " : "", types[k].name);
        }
    }
    if (!model->types[0])
        snprintf(model->types, sizeof model->types, "none");
}

static void lock_weights(const cogvideo_model *model)
{
    for (int i = 0; i < model->file_count; i++)
        if (model->files[i].store && !cv_store_lock(model->files[i].store))
            cv_log(&model->log, COGVIDEO_LOG_WARNING,
                   "%s: cannot be kept in memory: the system allows less ('ulimit -l' tells how much, in KiB)",
                   model->files[i].path);
}

/* --- the head ------------------------------------------------------------------------------------------------- */

/* The directory of a model given as the directory itself or as the model.json in it; in fresh memory. */
static char *model_directory(const char *path, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *copy;

    if (strcmp(name, "model.json") != 0)
        return cv_strdup(path, err);
    if (!slash)
        return cv_strdup(".", err);
    copy = cv_strdup(path, err);
    if (copy)
        copy[slash == path ? 1 : slash - path] = '\0';
    return copy;
}

cogvideo_status cv_family_unknown(const char *word, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer known = { 0 };

    for (int i = 0; cv_families[i]; i++)
        if (cv_buffer_printf(&known, NULL, "%s'%s'", i ? ", " : "", cv_families[i]->name) != COGVIDEO_OK)
            break;
    status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s: is of the family '%.60s', this program knows %s", path, word,
                     known.data ? known.data : "others");
    cv_buffer_free(&known);
    return status;
}

cogvideo_status cv_model_describe(cv_json **out, const cv_family **family, const char *path, cogvideo_error *err)
{
    const char *word, *name;
    cogvideo_status status;
    cv_json *description = NULL;

    CV_TRY(cv_json_read(&description, path, MAX_DESCRIPTION, err));
    CV_TRY(cv_json_format(description, CV_MODEL_FORMAT, 1, path, err));
    CV_TRY(cv_json_string(description, "family", &word, path, err));
    CV_TRY(cv_json_string(description, "name", &name, path, err));
    *family = cv_family_find(word);
    CV_TRY(*family ? COGVIDEO_OK : cv_family_unknown(word, path, err));
    *out = description;
    description = NULL;
done:
    cv_json_free(&description);
    return status;
}

static cogvideo_status take_options(cogvideo_model *model, const cogvideo_model_options *options, cogvideo_error *err)
{
    static const cogvideo_model_options none = { 0 };
    const cogvideo_model_options *o = options ? options : &none;

    cv_blas_init();
    model->exec.q8_inputs = o->activations == COGVIDEO_ACTIVATIONS_Q8;
    model->exec.cache = o->cache == COGVIDEO_CACHE_F16  ? CV_WEIGHT_F16
                        : o->cache == COGVIDEO_CACHE_Q8 ? CV_WEIGHT_Q8
                                                        : CV_WEIGHT_F32;
    model->log = o->log;
    if (o->numa && !cv_memory_interleave())
        cv_log(&model->log, COGVIDEO_LOG_WARNING, "memory is not spread over NUMA nodes: the system does not do that");
    return cv_kernels_choose(&model->exec.kernels, NULL, err);
}

cogvideo_status cv_model_open(cogvideo_model **out, const char *path, const cogvideo_model_options *options,
                              cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_model *model = NULL;
    const cv_family *family;
    char *directory = NULL, *json = NULL;
    cv_json *description = NULL;

    if (options && (options->threads < 0 || options->threads > CV_MAX_THREADS))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "threads must be from 0 (one for each core) to %d, not %d",
                       CV_MAX_THREADS, options->threads);
    if (!(directory = model_directory(path, err)) || !(json = cv_path_join(directory, "model.json", err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    if (!cv_path_is_dir(directory)) {
        status = cv_fail(err, COGVIDEO_ERROR_IO,
                         "%s: is no model directory ('cogvideo import' makes one from the original's files)", path);
        goto done;
    }
    CV_TRY(cv_model_describe(&description, &family, json, err));
    if (!(model = cv_alloc(1, family->size, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    *model = (cogvideo_model){ .family = family, .description = description, .directory = directory };
    model->name = cv_json_text(cv_json_get(description, "name"));
    description = NULL;
    directory = NULL;
    CV_TRY(take_options(model, options, err));
    CV_TRY(family->open(model, json, err));
    /* beside the mapped weights */
    model->exec.threads = cv_exec_threads(options ? options->threads : 0, &model->log);
    if (options && options->mlock)
        lock_weights(model);
    list_types(model);
    *out = model;
    model = NULL;
done:
    cv_json_free(&description);
    cv_free(directory);
    cv_free(json);
    cv_model_close(&model);
    return status;
}

void cv_model_close(cogvideo_model **model)
{
    cogvideo_model *m = *model;

    if (!m)
        return;
    m->family->close(m);
    cv_text_close(&m->text);
    for (int i = 0; i < m->file_count; i++) {
        cv_store_close(&m->files[i].store);
        cv_free(m->files[i].name);
        cv_free(m->files[i].path);
    }
    cv_json_free(&m->description);
    cv_free(m->directory);
    cv_free(m);
    *model = NULL;
}

/* --- what is not there ---------------------------------------------------------------------------------------- */

cogvideo_status cv_model_need_text(const cogvideo_model *model, cogvideo_error *err)
{
    if (model->text)
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_MODEL,
                   "the model '%s' has no text tokenizer, which 'cogvideo import --text-tokenizer' brings",
                   model->name);
}

/* Tells of the first weight that is no number. */
static bool unsound_weight(const cogvideo_model *model, char *out, size_t size)
{
    for (int i = 0; i < model->file_count; i++)
        for (size_t t = 0; model->files[i].store && t < cv_store_count(model->files[i].store); t++) {
            const cv_tensor *tensor = cv_store_at(model->files[i].store, t);
            size_t at = cv_dtype_is_real(tensor->dtype)
                            ? cv_dtype_not_finite(tensor->dtype, tensor->data, tensor->count)
                            : tensor->count;

            if (at == tensor->count)
                continue;
            snprintf(out, size, "%.400s: tensor '%.120s' holds NaN or an infinite number as element %zu",
                     model->files[i].path, tensor->name, at);
            return true;
        }
    return false;
}

cogvideo_status cv_model_fail_unsound(const cogvideo_model *model, cogvideo_error *err, const char *where, ...)
{
    char at[200], weight[700];
    const bool found = unsound_weight(model, weight, sizeof weight);
    va_list arguments;

    va_start(arguments, where);
    if (vsnprintf(at, sizeof at, where, arguments) < 0)
        at[0] = '\0';
    va_end(arguments);
    return cv_fail(
        err, COGVIDEO_ERROR_MODEL,
        "%s: the network gives NaN in place of numbers, for its weights are damaged; %s; take another copy of "
        "the model, or import it anew",
        at, found ? weight : "each is a number, but some must be too large");
}

cogvideo_status cv_model_cannot(const cogvideo_model *model, const char *what, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "the model '%s' is of the family '%s', which cannot %s",
                   model->name, model->family->name, what);
}

bool cv_model_has(const cogvideo_model *model, const cv_step *step)
{
    return !step->need || step->need(model, NULL) == COGVIDEO_OK;
}

cogvideo_status cv_model_step(const cogvideo_model *model, const char *name, const cv_step **out, cogvideo_error *err)
{
    const cv_family *family = model->family;
    cv_buffer known = { 0 };
    cogvideo_status status;

    for (int i = 0; i < family->step_count; i++)
        if (strcmp(family->steps[i].name, name) == 0) {
            *out = &family->steps[i];
            return COGVIDEO_OK;
        }
    for (int i = 0; i < family->step_count; i++)
        if (cv_buffer_printf(&known, NULL, "%s'%s'", i ? ", " : "", family->steps[i].name) != COGVIDEO_OK)
            break;
    status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                     "the model '%s' is of the family '%s', whose steps are %s, not '%.60s'", model->name, family->name,
                     known.data ? known.data : "none", name);
    cv_buffer_free(&known);
    return status;
}
