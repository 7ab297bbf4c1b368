#include "train/recipe.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (1u << 20)

static const cv_recipe_key keys[] = {
    { "steps", CV_RECIPE_INT, offsetof(cv_recipe, steps), 1, 1e9, 1000 },
    { "batch", CV_RECIPE_INT, offsetof(cv_recipe, batch), 1, 4096, 16 },
    { "accumulate", CV_RECIPE_INT, offsetof(cv_recipe, accumulate), 1, 4096, 1 },
    { "learning_rate", CV_RECIPE_DOUBLE, offsetof(cv_recipe, learning_rate), 0, 1, 1e-3 },
    { "final_learning_rate", CV_RECIPE_DOUBLE, offsetof(cv_recipe, final_learning_rate), 0, 1, 1e-5 },
    { "warmup", CV_RECIPE_INT, offsetof(cv_recipe, warmup), 0, 1e9, 100 },
    { "beta1", CV_RECIPE_DOUBLE, offsetof(cv_recipe, beta1), 0, 0.99999, 0.9 },
    { "beta2", CV_RECIPE_DOUBLE, offsetof(cv_recipe, beta2), 0, 0.99999, 0.95 },
    { "epsilon", CV_RECIPE_DOUBLE, offsetof(cv_recipe, epsilon), 1e-16, 1, 1e-8 },
    { "weight_decay", CV_RECIPE_DOUBLE, offsetof(cv_recipe, weight_decay), 0, 10, 0.01 },
    { "muon_rate", CV_RECIPE_DOUBLE, offsetof(cv_recipe, muon_rate), 0, 1, 0 },
    { "muon_momentum", CV_RECIPE_DOUBLE, offsetof(cv_recipe, muon_momentum), 0, 0.99999, 0.95 },
    { "clip", CV_RECIPE_DOUBLE, offsetof(cv_recipe, clip), 0, 1e9, 1 },
    { "seed", CV_RECIPE_SEED, offsetof(cv_recipe, seed), 0, 9007199254740992.0, 1 },
    { "evaluate_every", CV_RECIPE_INT, offsetof(cv_recipe, evaluate_every), 1, 1e9, 500 },
    { "evaluate_batches", CV_RECIPE_INT, offsetof(cv_recipe, evaluate_batches), 1, 1e6, 8 },
    { "save_every", CV_RECIPE_INT, offsetof(cv_recipe, save_every), 1, 1e9, 500 },
    { "samples", CV_RECIPE_INT, offsetof(cv_recipe, samples), 0, 64, 8 },
    { "sample_every", CV_RECIPE_INT, offsetof(cv_recipe, sample_every), 1, 1e9, 1000 },
};
#define KEYS ((int)(sizeof keys / sizeof *keys))

/* Those of every part, then the part's own; NULL after the last. */
static const cv_recipe_key *key_at(const cv_part *part, int i)
{
    return i < KEYS ? &keys[i] : i < KEYS + part->key_count ? &part->keys[i - KEYS] : NULL;
}

static void set(cv_recipe *r, const cv_recipe_key *key, double number, int64_t whole)
{
    char *at = (char *)r + key->offset;

    if (key->kind == CV_RECIPE_INT)
        *(int *)(void *)at = (int)whole;
    else if (key->kind == CV_RECIPE_BOOL)
        *(bool *)(void *)at = whole != 0;
    else if (key->kind == CV_RECIPE_SEED)
        *(uint64_t *)(void *)at = (uint64_t)whole;
    else
        *(double *)(void *)at = number;
}

static double get(const cv_recipe *r, const cv_recipe_key *key)
{
    const char *at = (const char *)r + key->offset;

    return key->kind == CV_RECIPE_INT    ? *(const int *)(const void *)at
           : key->kind == CV_RECIPE_BOOL ? *(const bool *)(const void *)at
           : key->kind == CV_RECIPE_SEED ? (double)*(const uint64_t *)(const void *)at
                                         : *(const double *)(const void *)at;
}

static cogvideo_status read_key(cv_recipe *r, const cv_recipe_key *key, const cv_json *section, const char *origin,
                                cogvideo_error *err)
{
    double number = key->otherwise;
    int64_t whole = (int64_t)key->otherwise;
    cogvideo_status status =
        key->kind == CV_RECIPE_DOUBLE
            ? cv_json_optional_double(section, key->name, key->min, key->max, &number, origin, err)
            : cv_json_optional_int(section, key->name, (int64_t)key->min, (int64_t)key->max, &whole, origin, err);

    set(r, key, number, whole);
    return status;
}

static cogvideo_status read_section(cv_recipe *r, const cv_json *section, const char *origin, cogvideo_error *err)
{
    const cv_recipe_key *key;
    cogvideo_status status;
    const char *dtype = "f16", **names;
    int n = 0;

    CV_NEW(names, KEYS + r->part->key_count + 2, err);
    names[n++] = "dtype";
    for (int i = 0; (key = key_at(r->part, i)); i++)
        names[n++] = key->name;
    CV_TRY(cv_json_check_keys(section, names, origin, err));
    for (int i = 0; (key = key_at(r->part, i)); i++)
        CV_TRY(read_key(r, key, section, origin, err));
    CV_TRY(cv_json_optional_string(section, "dtype", &dtype, origin, err));
    if (!cv_dtype_parse(&r->dtype, dtype) || !cv_dtype_is_real(r->dtype))
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: dtype must be f32, f16 or bf16, not '%.20s'", origin, dtype);
done:
    cv_free(names);
    return status;
}

/* The file has sections for parts of the family and no others. */
static cogvideo_status check_sections(const cv_json *json, const cv_family *family, const char *path,
                                      cogvideo_error *err)
{
    const char **names;
    cogvideo_status status;
    int n = 0;

    CV_NEW(names, family->part_count + 3, err);
    names[n++] = "format";
    names[n++] = "version";
    for (int i = 0; i < family->part_count; i++)
        names[n++] = family->parts[i].name;
    CV_TRY(cv_json_check_keys(json, names, path, err));
done:
    cv_free(names);
    return status;
}

cogvideo_status cv_recipe_open(cv_recipe **out, const char *path, const cv_family *family, const cv_part *part,
                               cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;
    cv_json *json = NULL, *section;
    cv_recipe *recipe = cv_alloc(1, part->recipe_size ? part->recipe_size : sizeof *recipe, err);
    char origin[600];

    if (!recipe)
        goto done;
    recipe->part = part;
    CV_TRY(cv_json_read(&json, path, MAX_BYTES, err));
    CV_TRY(cv_json_format(json, "cogvideo-recipe", 1, path, err));
    CV_TRY(check_sections(json, family, path, err));
    snprintf(origin, sizeof origin, "%.500s: %s", path, part->name);
    CV_TRY(cv_json_object(json, part->name, &section, path, err));
    CV_TRY(read_section(recipe, section, origin, err));
    *out = recipe;
    recipe = NULL;
done:
    cv_json_free(&json);
    cv_free(recipe);
    return status;
}

void cv_recipe_close(cv_recipe **recipe)
{
    cv_free(*recipe);
    *recipe = NULL;
}

void cv_recipe_text(const cv_recipe *recipe, char out[CV_RECIPE_TEXT])
{
    const cv_recipe_key *key;
    size_t used = 0;

    out[0] = 0;
    for (int i = 0; (key = key_at(recipe->part, i)) && used < CV_RECIPE_TEXT; i++)
        used += (size_t)snprintf(out + used, CV_RECIPE_TEXT - used, "%s %.16g\n", key->name, get(recipe, key));
}

double cv_recipe_was(const char *before, const char *key, double otherwise)
{
    size_t length = strlen(key);

    for (const char *line = before; *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : "")
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtod(line + length, NULL);
    return otherwise;
}

void cv_recipe_changes(const cv_recipe *recipe, const char *before, char *out, size_t size)
{
    const cv_recipe_key *key;
    size_t used = 0;

    out[0] = 0;
    for (int i = 0; (key = key_at(recipe->part, i)) && used < size; i++) {
        char text[40];
        double now, was;

        snprintf(text, sizeof text, "%.16g", get(recipe, key));
        now = strtod(text, NULL);
        was = cv_recipe_was(before, key->name, now);
        if (was != now)
            used += (size_t)snprintf(out + used, size - used, "%s%s was %.16g and is %s", used ? ", " : "", key->name,
                                     was, text);
    }
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
