#include "pipeline/settings.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "sample/fields.h"

#include <string.h>
#include <sys/stat.h>

#define EXCERPT 200 /* bytes of a value that a sentence quotes */

uint32_t cv_codes_checksum(const cogvideo_tokens *clip)
{
    return cv_hash32_bytes(clip->codes, (size_t)clip->frames * cogvideo_tokens_per_frame(clip) * sizeof *clip->codes);
}

/* --- the object ----------------------------------------------------------------------------------------------- */

static void put_ids(cv_json *object, const char *key, const int32_t *ids, size_t count)
{
    if (ids)
        cv_json_set_ints(object, key, ids, count);
    else
        cv_json_set_null(object, key);
}

/* How each step draws. */
static void put_sampling(cv_json *object, const cogvideo_generate_options *options)
{
    cv_json *steps = cv_json_set_object(object, "sampling");

    for (int i = 0; i < options->step_count; i++) {
        const cogvideo_step_options *step = &options->steps[i];
        cv_json *json = cv_json_set_object(steps, step->name);

        cv_sampling_put(json, &step->sampling, step->ways);
        if (step->has_guidance)
            cv_json_set_double(json, "guidance", step->guidance);
        if (step->has_text_weight) {
            cv_json_set_double(json, "text_weight", step->text_weight);
            cv_json_set_double(json, "text_weight_guided", step->text_weight_guided);
        }
    }
}

/* The weights' files, of which a path may change. */
static void put_weights(cv_json *object, const cogvideo_model *model)
{
    cv_json *files = cv_json_set_array(object, "weights");

    for (int i = 0; i < model->file_count; i++) {
        cv_json *file = cv_json_add_object(files);
        struct stat info = { 0 };

        stat(model->files[i].path, &info);
        cv_json_set_string(file, "file", model->files[i].name);
        cv_json_set_int(file, "bytes", (int64_t)model->files[i].bytes);
        cv_json_set_int(file, "changed", (int64_t)info.st_mtime);
    }
}

void cv_shape_put(cv_json *object, const cogvideo_shape *shape)
{
    cv_json_set_int(object, "frames", shape->frames);
    if (shape->kind == COGVIDEO_KIND_CODES && shape->height == shape->width && shape->frames_per_code == 1) {
        cv_json_set_int(object, "grid", shape->width);
        return;
    }
    cv_json_set_int(object, "height", shape->height);
    cv_json_set_int(object, "width", shape->width);
    if (shape->frames_per_code > 1)
        cv_json_set_int(object, "frames_per_code", shape->frames_per_code);
    if (shape->rate_across > 0)
        cv_json_set_int(object, "rate_across", shape->rate_across);
}

/* The parts of a story, of a model that tells them. */
static void put_scenes(cv_json *object, const cogvideo_generate_options *options)
{
    cv_json *scenes = cv_json_set_array(object, "scenes");

    for (int i = 0; i < options->scene_count; i++) {
        cv_json *scene = cv_json_add_object(scenes);

        cv_json_set_string(scene, "prompt", options->scenes[i].prompt);
        cv_json_set_double(scene, "seconds", options->scenes[i].seconds);
    }
    cv_json_set_int(object, "context", options->context);
}

/* What a value holds, as numbers that tell others from it. */
static void put_input(cv_json *object, const cogvideo_value *value)
{
    const cogvideo_shape shape = value ? cogvideo_value_shape(value) : (cogvideo_shape){ 0 };
    const cogvideo_latents *latents = value ? &value->latents : NULL;
    const size_t pixels = (size_t)shape.frames * (size_t)shape.height * (size_t)shape.width;
    cv_json *input;

    if (shape.kind == COGVIDEO_KIND_NONE) {
        cv_json_set_null(object, "input");
        return;
    }
    input = cv_json_set_object(object, "input");
    cv_shape_put(input, &shape);
    if (shape.kind == COGVIDEO_KIND_CODES) {
        cv_json_set_int(input, "codes", cv_codes_checksum(&value->codes));
        cv_json_set_int(input, "times", cv_hash32_bytes(value->codes.times, (size_t)shape.frames * sizeof(double)));
    } else if (shape.kind == COGVIDEO_KIND_LATENTS) {
        cv_json_set_int(input, "latents",
                        cv_hash32_bytes(latents->values, pixels * (size_t)latents->channels * sizeof(float)));
    } else {
        cv_json_set_int(input, "pixels", cv_hash32_bytes(value->pixels.pixels, 3 * pixels));
    }
}

/* Which codes of the input are drawn anew. */
static void put_mask(cv_json *object, const cogvideo_generate_options *options)
{
    cv_json *mask;

    if (!options->mask) {
        cv_json_set_null(object, "mask");
        return;
    }
    mask = cv_json_set_object(object, "mask");
    cv_json_set_int(mask, "height", options->mask_height);
    cv_json_set_int(mask, "width", options->mask_width);
    cv_json_set_int(mask, "places",
                    cv_hash32_bytes(options->mask, (size_t)options->mask_height * (size_t)options->mask_width));
}

/* The picture that is completed. */
static void put_picture(cv_json *object, const cogvideo_video *picture)
{
    cv_json *json;

    if (!picture) {
        cv_json_set_null(object, "picture");
        return;
    }
    json = cv_json_set_object(object, "picture");
    cv_json_set_int(json, "height", picture->height);
    cv_json_set_int(json, "width", picture->width);
    cv_json_set_int(json, "pixels",
                    cv_hash32_bytes(picture->pixels, 3 * (size_t)picture->height * (size_t)picture->width));
}

/* Of how many samples the best go on, and by what. */
static void put_keep(cv_json *object, const cv_settings *settings)
{
    const cogvideo_run_options *run = settings->run;
    cv_json *keep;

    if (run->keep == 0) {
        cv_json_set_null(object, "keep");
        return;
    }
    keep = cv_json_set_object(object, "keep");
    cv_json_set_int(keep, "best", run->keep);
    cv_json_set_int(keep, "samples", settings->samples);
    cv_json_set_bool(keep, "english", run->keep_english);
}

void cv_settings_put(cv_json *object, const cv_settings *settings, int sample)
{
    const cogvideo_generate_options *options = settings->options;
    const cogvideo_model *model = settings->model;
    cv_json *steps;

    cv_json_set_string(object, "made_by", settings->made_by);
    cv_json_set_string(object, "model", model->name);
    if (options->prompt)
        cv_json_set_string(object, "prompt", options->prompt);
    else
        cv_json_set_null(object, "prompt");
    put_ids(object, "text_ids", options->text_ids, options->text_count);
    put_ids(object, "guide_ids", options->guide_ids, options->guide_count);
    cv_json_set_int(object, "seed", (int64_t)options->seed);
    cv_json_set_int(object, "sample", sample);
    put_sampling(object, options);
    cv_json_set_double(object, "seconds", options->seconds);
    cv_json_set_int(object, "rounds", options->rounds);
    cv_json_set_int(object, "keyframes", options->keyframes);
    if (model->family->stories)
        put_scenes(object, options);
    steps = cv_json_set_array(object, "steps");
    for (int i = 0; i < settings->chain->count; i++)
        cv_json_add_string(steps, settings->chain->steps[i]->name);
    put_input(object, settings->input);
    put_mask(object, options);
    put_picture(object, options->picture);
    put_keep(object, settings);
    if (options->style)
        cv_json_set_string(object, "style", options->style);
    else
        cv_json_set_null(object, "style");
    cv_json_set_string(object, "activations", model->exec.q8_inputs ? "q8" : "f32");
    cv_json_set_string(object, "cache", cv_weight_type_name(model->exec.cache));
    put_weights(object, model);
}

/* --- comparison ----------------------------------------------------------------------------------------------- */

/* Two values of a key. Long ones only with their beginnings, unless these are the same. */
static cogvideo_status tell_difference(cv_buffer *out, const char *key, const cv_json *was, const cv_json *asked,
                                       cogvideo_error *err)
{
    char *old_text = was ? cv_json_print(was, false, err) : cv_strdup("nothing", err),
         *new_text = cv_json_print(asked, false, err);
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;

    if (old_text && new_text) {
        size_t old_length = cv_utf8_excerpt(old_text, EXCERPT), new_length = cv_utf8_excerpt(new_text, EXCERPT);

        if (old_length == new_length && strncmp(old_text, new_text, old_length) == 0) {
            old_length = strlen(old_text);
            new_length = strlen(new_text);
        }
        status = cv_buffer_printf(out, err, "\"%s\":%.*s%s and not \"%s\":%.*s%s", key, (int)old_length, old_text,
                                  old_text[old_length] ? "..." : "", key, (int)new_length, new_text,
                                  new_text[new_length] ? "..." : "");
    }
    cv_free(old_text);
    cv_free(new_text);
    return status;
}

/* The first values that differ inside two values, if they are of one shape: elements of arrays and members of objects
 * in order. */
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

cogvideo_status cv_settings_compare(const cv_json *was, const cv_json *asked, cv_buffer *difference,
                                    cogvideo_error *err)
{
    for (const cv_json *item = cv_json_first(asked); item; item = cv_json_next(item)) {
        const char *key = cv_json_key(item);
        const cv_json *old = cv_json_get(was, key), *now = item;

        if (cv_json_equal(old, now) || (!old && cv_json_is_null(now))) /* a key that earlier versions had not */
            continue;
        if (old)
            first_difference(&key, &old, &now);
        return tell_difference(difference, key, old, now, err);
    }
    return COGVIDEO_OK;
}
