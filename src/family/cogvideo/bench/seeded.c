#include "family/cogvideo/bench/seeded.h"

#include "base/path.h"
#include "bench/seeded_store.h"
#include "family/cogvideo/model/description.h"
#include "family/family.h"
#include "family/cogvideo/network/stage.h"
#include "model/image_tokenizer/learn.h"
#include "family/cogvideo/refiner/refiner.h"
#include "family/cogvideo/upscaler/upscaler.h"

#include <string.h>

enum { TRUNK, STAGE1, STAGE2, UPSCALER, REFINER, IMAGE_TOKENIZER, PARTS };

static const char *const names[PARTS] = { "trunk", "stage1", "stage2", "upscaler", "refiner", "image_tokenizer" };
static const char *const files[PARTS] = {
    "trunk.safetensors",    "stage1.safetensors",  "stage2.safetensors",
    "upscaler.safetensors", "refiner.safetensors", "image_tokenizer.safetensors"
};

static cogvideo_status plan_stage(cv_store *plan, const cv_cogvideo_config *c, int part, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *trunk_plan = NULL;
    cv_trunk trunk = { 0 };
    cv_stage stage = { 0 };

    CV_TRY(cv_store_plan(&trunk_plan, "the trunk", err));
    CV_TRY(cv_trunk_bind(&trunk, part == TRUNK ? plan : trunk_plan, c->layers, c->hidden, c->mlp, c->vocabulary,
                         c->positions, (float)c->norm_epsilon, err));
    if (part != TRUNK)
        CV_TRY(
            cv_stage_bind(&stage, part == STAGE1 ? CV_STAGE_SEQUENTIAL : CV_STAGE_INTERPOLATE, c, &trunk, plan, err));
done:
    cv_stage_close(&stage);
    cv_trunk_close(&trunk);
    cv_store_close(&trunk_plan);
    return status;
}

/* The upscaler without its trunk where it reads the one of all networks. */
static cogvideo_status plan_upscaler(cv_store *plan, const cv_description *d, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *trunk = NULL;
    cv_upscaler *upscaler = NULL;

    CV_TRY(cv_store_plan(&trunk, "the trunk", err));
    CV_TRY(cv_upscaler_open(&upscaler, strcmp(d->files.upscaler_trunk, d->files.upscaler) == 0 ? plan : trunk, plan,
                            &d->upscaler, err));
done:
    cv_upscaler_close(&upscaler);
    cv_store_close(&trunk);
    return status;
}

static cogvideo_status plan_refiner(cv_store *plan, const cv_description *d, cogvideo_error *err)
{
    cv_refiner *refiner = NULL;
    cogvideo_status status = cv_refiner_open(&refiner, plan, plan, &d->refiner, err);

    cv_refiner_close(&refiner);
    return status;
}

static cogvideo_status write_file(const cv_description *d, int part, cv_weight_type type, const char *path,
                                  cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *plan = NULL;

    if (part == IMAGE_TOKENIZER) {
        CV_TRY(cv_image_tokenizer_plan(&plan, &d->image_tokenizer, err));
    } else {
        CV_TRY(cv_store_plan(&plan, files[part], err));
        if (part == UPSCALER)
            CV_TRY(plan_upscaler(plan, d, err));
        else if (part == REFINER)
            CV_TRY(plan_refiner(plan, d, err));
        else
            CV_TRY(plan_stage(plan, &d->network, part, err));
    }
    CV_TRY(cv_bench_write_store(plan, part == IMAGE_TOKENIZER ? CV_WEIGHT_F32 : type, path, err));
done:
    cv_store_close(&plan);
    return status;
}

/* Whether the sections of two networks allow for one trunk. */
static bool same_sizes(const cv_json *a, const cv_json *b)
{
    static const char *const keys[] = { "layers", "hidden", "mlp", "vocabulary", "positions" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cv_json *x = cv_json_get(a, keys[i]), *y = cv_json_get(b, keys[i]);

        if (!x || !y || !cv_json_is_number(x) || !cv_json_is_number(y) || cv_json_number(x) != cv_json_number(y))
            return false;
    }
    return true;
}

/* Frames of a sequence: where it is one, there is nothing but pictures, and no stage. */
static cogvideo_status makes_clips(const cv_json *json, const char *config, bool *clips, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *network;
    int64_t frames;

    CV_TRY(cv_json_object(json, "network", &network, config, err));
    CV_TRY(cv_json_int(network, "frames", 1, INT32_MAX, &frames, config, err));
    *clips = frames > 1;
done:
    return status;
}

/* The parts that the description has sections for. As in the original, the upscaler's trunk is the one of all networks
 * where that is possible, and the refiner has its own. */
static cogvideo_status write_description(const char *config, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *json = NULL, *parts;
    bool clips;

    CV_TRY(cv_json_read(&json, config, (size_t)1 << 20, err));
    CV_TRY(makes_clips(json, config, &clips, err));
    parts = cv_json_set_object(json, "parts");
    for (int part = TRUNK; part < PARTS; part++) {
        const bool stage = part == STAGE1 || part == STAGE2;
        bool shared = stage;
        cv_json *named;

        if (stage ? !clips : part == TRUNK ? clips : !cv_json_get(json, names[part]))
            continue;
        if (part == UPSCALER)
            shared = same_sizes(cv_json_get(json, names[part]), cv_json_get(json, "network"));
        named = cv_json_set_object(parts, names[part]);
        if (shared)
            cv_json_set_string(named, "trunk", files[TRUNK]);
        cv_json_set_string(named, shared ? "own" : "file", files[part]);
    }
    CV_TRY(cv_json_write(json, true, path, err));
done:
    cv_json_free(&json);
    return status;
}

static bool wanted(const cv_description *d, int part)
{
    const char *const named[PARTS] = { files[TRUNK],      d->files.own[0],  d->files.own[1],
                                       d->files.upscaler, d->files.refiner, d->files.image_tokenizer };

    return named[part] != NULL;
}

/* A part's file, unless it is there already. */
static cogvideo_status make_file(const cv_description *d, int part, cv_weight_type type, const char *folder,
                                 cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char *path = cv_path_join(folder, files[part], err);

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    if (!cv_path_exists(path))
        status = write_file(d, part, type, path, err);
    cv_free(path);
    return status;
}

cogvideo_status cv_cogvideo_bench_model(const char *config, cv_weight_type type, const char *folder,
                                        cogvideo_error *err)
{
    cogvideo_status status;
    cv_description d = { 0 };
    const cv_family *family;
    cv_json *json = NULL;
    char *path = cv_path_join(folder, "model.json", err);

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    if (!cv_path_exists(path))
        CV_TRY(write_description(config, path, err));
    CV_TRY(cv_model_describe(&json, &family, path, err));
    CV_TRY(cv_description_read(&d, json, path, err));
    for (int part = 0; part < PARTS; part++)
        if (wanted(&d, part))
            CV_TRY(make_file(&d, part, type, folder, err));
done:
    cv_free(path);
    cv_json_free(&json);
    return status;
}
