#include "train/recipe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES (1u << 20)

static const char *const part_names[CV_TRAIN_PARTS] = { "image-tokenizer", "image", "stage1", "stage2" };

bool cv_train_part_parse(cv_train_part *out, const char *name)
{
    for (int part = 0; part < CV_TRAIN_PARTS; part++)
        if (strcmp(part_names[part], name) == 0) {
            *out = (cv_train_part)part;
            return true;
        }
    return false;
}

const char *cv_train_part_name(cv_train_part part)
{
    return part_names[part];
}

/* A key of a section: where its number goes, within which bounds, and what it is when it is missing. */
typedef struct key {
    const char *name;
    double *number;
    int *whole;
    double min, max, otherwise;
} key;

static cogvideo_status read_keys(const key *keys, size_t count, const cv_json *section, const char *origin,
                                 cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (size_t i = 0; i < count; i++) {
        if (keys[i].number) {
            *keys[i].number = keys[i].otherwise;
            CV_TRY(cv_json_optional_double(section, keys[i].name, keys[i].min, keys[i].max, keys[i].number, origin,
                                           err));
        } else {
            int64_t value = (int64_t)keys[i].otherwise;

            CV_TRY(cv_json_optional_int(section, keys[i].name, (int64_t)keys[i].min, (int64_t)keys[i].max, &value,
                                        origin, err));
            *keys[i].whole = (int)value;
        }
    }
fail:
    return status;
}

static cogvideo_status read_section(cv_recipe *r, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    int train_trunk;
    int64_t seed = 1;
    const char *dtype = "f16";
    const key keys[] = {
        { "steps", NULL, &r->steps, 1, 1e9, 1000 },
        { "batch", NULL, &r->batch, 1, 4096, 16 },
        { "accumulate", NULL, &r->accumulate, 1, 4096, 1 },
        { "learning_rate", &r->learning_rate, NULL, 0, 1, 1e-3 },
        { "final_learning_rate", &r->final_learning_rate, NULL, 0, 1, 1e-5 },
        { "warmup", NULL, &r->warmup, 0, 1e9, 100 },
        { "beta1", &r->beta1, NULL, 0, 0.99999, 0.9 },
        { "beta2", &r->beta2, NULL, 0, 0.99999, 0.95 },
        { "epsilon", &r->epsilon, NULL, 1e-16, 1, 1e-8 },
        { "weight_decay", &r->weight_decay, NULL, 0, 10, 0.01 },
        { "clip", &r->clip, NULL, 0, 1e9, 1 },
        { "dropout", &r->dropout, NULL, 0, 0.9, 0 },
        { "text_dropout", &r->text_dropout, NULL, 0, 1, 0 },
        { "train_trunk", NULL, &train_trunk, 0, 1, 0 },
        { "norm_gain", &r->norm_gain, NULL, 1e-6, 10, 1 },
        { "position_scale", &r->position_scale, NULL, 0, 100, 0.05 },
        { "time_scale", &r->time_scale, NULL, 0, 100, 0.02 },
        { "base_share", &r->base_share, NULL, 0.001, 0.999, 0.5 },
        { "evaluate_every", NULL, &r->evaluate_every, 1, 1e9, 500 },
        { "evaluate_batches", NULL, &r->evaluate_batches, 1, 1e6, 8 },
        { "save_every", NULL, &r->save_every, 1, 1e9, 500 },
        { "samples", NULL, &r->samples, 0, 64, 8 },
        { "sample_every", NULL, &r->sample_every, 1, 1e9, 1000 },
        { "crop", NULL, &r->crop, 8, 4096, 32 },
        { "busy", &r->busy, NULL, 0, 1, 0 },
        { "plain_steps", NULL, &r->plain_steps, 0, 1e9, 0 },
        { "l1", &r->l1, NULL, 0, 1000, 1 },
        { "l2", &r->l2, NULL, 0, 1000, 1 },
        { "commitment", &r->commitment, NULL, 0, 1000, 0.25 },
        { "decay", &r->decay, NULL, 0, 0.99999, 0.99 },
        { "dead", &r->dead, NULL, 0, 1, 0.01 },
        { "clusters", NULL, &r->clusters, 0, 1 << 20, 0 },
    };

    const char *names[sizeof keys / sizeof *keys + 3] = { "seed", "dtype" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        names[i + 2] = keys[i].name;
    CV_TRY(cv_json_check_keys(section, names, origin, err));
    CV_TRY(read_keys(keys, sizeof keys / sizeof *keys, section, origin, err));
    CV_TRY(cv_json_optional_int(section, "seed", 0, (int64_t)1 << 53, &seed, origin, err));
    CV_TRY(cv_json_optional_string(section, "dtype", &dtype, origin, err));
    if (!cv_dtype_parse(&r->dtype, dtype) || !cv_dtype_is_real(r->dtype))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: dtype must be f32, f16 or bf16, not '%.20s'", origin, dtype);
    if (r->part == CV_TRAIN_IMAGE_TOKENIZER && r->accumulate > 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: accumulate is %d, but the codebook's averages follow every batch: "
                       "enlarge the batch instead", origin, r->accumulate);
    r->seed = (uint64_t)seed;
    r->train_trunk = train_trunk != 0;
fail:
    return status;
}

cogvideo_status cv_recipe_read(cv_recipe *out, const char *path, cv_train_part part, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *json = NULL, *section;
    cv_recipe recipe = { .part = part };
    const char *format, *keys[CV_TRAIN_PARTS + 3] = { "format", "version" };
    char origin[600];
    int64_t version;

    for (int i = 0; i < CV_TRAIN_PARTS; i++)
        keys[i + 2] = part_names[i];
    CV_TRY(cv_json_read(&json, path, MAX_BYTES, err));
    CV_TRY(cv_json_string(json, "format", &format, path, err));
    if (strcmp(format, "cogvideo-recipe") != 0) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: format is '%.60s', 'cogvideo-recipe' was expected", path,
                         format);
        goto fail;
    }
    CV_TRY(cv_json_int(json, "version", 1, 1, &version, path, err));
    CV_TRY(cv_json_check_keys(json, keys, path, err));
    snprintf(origin, sizeof origin, "%.500s: %s", path, part_names[part]);
    CV_TRY(cv_json_object(json, part_names[part], &section, path, err));
    CV_TRY(read_section(&recipe, section, origin, err));
    *out = recipe;
fail:
    cv_json_free(&json);
    return status;
}

double cv_recipe_rate(const cv_recipe *recipe, int step)
{
    double done;

    if (step < recipe->warmup)
        return recipe->learning_rate * (step + 1) / recipe->warmup;
    done = (double)(step - recipe->warmup) / (recipe->steps > recipe->warmup ? recipe->steps - recipe->warmup : 1);
    done = done > 1 ? 1 : done;
    return recipe->final_learning_rate +
           0.5 * (recipe->learning_rate - recipe->final_learning_rate) * (1 + cos(3.14159265358979324 * done));
}
