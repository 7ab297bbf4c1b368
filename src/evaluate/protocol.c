#include "evaluate/protocol.h"

#include <stdio.h>
#include <string.h>

#define CLIP_FRAMES 16
#define MAX_FRAMES 4096
#define DRAWS 200 /* of a bootstrap */

/* The shapes world's: frames 0, 2 .. 30 of 33, at their own size. */
enum { SHAPES_FRAMES = 16, SHAPES_STRIDE = 2 };

static const char *const starts[] = {
    [CV_START_FIRST] = "first", [CV_START_CENTRE] = "centre", [CV_START_RANDOM] = "random"
};
static const char *const quantises[] = {
    [CV_QUANTISE_NONE] = "none", [CV_QUANTISE_CUT] = "cut", [CV_QUANTISE_ROUND] = "round"
};
static const char *const divisors[] = { "n-1", "n" }, *const inputs[] = { "tf", "pytorch-fid" };

/* What all have in common. */
static const cogvideo_protocol common = { .stride = 1,
                                          .start = "first",
                                          .real_start = "first",
                                          .clips_per_video = 1,
                                          .size_resize = "pil-bicubic",
                                          .size_crop = "squash",
                                          .quantise = "round",
                                          .inception_input = "tf",
                                          .epsilon = 1e-3,
                                          .covariance = "n-1",
                                          .splits = 1,
                                          .shuffle = -1,
                                          .bootstrap = -1 };

/* What each has of its own. */
static const cogvideo_protocol protocols[] = {
    { .name = "cogvideo" },
    { .name = "tf-fvd", .frames = 15, .network_resize = "tf1", .network_crop = "squash" },
    { .name = "stylegan-v",
      .frames = 16,
      .real_start = "random",
      .size = 256,
      .size_resize = "pil-lanczos",
      .size_crop = "centre-square",
      .network_resize = "torch-bilinear",
      .network_crop = "squash",
      .covariance = "n",
      .samples = 2048 },
    { .name = "videogpt",
      .frames = 16,
      .quantise = "cut",
      .network_resize = "torch-bilinear",
      .network_crop = "short-ceil",
      .epsilon = 1e-5 },
    { .name = "common-metrics",
      .frames = 16,
      .quantise = "none",
      .network_resize = "torch-bilinear",
      .network_crop = "short-ceil",
      .epsilon = 1e-5 },
    { .name = "cd-fvd",
      .frames = 16,
      .start = "random",
      .real_start = "random",
      .size_resize = "torch-antialias",
      .size_crop = "short-ceil",
      .quantise = "cut",
      .network_resize = "torch-bilinear",
      .network_crop = "squash",
      .epsilon = 1e-5,
      .covariance = "n",
      .samples = 2048 },
};

#define PROTOCOLS (sizeof protocols / sizeof *protocols)

const char *cogvideo_protocol_name(int index)
{
    return index >= 0 && (size_t)index < PROTOCOLS ? protocols[index].name : NULL;
}

static const cogvideo_protocol *find(const char *name)
{
    for (size_t i = 0; i < PROTOCOLS; i++)
        if (strcmp(protocols[i].name, name) == 0)
            return &protocols[i];
    return NULL;
}

/* "first, centre": adds a word to a list. */
static void add_word(char *list, size_t size, const char *word)
{
    const size_t used = strlen(list);

    snprintf(list + used, size - used, "%s%s", used ? ", " : "", word);
}

static void own(const char **word, const char *of_its_own)
{
    if (of_its_own)
        *word = of_its_own;
}

cogvideo_status cogvideo_protocol_named(cogvideo_protocol *out, const char *name, cogvideo_error *err)
{
    const cogvideo_protocol *found = find(name);
    char known[200] = "";

    for (size_t i = 0; i < PROTOCOLS && !found; i++)
        add_word(known, sizeof known, protocols[i].name);
    if (!found)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "there is no protocol '%.40s'; it is one of %s", name, known);
    *out = common;
    out->name = found->name;
    out->frames = found->frames;
    out->size = found->size;
    out->samples = found->samples;
    out->network_resize = found->network_resize;
    out->network_crop = found->network_crop;
    own(&out->start, found->start);
    own(&out->real_start, found->real_start);
    own(&out->size_resize, found->size_resize);
    own(&out->size_crop, found->size_crop);
    own(&out->quantise, found->quantise);
    own(&out->covariance, found->covariance);
    if (found->epsilon > 0)
        out->epsilon = found->epsilon;
    return COGVIDEO_OK;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static cogvideo_status read_word(int *out, const char *field, const char *word, const char *const *words, int count,
                                 cogvideo_error *err)
{
    char known[200] = "";

    for (int i = 0; i < count; i++) {
        if (word && strcmp(word, words[i]) == 0) {
            *out = i;
            return COGVIDEO_OK;
        }
        add_word(known, sizeof known, words[i]);
    }
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the protocol's %s is '%.40s'; it is one of %s", field,
                   word ? word : "", known);
}

static cogvideo_status read_scale(cv_scale *out, const char *field, const char *word, cogvideo_error *err)
{
    if (word && cv_scale_parse(out, word))
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the protocol's %s is '%.40s', which is no way of resizing", field,
                   word ? word : "");
}

static cogvideo_status read_crop(cv_crop *out, const char *field, const char *word, cogvideo_error *err)
{
    if (word && cv_crop_parse(out, word))
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the protocol's %s is '%.40s', which is no way of cropping", field,
                   word ? word : "");
}

static cogvideo_status check_numbers(const cogvideo_protocol *p, cogvideo_error *err)
{
    const struct {
        const char *name;
        double value, min, max;
    } fields[] = {
        { "frames", p->frames, 0, MAX_FRAMES },
        { "stride", p->stride, 1, 1000 },
        { "clips_per_video", p->clips_per_video, 1, 1000 },
        { "fps", p->fps, 0, 1000 },
        { "skip_first", p->skip_first, 0, 1000000 },
        { "mirror", p->mirror, 0, 1 },
        { "size", p->size, 0, 4096 },
        { "epsilon", p->epsilon, 1e-8, 0.1 },
        { "fid_frames", p->fid_frames, 0, MAX_FRAMES },
        { "splits", p->splits, 1, 1000 },
        { "shuffle", (double)p->shuffle, -1, 4294967295.0 },
        { "samples", p->samples, 0, 10000000 },
        { "bootstrap", p->bootstrap, -1, 10000 },
        { "seed", (double)p->seed, 0, 9007199254740991.0 },
    };

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!(fields[i].value >= fields[i].min && fields[i].value <= fields[i].max))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the protocol's %s is %.10g; it must be from %.10g to %.10g",
                           fields[i].name, fields[i].value, fields[i].min, fields[i].max);
    if ((p->size > 0 && p->size < 8) || (p->fps > 0 && p->fps < 0.01))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the protocol's %s is too small", p->fps > 0 ? "fps" : "size");
    return COGVIDEO_OK;
}

/* How many frames the network takes. */
static cogvideo_status check_frames(const cv_protocol *p, cogvideo_error *err)
{
    const cv_feature_info *info = &p->info;

    if (info->frames || (p->frames >= info->min && (info->max == 0 || p->frames <= info->max)))
        return COGVIDEO_OK;
    if (info->min == info->max)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "clips of %d frames: the network '%s' takes exactly %d", p->frames,
                       p->network->name, info->min);
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "clips of %d frames: the network '%s' needs at least %d", p->frames,
                   p->network->name, info->min);
}

/* PIL's ways work on 8 bits, so what they get must have been brought to whole numbers. */
static cogvideo_status check_pixels(const cv_protocol *p, cogvideo_error *err)
{
    const bool whole = p->given.size == 0 || p->quantise != CV_QUANTISE_NONE || p->size_resize <= CV_SCALE_PIL_LANCZOS;

    if (!whole && p->network_resize >= CV_SCALE_PIL_BICUBIC && p->network_resize <= CV_SCALE_PIL_LANCZOS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the protocol's quantise is 'none' and its network_resize '%s', which needs whole numbers",
                       cv_scale_name(p->network_resize));
    return COGVIDEO_OK;
}

/* The protocol of the shapes world leaves nothing open but how many clips there are, and how they are counted. */
static void resolve_shapes(cv_protocol *p)
{
    p->given.clips_per_video = 1;
    p->given.fps = 0;
    p->given.skip_first = 0;
    p->given.mirror = 0;
    p->given.size = 0;
    p->name = "shapes";
    p->frames = SHAPES_FRAMES;
    p->stride = SHAPES_STRIDE;
    p->start[CV_GENERATED] = p->start[CV_REAL] = CV_START_FIRST;
    p->network_resize = CV_SCALE_NONE;
    p->network_crop = CV_CROP_SQUASH;
    p->quantise = CV_QUANTISE_NONE;
    p->range = "-1..1"; /* of its I3D, whose features its CLIP reads */
    p->epsilon = p->network->epsilon;
}

cogvideo_status cv_protocol_resolve(cv_protocol *out, const cogvideo_protocol *given, const cv_feature_network *network,
                                    const cogvideo_model *model, bool pictures, const char *tokenizer,
                                    cogvideo_error *err)
{
    cv_protocol p = { .given = *given,
                      .network = network,
                      .name = given->name,
                      .stride = given->stride,
                      .tokenizer = tokenizer,
                      .network_resize = network->scale,
                      .network_crop = network->crop };
    int start = 0, real_start = 0, quantise = 0, input = 0, divisor;
    cogvideo_status status;

    network->info(model, &p.info);
    CV_TRY(check_numbers(given, err));
    CV_TRY(read_word(&start, "start", given->start, starts, 3, err));
    CV_TRY(read_word(&real_start, "real_start", given->real_start, starts, 3, err));
    CV_TRY(read_word(&quantise, "quantise", given->quantise, quantises, 3, err));
    CV_TRY(read_word(&input, "inception_input", given->inception_input, inputs, 2, err));
    CV_TRY(read_word(&divisor, "covariance", given->covariance, divisors, 2, err));
    CV_TRY(read_scale(&p.size_resize, "size_resize", given->size_resize, err));
    CV_TRY(read_crop(&p.size_crop, "size_crop", given->size_crop, err));
    p.start[CV_GENERATED] = (cv_start)start;
    p.start[CV_REAL] = (cv_start)real_start;
    p.quantise = (cv_quantise)quantise;
    p.range = network->range ? network->range : "";
    p.draws = given->bootstrap >= 0 ? given->bootstrap : p.info.width > CV_WIDE_FEATURES ? 0 : DRAWS;
    p.frames = given->frames ? given->frames : p.info.frames && pictures ? 1 : CLIP_FRAMES;
    p.epsilon = network->any_epsilon ? given->epsilon : network->epsilon;
    if (network->fewer_frames)
        p.spaced = given->fid_frames < p.frames ? given->fid_frames : 0;
    if (network->pytorch_input && input == 1) {
        p.pytorch_input = true;
        p.network_resize = CV_SCALE_TORCH_BILINEAR;
        p.range = "-1..1";
    }
    if (network->any_resize && given->network_resize)
        CV_TRY(read_scale(&p.network_resize, "network_resize", given->network_resize, err));
    if (network->any_resize && given->network_crop)
        CV_TRY(read_crop(&p.network_crop, "network_crop", given->network_crop, err));
    if (p.info.shapes)
        resolve_shapes(&p);
    CV_TRY(check_frames(&p, err));
    CV_TRY(check_pixels(&p, err));
    *out = p;
done:
    return status;
}

bool cv_protocol_tell_unused(const cv_protocol *p, const cogvideo_protocol *given, const cogvideo_log *log)
{
    const cogvideo_protocol *usual = &common;
    const struct {
        const char *name;
        bool differs;
    } fields[] = {
        { "name", strcmp(given->name ? given->name : "", protocols[0].name) != 0 },
        { "frames", given->frames != 0 && given->frames != SHAPES_FRAMES },
        { "stride", given->stride != usual->stride && given->stride != SHAPES_STRIDE },
        { "start", strcmp(given->start, usual->start) != 0 },
        { "real_start", strcmp(given->real_start, usual->real_start) != 0 },
        { "clips_per_video", given->clips_per_video != usual->clips_per_video },
        { "fps", given->fps > 0 },
        { "skip_first", given->skip_first != 0 },
        { "mirror", given->mirror != 0 },
        { "size", given->size != 0 },
        { "network_resize", given->network_resize != NULL },
        { "network_crop", given->network_crop != NULL },
        { "epsilon", given->epsilon < usual->epsilon || given->epsilon > usual->epsilon },
    };

    for (size_t i = 0; i < sizeof fields / sizeof *fields && p->info.shapes; i++)
        if (fields[i].differs) {
            cv_log(log, COGVIDEO_LOG_WARNING,
                   "the protocol's '%s' as it was given counts for nothing: networks of the shapes world have one "
                   "protocol alone, '%s'",
                   fields[i].name, p->name);
            return true;
        }
    return false;
}

int cv_protocol_rows(const cv_protocol *p)
{
    return p->info.frames ? p->spaced ? p->spaced : p->frames : 1;
}

/* --- writing -------------------------------------------------------------------------------------------------- */

/* The fields that change features; of the start only that of one set, where one is asked for. */
static void write_features(cv_json *json, const cv_protocol *p, int side)
{
    const cogvideo_protocol *given = &p->given;
    const int size = given->size;

    cv_json_set_int(json, "frames", p->frames);
    cv_json_set_int(json, "stride", p->stride);
    cv_json_set_string(json, "start", starts[p->start[side < 0 ? CV_GENERATED : side]]);
    if (side < 0)
        cv_json_set_string(json, "real_start", starts[p->start[CV_REAL]]);
    cv_json_set_int(json, "clips_per_video", given->clips_per_video);
    cv_json_set_double(json, "fps", given->fps);
    cv_json_set_int(json, "skip_first", given->skip_first);
    if (side < 0 || (side == CV_REAL && given->mirror))
        cv_json_set_int(json, "mirror", given->mirror);
    cv_json_set_int(json, "size", size);
    cv_json_set_string(json, "size_resize", size ? cv_scale_name(p->size_resize) : "none");
    cv_json_set_string(json, "size_crop", size ? cv_crop_name(p->size_crop) : "none");
    cv_json_set_string(json, "quantise", size ? quantises[p->quantise] : "none");
    cv_json_set_string(json, "network_resize", cv_scale_name(p->network_resize));
    cv_json_set_string(json, "network_crop",
                       p->network_resize == CV_SCALE_NONE ? "none" : cv_crop_name(p->network_crop));
    cv_json_set_string(json, "value_range", p->range);
    if (*p->info.config)
        cv_json_set_string(json, "network_config", p->info.config);
    if (p->epsilon > 0)
        cv_json_set_double(json, "epsilon", p->epsilon);
    if (p->info.frames)
        cv_json_set_int(json, "frames_used", cv_protocol_rows(p));
    if (p->tokenizer && side != CV_GENERATED)
        cv_json_set_string(json, "real_through_tokenizer", p->tokenizer);
}

cv_json *cv_protocol_json(const cv_protocol *p)
{
    const cogvideo_protocol *given = &p->given;
    cv_json *json = cv_json_new_object();

    cv_json_set_string(json, "name", p->name ? p->name : "");
    write_features(json, p, -1);
    cv_json_set_string(json, "covariance", given->covariance);
    cv_json_set_int(json, "splits", given->splits);
    cv_json_set_int(json, "shuffle", given->shuffle);
    if (given->real_split)
        cv_json_set_string(json, "real_split", given->real_split);
    cv_json_set_int(json, "samples", given->samples);
    cv_json_set_int(json, "bootstrap", p->draws);
    cv_json_set_int(json, "seed", (int64_t)given->seed);
    return json;
}

cogvideo_status cv_protocol_of_features(const cv_protocol *p, cv_side side, char **out, cogvideo_error *err)
{
    cv_json *json = cv_json_new_object();

    write_features(json, p, (int)side);
    *out = cv_json_print(json, false, err);
    cv_json_free(&json);
    return *out ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

void cv_protocol_difference(const char *found, const char *expected, char *out, size_t size)
{
    cv_json *a = NULL, *b = NULL;

    snprintf(out, size, "they differ");
    if (cv_json_parse(&a, found, strlen(found), "protocol", NULL) == COGVIDEO_OK &&
        cv_json_parse(&b, expected, strlen(expected), "protocol", NULL) == COGVIDEO_OK && cv_json_is_object(a))
        for (cv_json *item = cv_json_first(b); item; item = cv_json_next(item)) {
            cv_json *other = cv_json_get(a, cv_json_key(item));
            char *x, *y;

            if (other && cv_json_equal(item, other))
                continue;
            x = other ? cv_json_print(other, false, NULL) : NULL;
            y = cv_json_print(item, false, NULL);
            snprintf(out, size, "%s is %.60s, %.60s was expected", cv_json_key(item), x ? x : "missing", y ? y : "?");
            cv_free(x);
            cv_free(y);
            break;
        }
    cv_json_free(&a);
    cv_json_free(&b);
}
