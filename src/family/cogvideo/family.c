#include "family/cogvideo/family.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/parallel.h"
#include "nn/blas.h"

#include <stdio.h>
#include <string.h>

/* Maps a file of the model, or finds it mapped already. */
static cogvideo_status open_store(cogvideo_model *model, const char *directory, const char *name, cv_store **out,
                                  cogvideo_error *err)
{
    char *path = cv_path_join(directory, name, err);
    cogvideo_status status;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    for (int i = 0; i < model->store_count; i++)
        if (strcmp(cv_store_path(model->stores[i]), path) == 0) {
            *out = model->stores[i];
            cv_free(path);
            return COGVIDEO_OK;
        }
    status = cv_store_open(&model->stores[model->store_count], path, err);
    if (status == COGVIDEO_OK)
        *out = model->stores[model->store_count++];
    cv_free(path);
    return status;
}

static cogvideo_status open_stage(cogvideo_model *model, int index, const char *directory, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    const cv_cogvideo_config *c = &d->network;
    cogvideo_status status;
    cv_store *trunk = NULL, *own = NULL;
    const cv_trunk *bound = &model->trunks[index];

    CV_TRY(open_store(model, directory, d->files.trunk[index], &trunk, err));
    CV_TRY(open_store(model, directory, d->files.own[index], &own, err));
    if (index == 1 && model->stages[0].trunk && strcmp(d->files.trunk[0], d->files.trunk[1]) == 0) {
        bound = &model->trunks[0];
        model->shared_trunk = true;
    } else {
        CV_TRY(cv_trunk_bind(&model->trunks[index], trunk, c->layers, c->hidden, c->mlp, c->vocabulary, c->positions,
                             (float)c->norm_epsilon, err));
    }
    CV_TRY(cv_stage_bind(&model->stages[index], index == 0 ? CV_STAGE_SEQUENTIAL : CV_STAGE_INTERPOLATE, c, bound, own,
                         err));
fail:
    return status;
}

/* Without a stage the trunk alone makes first frames. */
static cogvideo_status open_bare_trunk(cogvideo_model *model, const char *directory, cogvideo_error *err)
{
    const cv_cogvideo_config *c = &model->description.network;
    cogvideo_status status;
    cv_store *store = NULL;

    CV_TRY(open_store(model, directory, model->description.files.bare_trunk, &store, err));
    CV_TRY(cv_trunk_bind(&model->trunks[0], store, c->layers, c->hidden, c->mlp, c->vocabulary, c->positions,
                         (float)c->norm_epsilon, err));
    model->stages[0] = (cv_stage){ .config = c, .kind = CV_STAGE_SEQUENTIAL, .trunk = &model->trunks[0],
                                   .head = cv_trunk_head(&model->trunks[0], c->image_codes) };
fail:
    return status;
}

static cogvideo_status open_clusters(cogvideo_model *model, const char *directory, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *store = NULL;
    const cv_tensor *labels;
    int codes = model->description.network.image_codes;

    CV_TRY(open_store(model, directory, model->description.files.clusters, &store, err));
    labels = cv_store_find(store, "labels");
    if (!labels || labels->dtype != CV_I32 || labels->rank != 1 || labels->count != (size_t)codes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: one tensor 'labels', I32 [%d], was expected",
                       cv_store_path(store), codes);
    if (cv_store_count(store) != 1)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has tensors beside 'labels'", cv_store_path(store));
    status = cv_clusters_create(&model->clusters, labels->data, codes, err);
    if (status != COGVIDEO_OK)
        return cv_fail_prefix(err, status, cv_store_path(store));
fail:
    return status;
}

static cogvideo_status open_text(cogvideo_model *model, const char *directory, cogvideo_error *err)
{
    const cv_cogvideo_config *c = &model->description.network;
    cogvideo_status status;
    int pieces;

    if (!(model->text_path = cv_path_join(directory, model->description.files.text_tokenizer, err)))
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_text_open(&model->text, model->text_path, c->image_codes, err));
    model->text_bytes = cv_file_bytes(model->text_path);
    pieces = cv_text_pieces(model->text);
    if (pieces > c->vocabulary - c->image_codes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: has %d pieces, but after %d image codes the vocabulary (%d) has room for %d: another text "
                       "model belongs to these networks",
                       model->text_path, pieces, c->image_codes, c->vocabulary, c->vocabulary - c->image_codes);
    if (cv_text_id(model->text, "<start_of_image>") != c->start_of_image)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: <start_of_image> is %d here, model.json says %d: networks that were trained want their own text "
                       "model, and for new ones model.json must say the former",
                       model->text_path, (int)cv_text_id(model->text, "<start_of_image>"), c->start_of_image);
fail:
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

        for (int i = 0; i < model->store_count; i++)
            for (size_t t = 0; t < cv_store_count(model->stores[i]); t++)
                found = found || cv_store_at(model->stores[i], t)->dtype == types[k].dtype;
        if (found) {
            size_t used = strlen(model->types);

            snprintf(model->types + used, sizeof model->types - used, "%s%s", used ? ", " : "", types[k].name);
        }
    }
    if (!model->types[0])
        snprintf(model->types, sizeof model->types, "none");
}

static cogvideo_status open_parts(cogvideo_model *model, const char *directory, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    cogvideo_status status = COGVIDEO_OK;
    cv_store *store = NULL;

    for (int index = 0; index < 2; index++)
        if (d->files.own[index])
            CV_TRY(open_stage(model, index, directory, err));
    if (d->files.bare_trunk && !model->stages[0].trunk)
        CV_TRY(open_bare_trunk(model, directory, err));
    if (d->files.upscaler) {
        CV_TRY(open_store(model, directory, d->files.upscaler, &store, err));
        CV_TRY(cv_upscaler_open(&model->upscaler, store, &d->upscaler, err));
    }
    if (d->files.image_tokenizer) {
        CV_TRY(open_store(model, directory, d->files.image_tokenizer, &store, err));
        CV_TRY(cv_image_tokenizer_open(&model->image_tokenizer, store, &d->image_tokenizer, err));
    }
    for (int i = 0; i < model->store_count; i++)
        CV_TRY(cv_store_check_claimed(model->stores[i], err));
    if (d->files.clusters)
        CV_TRY(open_clusters(model, directory, err));
    if (d->files.text_tokenizer)
        CV_TRY(open_text(model, directory, err));
fail:
    return status;
}

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

static void lock_weights(const cogvideo_model *model)
{
    for (int i = 0; i < model->store_count; i++)
        if (!cv_store_lock(model->stores[i]))
            cv_log(&model->log, COGVIDEO_LOG_WARNING, "%s: cannot be kept in memory: the system allows less ('ulimit -l' tells how much, in KiB)",
                   cv_store_path(model->stores[i]));
}

cogvideo_status cv_family_open(cogvideo_model **out, const char *path, const cogvideo_model_options *options,
                               cogvideo_error *err)
{
    cogvideo_status status;
    cogvideo_model *model = NULL;
    char *directory = NULL, *json = NULL;
    int threads = options ? options->threads : 0;

    if (threads < 0 || threads > CV_MAX_THREADS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "threads must be from 0 (one for each core) to %d, not %d", CV_MAX_THREADS, threads);
    CV_NEW(model, 1, err);
    if (!(directory = model_directory(path, err)) || !(json = cv_path_join(directory, "model.json", err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto fail;
    }
    if (!cv_path_is_dir(directory)) {
        status = cv_fail(err, COGVIDEO_ERROR_IO,
                         "%s: is no model directory ('cogvideo import' makes one from the original's files)", path);
        goto fail;
    }
    cv_blas_init();
    model->exec.q8_inputs = !options || !options->f32_inputs;
    model->exec.cache = !options || options->cache == COGVIDEO_CACHE_F16 ? CV_WEIGHT_F16
                        : options->cache == COGVIDEO_CACHE_Q8             ? CV_WEIGHT_Q8
                                                                          : CV_WEIGHT_F32;
    cv_kernels_best(&model->exec.kernels);
    if (options)
        model->log = options->log;
    CV_TRY(cv_description_read(&model->description, json, err));
    if (options && options->interleave && !cv_memory_interleave())
        cv_log(&model->log, COGVIDEO_LOG_WARNING, "memory is not spread over NUMA nodes: the system does not do that");
    CV_TRY(open_parts(model, directory, err));
    model->exec.threads = cv_exec_threads(threads, &model->log); /* beside the mapped weights */
    if (options && options->lock)
        lock_weights(model);
    list_types(model);
    cv_free(directory);
    cv_free(json);
    *out = model;
    return COGVIDEO_OK;
fail:
    cv_free(directory);
    cv_free(json);
    cv_family_close(&model);
    return status;
}

void cv_family_close(cogvideo_model **model)
{
    cogvideo_model *m = *model;

    if (!m)
        return;
    cv_text_close(&m->text);
    cv_free(m->text_path);
    cv_clusters_free(&m->clusters);
    cv_image_tokenizer_close(&m->image_tokenizer);
    cv_upscaler_close(&m->upscaler);
    for (int i = 0; i < 2; i++) {
        cv_stage_close(&m->stages[i]);
        cv_trunk_close(&m->trunks[i]);
    }
    for (int i = 0; i < m->store_count; i++)
        cv_store_close(&m->stores[i]);
    cv_description_free(&m->description);
    cv_free(m);
    *model = NULL;
}

/* `option` of the import brings it; `trained`: so does a training of this name; NULL = none does. */
static cogvideo_status lacks(const cogvideo_model *model, const char *part, const char *option, const char *trained, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_MODEL, "the model '%s' has no %s, which 'cogvideo import --%s' brings%s%s%s", model->description.name,
                   part, option, trained ? ", or 'cogvideo train " : "", trained ? trained : "", trained ? "'" : "");
}

cogvideo_status cv_need_stage(const cogvideo_model *model, cv_stage_kind kind, const cv_stage **out,
                              cogvideo_error *err)
{
    int index = kind == CV_STAGE_SEQUENTIAL ? 0 : 1;

    if (!model->stages[index].plus)
        return index == 0 ? lacks(model, "stage 1 (key frames)", "stage1", "stage1", err)
                          : lacks(model, "stage 2 (interpolation)", "stage2", "stage2", err);
    *out = &model->stages[index];
    return cv_exec_prepare(&model->exec, err);
}

cogvideo_status cv_need_trunk(const cogvideo_model *model, const cv_stage **out, cogvideo_error *err)
{
    if (!model->stages[0].trunk)
        return lacks(model, "stage 1 (key frames)", "stage1", "stage1", err);
    *out = &model->stages[0];
    return cv_exec_prepare(&model->exec, err);
}

cogvideo_status cv_need_upscaler(const cogvideo_model *model, cogvideo_error *err)
{
    return model->upscaler ? cv_exec_prepare(&model->exec, err) : lacks(model, "super-resolution network", "upscaler", NULL, err);
}

cogvideo_status cv_need_image_tokenizer(const cogvideo_model *model, cogvideo_error *err)
{
    return model->image_tokenizer ? cv_exec_prepare(&model->exec, err)
                                  : lacks(model, "image tokenizer", "image-tokenizer", "image-tokenizer", err);
}

cogvideo_status cv_need_text(const cogvideo_model *model, cogvideo_error *err)
{
    return model->text ? COGVIDEO_OK : lacks(model, "text tokenizer", "text-tokenizer", NULL, err);
}

/* The first weight of the model that is NaN or infinite, in words. */
static bool find_unsound_weight(const cogvideo_model *model, char *out, size_t size)
{
    for (int i = 0; i < model->store_count; i++)
        for (size_t t = 0; t < cv_store_count(model->stores[i]); t++) {
            const cv_tensor *tensor = cv_store_at(model->stores[i], t);
            size_t at = cv_dtype_is_real(tensor->dtype) ? cv_dtype_not_finite(tensor->dtype, tensor->data, tensor->count) : tensor->count;

            if (at == tensor->count)
                continue;
            snprintf(out, size, "%.400s: tensor '%.120s' holds NaN or an infinite number as element %zu", cv_store_path(model->stores[i]),
                     tensor->name, at);
            return true;
        }
    return false;
}

cogvideo_status cv_fail_unsound(const cogvideo_model *model, cogvideo_stage stage, int frame, int row, cogvideo_error *err)
{
    static const char *const stages[] = { "first frame", "key frames", "interpolation", "super-resolution", "decoding", "encoding", "scoring" };
    char place[60] = "", weight[700];
    bool found = find_unsound_weight(model, weight, sizeof weight);

    if (row >= 0)
        snprintf(place, sizeof place, ", row %d", row);
    return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s, frame %d%s: the network gives NaN in place of numbers, for its weights are damaged; %s; take "
                   "another copy of the model, or import it anew", stages[stage], frame, place,
                   found ? weight : "each is a number, but some must be too large");
}
