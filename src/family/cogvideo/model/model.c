#include "family/cogvideo/model/model.h"

#include <stdio.h>
#include <string.h>

static cogvideo_status open_stage(cv_cogvideo *model, int index, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    const cv_cogvideo_config *c = &d->network;
    cogvideo_status status;
    cv_store *trunk = NULL, *own = NULL;
    const cv_trunk *bound = &model->trunks[index];

    CV_TRY(cv_model_store(&model->head, d->files.trunk[index], true, &trunk, err));
    CV_TRY(cv_model_store(&model->head, d->files.own[index], true, &own, err));
    if (index == 1 && model->stages[0].trunk && strcmp(d->files.trunk[0], d->files.trunk[1]) == 0) {
        bound = &model->trunks[0];
    } else {
        CV_TRY(cv_trunk_bind(&model->trunks[index], trunk, c->layers, c->hidden, c->mlp, c->vocabulary, c->positions,
                             (float)c->norm_epsilon, err));
    }
    CV_TRY(cv_stage_bind(&model->stages[index], index == 0 ? CV_STAGE_SEQUENTIAL : CV_STAGE_INTERPOLATE, c, bound, own,
                         err));
done:
    return status;
}

/* Without a stage the trunk alone makes first frames. */
static cogvideo_status open_bare_trunk(cv_cogvideo *model, cogvideo_error *err)
{
    const cv_cogvideo_config *c = &model->description.network;
    cogvideo_status status;
    cv_store *store = NULL;

    CV_TRY(cv_model_store(&model->head, model->description.files.bare_trunk, true, &store, err));
    CV_TRY(cv_trunk_bind(&model->trunks[0], store, c->layers, c->hidden, c->mlp, c->vocabulary, c->positions,
                         (float)c->norm_epsilon, err));
    model->stages[0] = (cv_stage){ .config = c,
                                   .kind = CV_STAGE_SEQUENTIAL,
                                   .trunk = &model->trunks[0],
                                   .head = cv_trunk_head(&model->trunks[0], c->image_codes) };
done:
    return status;
}

/* The files of a super-resolution network, which may be one; a trunk that lies apart has the sizes of its section. */
static cogvideo_status open_files(cv_cogvideo *model, const char *trunk, const char *own, const cv_trunk_sizes *sizes,
                                  const char *section, cv_store *stores[2], cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_model_store(&model->head, trunk, true, &stores[0], err));
    CV_TRY(cv_model_store(&model->head, own, true, &stores[1], err));
    if (stores[0] != stores[1])
        CV_TRY(cv_trunk_check(stores[0], sizes, section, err));
done:
    return status;
}

static cogvideo_status open_upscaler(cv_cogvideo *model, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    const cv_upscaler_config *c = &d->upscaler;
    const cv_trunk_sizes sizes = { c->layers, c->hidden, c->mlp, c->vocabulary, c->positions };
    cv_store *stores[2] = { NULL };
    cogvideo_status status;

    CV_TRY(open_files(model, d->files.upscaler_trunk, d->files.upscaler, &sizes, "upscaler", stores, err));
    CV_TRY(cv_upscaler_open(&model->upscaler, stores[0], stores[1], c, err));
done:
    return status;
}

static cogvideo_status open_refiner(cv_cogvideo *model, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    const cv_refiner_config *c = &d->refiner;
    const cv_trunk_sizes sizes = { c->layers, c->hidden, c->mlp, c->vocabulary, c->positions };
    cv_store *stores[2] = { NULL };
    cogvideo_status status;

    CV_TRY(open_files(model, d->files.refiner_trunk, d->files.refiner, &sizes, "refiner", stores, err));
    CV_TRY(cv_refiner_open(&model->refiner, stores[0], stores[1], c, err));
done:
    return status;
}

/* Whether two of the networks that are open read one file of a trunk. */
static bool shares_trunk(const cv_cogvideo *model)
{
    const cv_description *d = &model->description;
    const char *const trunks[] = { model->stages[0].plus ? d->files.trunk[0] : d->files.bare_trunk, d->files.trunk[1],
                                   d->files.upscaler_trunk, d->files.refiner_trunk };

    for (size_t i = 0; i < sizeof trunks / sizeof *trunks; i++)
        for (size_t j = 0; j < i; j++)
            if (trunks[i] && trunks[j] && strcmp(trunks[i], trunks[j]) == 0)
                return true;
    return false;
}

static cogvideo_status open_clusters(cv_cogvideo *model, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *store = NULL;
    const cv_tensor *labels;
    int codes = model->description.network.image_codes;

    CV_TRY(cv_model_store(&model->head, model->description.files.clusters, false, &store, err));
    labels = cv_store_find(store, "labels");
    if (!labels || labels->dtype != CV_I32 || labels->rank != 1 || labels->count != (size_t)codes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: one tensor 'labels', I32 [%d], was expected",
                       cv_store_path(store), codes);
    if (cv_store_count(store) != 1)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has tensors beside 'labels'", cv_store_path(store));
    status = cv_clusters_create(&model->clusters, labels->data, codes, err);
    if (status != COGVIDEO_OK)
        return cv_fail_prefix(err, status, cv_store_path(store));
done:
    return status;
}

static cogvideo_status open_text(cv_cogvideo *model, cogvideo_error *err)
{
    const cv_cogvideo_config *c = &model->description.network;
    cogvideo_model *head = &model->head;
    cogvideo_status status;
    int pieces;

    CV_TRY(cv_model_text(head, model->description.files.text_tokenizer, c->image_codes, cv_icetk_appended, err));
    pieces = cv_text_pieces(head->text);
    if (pieces > c->vocabulary - c->image_codes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: has %d pieces, but after %d image codes the vocabulary (%d) has room for %d: another text "
                       "model belongs to these networks",
                       head->text_path, pieces, c->image_codes, c->vocabulary, c->vocabulary - c->image_codes);
    if (cv_text_id(head->text, "<start_of_image>") != c->start_of_image)
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "%s: <start_of_image> is %d here, model.json says %d: networks that were trained want their own text "
            "model, and for new ones model.json must say the former",
            head->text_path, (int)cv_text_id(head->text, "<start_of_image>"), c->start_of_image);
done:
    return status;
}

static cogvideo_status open_parts(cv_cogvideo *model, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    cogvideo_status status = COGVIDEO_OK;
    cv_store *store = NULL;

    for (int index = 0; index < 2; index++)
        if (d->files.own[index])
            CV_TRY(open_stage(model, index, err));
    if (d->files.bare_trunk && !model->stages[0].trunk)
        CV_TRY(open_bare_trunk(model, err));
    if (d->files.upscaler)
        CV_TRY(open_upscaler(model, err));
    if (d->files.refiner)
        CV_TRY(open_refiner(model, err));
    model->shared_trunk = shares_trunk(model);
    if (d->files.image_tokenizer) {
        CV_TRY(cv_model_store(&model->head, d->files.image_tokenizer, false, &store, err));
        CV_TRY(cv_image_tokenizer_open(&model->image_tokenizer, store, &d->image_tokenizer, err));
    }
    CV_TRY(cv_model_check_claimed(&model->head, err));
    if (d->files.clusters)
        CV_TRY(open_clusters(model, err));
    if (d->files.text_tokenizer)
        CV_TRY(open_text(model, err));
done:
    return status;
}

cogvideo_status cv_cogvideo_open(cogvideo_model *head, const char *origin, cogvideo_error *err)
{
    cv_cogvideo *model = (cv_cogvideo *)(void *)head;
    cogvideo_status status;

    CV_TRY(cv_description_read(&model->description, head->description, origin, err));
    CV_TRY(open_parts(model, err));
done:
    return status;
}

void cv_cogvideo_close(cogvideo_model *head)
{
    cv_cogvideo *model = (cv_cogvideo *)(void *)head;

    cv_clusters_free(&model->clusters);
    cv_image_tokenizer_close(&model->image_tokenizer);
    cv_upscaler_close(&model->upscaler);
    cv_refiner_close(&model->refiner);
    for (int i = 0; i < 2; i++) {
        cv_stage_close(&model->stages[i]);
        cv_trunk_close(&model->trunks[i]);
    }
}

/* `option` of the import brings it; `trained`: so does a training of this name; NULL = none does. */
static cogvideo_status lacks(const cv_cogvideo *model, const char *part, const char *option, const char *trained,
                             cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_MODEL, "the model '%s' has no %s, which 'cogvideo import --%s' brings%s%s%s",
                   model->head.name, part, option, trained ? ", or 'cogvideo train " : "", trained ? trained : "",
                   trained ? "'" : "");
}

cogvideo_status cv_need_stage(const cv_cogvideo *model, cv_stage_kind kind, const cv_stage **out, cogvideo_error *err)
{
    int index = kind == CV_STAGE_SEQUENTIAL ? 0 : 1;

    if (!model->stages[index].plus)
        return index == 0 ? lacks(model, "stage 1 (key frames)", "stage1", "stage1", err)
                          : lacks(model, "stage 2 (interpolation)", "stage2", "stage2", err);
    *out = &model->stages[index];
    return cv_exec_prepare(&model->head.exec, err);
}

cogvideo_status cv_need_trunk(const cv_cogvideo *model, const cv_stage **out, cogvideo_error *err)
{
    if (!model->stages[0].trunk)
        return lacks(model, "trunk", "coglm' or '--stage1", "image", err);
    *out = &model->stages[0];
    return cv_exec_prepare(&model->head.exec, err);
}

cogvideo_status cv_need_coglm(const cv_cogvideo *model, const cv_stage **out, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    const int needed = config->frame_position + 1 + cv_cogvideo_places(config);
    cogvideo_status status;

    CV_TRY(cv_need_trunk(model, out, err));
    if (needed > config->positions)
        status =
            cv_fail(err, COGVIDEO_ERROR_MODEL,
                    "the model '%s' has %d positions, and to complete a picture or to score a caption it needs %d: "
                    "one for the last code, too",
                    model->head.name, config->positions, needed);
done:
    return status;
}

cogvideo_status cv_need_upscaler(const cv_cogvideo *model, cogvideo_error *err)
{
    return model->upscaler ? cv_exec_prepare(&model->head.exec, err)
                           : lacks(model, "super-resolution network", "upscaler", NULL, err);
}

cogvideo_status cv_need_refiner(const cv_cogvideo *model, cogvideo_error *err)
{
    return model->refiner ? cv_exec_prepare(&model->head.exec, err) : lacks(model, "refiner", "refiner", NULL, err);
}

cogvideo_status cv_need_image_tokenizer(const cv_cogvideo *model, cogvideo_error *err)
{
    return model->image_tokenizer ? cv_exec_prepare(&model->head.exec, err)
                                  : lacks(model, "image tokenizer", "image-tokenizer", "image-tokenizer", err);
}

cogvideo_status cv_fail_unsound(const cv_cogvideo *model, const char *what, int frame, int row, cogvideo_error *err)
{
    char at[60] = "";

    if (row >= 0)
        snprintf(at, sizeof at, ", row %d", row);
    return cv_model_fail_unsound(&model->head, err, "%s, frame %d%s", what, frame, at);
}
