#include "train/recipe.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The parts that know a key. */
enum {
    PICTURES = 1 << CV_TRAIN_IMAGE_TOKENIZER,
    IMAGE = 1 << CV_TRAIN_IMAGE,
    STAGE1 = 1 << CV_TRAIN_STAGE1,
    STAGES = STAGE1 | 1 << CV_TRAIN_STAGE2,
    NETWORKS = IMAGE | STAGES,
    ALL = PICTURES | NETWORKS,
};

/* A key of a section: where its number goes, within which bounds, and what it is when it is missing. */
typedef struct recipe_key {
    const char *name;
    int parts;
    enum { WHOLE, FLAG, SEED, NUMBER } kind;
    size_t offset; /* in a recipe */
    double min, max, otherwise;
} recipe_key;

static const recipe_key keys[] = {
    { "steps", ALL, WHOLE, offsetof(cv_recipe, steps), 1, 1e9, 1000 },
    { "batch", ALL, WHOLE, offsetof(cv_recipe, batch), 1, 4096, 16 },
    { "accumulate", ALL, WHOLE, offsetof(cv_recipe, accumulate), 1, 4096, 1 },
    { "learning_rate", ALL, NUMBER, offsetof(cv_recipe, learning_rate), 0, 1, 1e-3 },
    { "final_learning_rate", ALL, NUMBER, offsetof(cv_recipe, final_learning_rate), 0, 1, 1e-5 },
    { "warmup", ALL, WHOLE, offsetof(cv_recipe, warmup), 0, 1e9, 100 },
    { "beta1", ALL, NUMBER, offsetof(cv_recipe, beta1), 0, 0.99999, 0.9 },
    { "beta2", ALL, NUMBER, offsetof(cv_recipe, beta2), 0, 0.99999, 0.95 },
    { "epsilon", ALL, NUMBER, offsetof(cv_recipe, epsilon), 1e-16, 1, 1e-8 },
    { "weight_decay", ALL, NUMBER, offsetof(cv_recipe, weight_decay), 0, 10, 0.01 },
    { "muon_rate", ALL, NUMBER, offsetof(cv_recipe, muon_rate), 0, 1, 0 },
    { "muon_momentum", ALL, NUMBER, offsetof(cv_recipe, muon_momentum), 0, 0.99999, 0.95 },
    { "clip", ALL, NUMBER, offsetof(cv_recipe, clip), 0, 1e9, 1 },
    { "dropout", NETWORKS, NUMBER, offsetof(cv_recipe, dropout), 0, 0.9, 0 },
    { "text_dropout", NETWORKS, NUMBER, offsetof(cv_recipe, text_dropout), 0, 1, 0 },
    { "train_trunk", STAGES, FLAG, offsetof(cv_recipe, train_trunk), 0, 1, 0 },
    { "frames", STAGE1, WHOLE, offsetof(cv_recipe, frames), 0, 64, 0 },
    { "norm_gain", IMAGE, NUMBER, offsetof(cv_recipe, norm_gain), 1e-6, 10, 1 },
    { "position_scale", IMAGE, NUMBER, offsetof(cv_recipe, position_scale), 0, 100, 0.05 },
    { "time_scale", STAGES, NUMBER, offsetof(cv_recipe, time_scale), 0, 100, 0.02 },
    { "base_share", STAGES, NUMBER, offsetof(cv_recipe, base_share), 0.001, 0.999, 0.5 },
    { "seed", ALL, SEED, offsetof(cv_recipe, seed), 0, 9007199254740992.0, 1 },
    { "evaluate_every", ALL, WHOLE, offsetof(cv_recipe, evaluate_every), 1, 1e9, 500 },
    { "evaluate_batches", ALL, WHOLE, offsetof(cv_recipe, evaluate_batches), 1, 1e6, 8 },
    { "save_every", ALL, WHOLE, offsetof(cv_recipe, save_every), 1, 1e9, 500 },
    { "samples", ALL, WHOLE, offsetof(cv_recipe, samples), 0, 64, 8 },
    { "sample_every", ALL, WHOLE, offsetof(cv_recipe, sample_every), 1, 1e9, 1000 },
    { "crop", PICTURES, WHOLE, offsetof(cv_recipe, crop), 8, 4096, 32 },
    { "busy", PICTURES, NUMBER, offsetof(cv_recipe, busy), 0, 1, 0 },
    { "plain_steps", PICTURES, WHOLE, offsetof(cv_recipe, plain_steps), 0, 1e9, 0 },
    { "l1", PICTURES, NUMBER, offsetof(cv_recipe, l1), 0, 1000, 1 },
    { "l2", PICTURES, NUMBER, offsetof(cv_recipe, l2), 0, 1000, 1 },
    { "commitment", PICTURES, NUMBER, offsetof(cv_recipe, commitment), 0, 1000, 0.25 },
    { "decay", PICTURES, NUMBER, offsetof(cv_recipe, decay), 0, 0.99999, 0.99 },
    { "dead", PICTURES, NUMBER, offsetof(cv_recipe, dead), 0, 1, 0.01 },
    { "start_batches", PICTURES, WHOLE, offsetof(cv_recipe, start_batches), 1, 4096, 8 },
    { "clusters", PICTURES, WHOLE, offsetof(cv_recipe, clusters), 0, 1 << 20, 0 },
    { "decoder_only", PICTURES, FLAG, offsetof(cv_recipe, decoder_only), 0, 1, 0 },
    { "merge", PICTURES, NUMBER, offsetof(cv_recipe, merge), 0, 1000, 0 },
};
#define KEYS (sizeof keys / sizeof *keys)

static void set(cv_recipe *r, const recipe_key *key, double number, int64_t whole)
{
    char *at = (char *)r + key->offset;

    if (key->kind == WHOLE)
        *(int *)(void *)at = (int)whole;
    else if (key->kind == FLAG)
        *(bool *)(void *)at = whole != 0;
    else if (key->kind == SEED)
        *(uint64_t *)(void *)at = (uint64_t)whole;
    else
        *(double *)(void *)at = number;
}

static double get(const cv_recipe *r, const recipe_key *key)
{
    const char *at = (const char *)r + key->offset;

    return key->kind == WHOLE  ? *(const int *)(const void *)at
           : key->kind == FLAG ? *(const bool *)(const void *)at
           : key->kind == SEED ? (double)*(const uint64_t *)(const void *)at
                               : *(const double *)(const void *)at;
}

static cogvideo_status read_key(cv_recipe *r, const recipe_key *key, const cv_json *section, const char *origin, cogvideo_error *err)
{
    double number = key->otherwise;
    int64_t whole = (int64_t)key->otherwise;
    cogvideo_status status =
        key->kind == NUMBER
            ? cv_json_optional_double(section, key->name, key->min, key->max, &number, origin, err)
            : cv_json_optional_int(section, key->name, (int64_t)key->min, (int64_t)key->max, &whole, origin, err);

    set(r, key, number, whole);
    return status;
}

static cogvideo_status read_section(cv_recipe *r, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    const char *dtype = "f16", *names[KEYS + 2] = { "dtype" };

    for (size_t i = 0, n = 1; i < KEYS; i++)
        if (keys[i].parts & 1 << r->part)
            names[n++] = keys[i].name;
    CV_TRY(cv_json_check_keys(section, names, origin, err));
    for (size_t i = 0; i < KEYS; i++)
        CV_TRY(read_key(r, &keys[i], section, origin, err));
    CV_TRY(cv_json_optional_string(section, "dtype", &dtype, origin, err));
    if (!cv_dtype_parse(&r->dtype, dtype) || !cv_dtype_is_real(r->dtype))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: dtype must be f32, f16 or bf16, not '%.20s'", origin, dtype);
    if (r->part == CV_TRAIN_IMAGE_TOKENIZER && r->accumulate > 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: accumulate is %d, but the codebook's averages follow every batch: "
                       "enlarge the batch instead", origin, r->accumulate);
fail:
    return status;
}

cogvideo_status cv_recipe_read(cv_recipe *out, const char *path, cv_train_part part, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *json = NULL, *section;
    cv_recipe recipe = { .part = part };
    const char *sections[CV_TRAIN_PARTS + 3] = { "format", "version" };
    char origin[600];

    for (int i = 0; i < CV_TRAIN_PARTS; i++)
        sections[i + 2] = part_names[i];
    CV_TRY(cv_json_read(&json, path, MAX_BYTES, err));
    CV_TRY(cv_json_format(json, "cogvideo-recipe", 1, path, err));
    CV_TRY(cv_json_check_keys(json, sections, path, err));
    snprintf(origin, sizeof origin, "%.500s: %s", path, part_names[part]);
    CV_TRY(cv_json_object(json, part_names[part], &section, path, err));
    CV_TRY(read_section(&recipe, section, origin, err));
    *out = recipe;
fail:
    cv_json_free(&json);
    return status;
}

void cv_recipe_text(const cv_recipe *recipe, char out[CV_RECIPE_TEXT])
{
    size_t used = 0;

    out[0] = 0;
    for (size_t i = 0; i < KEYS && used < CV_RECIPE_TEXT; i++)
        used += (size_t)snprintf(out + used, CV_RECIPE_TEXT - used, "%s %.16g\n", keys[i].name, get(recipe, &keys[i]));
}

void cv_recipe_changes(const cv_recipe *recipe, const char *before, char *out, size_t size)
{
    size_t used = 0;

    out[0] = 0;
    for (const char *line = before; line && *line && used < size; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        for (size_t i = 0; i < KEYS && used < size; i++) {
            size_t length = strlen(keys[i].name);
            char now[40];
            double was;

            if (strncmp(line, keys[i].name, length) != 0 || line[length] != ' ')
                continue;
            snprintf(now, sizeof now, "%.16g", get(recipe, &keys[i]));
            was = strtod(line + length, NULL);
            if (strtod(now, NULL) != was)
                used += (size_t)snprintf(out + used, size - used, "%s%s was %.16g and is %s", used ? ", " : "", keys[i].name,
                                         was, now);
        }
}

double cv_recipe_was(const char *before, const char *key, double otherwise)
{
    size_t length = strlen(key);

    for (const char *line = before; *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : "")
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtod(line + length, NULL);
    return otherwise;
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
