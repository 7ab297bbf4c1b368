#include "settings.h"

#include "say.h"

#include "base/file.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The shorter of two spellings that is read back as the same number; null is the model's own value. */
static void number(json_out *json, const char *key, double value)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%.15g", value);
    json_number(json, key, value, strtod(digits, NULL) == value ? 15 : 17);
}

/* A number that 0 leaves to the model. */
static void optional(json_out *json, const char *key, double value)
{
    number(json, key, value == 0 ? NAN : value);
}

static void put_ids(json_out *json, const char *key, const int32_t *ids, size_t count)
{
    if (ids)
        json_ints(json, key, ids, count);
    else
        json_null(json, key);
}

static void put_sampling(json_out *json, const cogvideo_sampling *sampling)
{
    json_begin(json, "sampling");
    json_bool(json, "greedy", sampling->greedy);
    optional(json, "temperature", sampling->temperature);
    if (sampling->clusters < 0)
        json_integer(json, "clusters", 0);
    else
        optional(json, "clusters", sampling->clusters);
    optional(json, "code_temperature", sampling->code_temperature);
    optional(json, "top_k", sampling->top_k);
    optional(json, "top_p", sampling->top_p);
    json_end(json);
}

/* The weights' files, of which a path may change. */
static void put_weights(json_out *json, const cogvideo_model *model)
{
    const char *path;
    uint64_t bytes;

    json_begin_array(json, "weights");
    for (int i = 0; (path = cogvideo_model_file(model, i, &bytes, NULL)); i++) {
        struct stat info = { 0 };

        stat(path, &info);
        json_begin(json, NULL);
        json_string(json, "file", cv_path_name(path));
        json_integer(json, "bytes", (long long)bytes);
        json_integer(json, "changed", (long long)info.st_mtime);
        json_end(json);
    }
    json_end_array(json);
}

/* Codes and times as numbers that tell others from them. */
static void put_input(json_out *json, const cogvideo_tokens *clip)
{
    json_begin(json, "input");
    json_integer(json, "frames", clip->frames);
    json_shape(json, clip);
    json_integer(json, "codes", cli_codes_checksum(clip));
    json_integer(json, "times", cli_checksum(clip->times, (size_t)clip->frames * sizeof *clip->times));
    json_end(json);
}

void cli_settings_put(json_out *json, const cli_settings *settings, int sample)
{
    static const char *const caches[] = { "f16", "q8", "f32" };
    const cogvideo_generate_options *options = settings->options;

    json_string(json, "made_by", settings->command);
    json_string(json, "model", settings->session->info.name);
    json_string(json, "prompt", options->prompt);
    put_ids(json, "text_ids", options->text_ids, options->text_count);
    put_ids(json, "guide_ids", options->guide_ids, options->guide_count);
    json_integer(json, "seed", (long long)options->seed);
    json_integer(json, "sample", sample);
    number(json, "guidance", settings->guidance);
    number(json, "text_weight", options->text_weight);
    put_sampling(json, &options->sampling);
    optional(json, "seconds", options->seconds);
    optional(json, "rounds", settings->rounds);
    json_bool(json, "upscaled", settings->upscaled);
    optional(json, "count", settings->count);
    if (settings->input)
        put_input(json, settings->input);
    else
        json_null(json, "input");
    json_bool(json, "f32_inputs", settings->model->f32_inputs);
    json_string(json, "cache", caches[settings->model->cache]);
    put_weights(json, settings->session->model);
}

typedef struct one_sample {
    const cli_settings *settings;
    int sample;
} one_sample;

static void put_one(json_out *json, const void *what)
{
    const one_sample *one = what;

    cli_settings_put(json, one->settings, one->sample);
}

cv_json *cli_settings_object(const cli_settings *settings, int sample)
{
    const one_sample one = { settings, sample };

    return json_object(put_one, &one);
}

/* Two values of a key. Long ones only with their beginnings, unless these are the same. */
static char *tell_difference(const char *key, const cv_json *was, const cv_json *asked)
{
    char *old_text = was ? cv_json_print(was, false, NULL) : NULL, *new_text = cv_json_print(asked, false, NULL);
    char *old_start = cli_excerpt(old_text ? old_text : "nothing"), *new_start = cli_excerpt(new_text ? new_text : "nothing");
    const int whole = old_text && new_text && strcmp(old_start, new_start) == 0;
    char *difference = cli_format("\"%s\":%s and not \"%s\":%s", key, whole ? old_text : old_start, key, whole ? new_text : new_start);

    cv_free(old_text);
    cv_free(new_text);
    free(old_start);
    free(new_start);
    return difference;
}

/* The first values that differ inside two values, if they are of one shape: elements of arrays and members of objects in order. */
static void first_difference(const char **key, const cv_json **was, const cv_json **asked)
{
    const cv_json *a = cv_json_first(*was), *b = cv_json_first(*asked);

    while (a && b && cv_json_equal(a, b)) {
        a = cv_json_next(a);
        b = cv_json_next(b);
    }
    if (!a || !b || (cv_json_key(a) && strcmp(cv_json_key(a), cv_json_key(b)) != 0))
        return;
    if (!cv_json_key(a) && !cv_json_first(a)) /* ids: the whole list says more */
        return;
    if (cv_json_key(a))
        *key = cv_json_key(a);
    *was = a;
    *asked = b;
    first_difference(key, was, asked);
}

int cli_settings_compare(const cv_json *was, const cv_json *asked, char **difference)
{
    for (const cv_json *item = cv_json_first(asked); item; item = cv_json_next(item)) {
        const char *key = cv_json_key(item);
        const cv_json *old = cv_json_get(was, key), *now = item;

        if (cv_json_equal(old, now))
            continue;
        if (old)
            first_difference(&key, &old, &now);
        *difference = tell_difference(key, old, now);
        return CLI_FAILED;
    }
    return CLI_OK;
}
