#include "family/cogvideo/model/description.h"

#include "family/family.h"
#include "media/frame.h"
#include "sample/fields.h"

#include <stdio.h>
#include <string.h>

const char *cv_step_name(cv_step_kind step)
{
    static const char *const names[CV_STEP_COUNT] = { "first_frame", "keyframes", "interpolate", "upscale", "refine" };

    return names[step];
}

unsigned cv_step_ways(cv_step_kind step)
{
    return COGVIDEO_BY_RANK | COGVIDEO_BY_CLUSTERS | COGVIDEO_BY_BEST |
           (step == CV_STEP_INTERPOLATE ? (unsigned)COGVIDEO_BY_CANDIDATES : 0);
}

static cogvideo_status read_samplings(cv_description *d, const cv_json *json, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *all, *one;
    char origin[600];

    CV_TRY(cv_json_object(json, "sampling", &all, path, err));
    d->sampling[CV_STEP_REFINE] = (cogvideo_sampling){ .temperature = 1, .code_temperature = 1, .top_p = 1 };
    for (int step = 0; step < CV_STEP_COUNT; step++) {
        if (step == CV_STEP_REFINE && !cv_json_get(all, cv_step_name(CV_STEP_REFINE)))
            continue; /* models that were made before there was a refiner */
        snprintf(origin, sizeof origin, "%.500s: sampling.%s", path, cv_step_name((cv_step_kind)step));
        CV_TRY(cv_json_object(all, cv_step_name((cv_step_kind)step), &one, origin, err));
        CV_TRY(cv_sampling_read(&d->sampling[step], one, cv_step_ways((cv_step_kind)step), origin, err));
    }
done:
    return status;
}

static cogvideo_status read_styles(cv_description *d, const cv_json *json, const char *path, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_json *section;
    char origin[600];

    if (!cv_json_get(json, "styles"))
        return COGVIDEO_OK;
    snprintf(origin, sizeof origin, "%.500s: styles", path);
    CV_TRY(cv_json_object(json, "styles", &section, path, err));
    CV_TRY(cv_styles_read(&d->styles, section, d->sampling, origin, err));
done:
    return status;
}

static cogvideo_status read_texts(cv_description *d, const cv_json *json, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *texts;
    char origin[600];

    snprintf(origin, sizeof origin, "%.500s: texts", path);
    CV_TRY(cv_json_object(json, "texts", &texts, path, err));
    CV_TRY(cv_json_string(texts, "first_frame_suffix", &d->first_frame_suffix, origin, err));
    CV_TRY(cv_json_string(texts, "video_suffix", &d->video_suffix, origin, err));
    CV_TRY(cv_json_string(texts, "guide", &d->guide, origin, err));
    CV_TRY(cv_json_string(texts, "duration_suffix", &d->duration_suffix, origin, err));
    CV_TRY(cv_json_string(texts, "separator", &d->separator, origin, err));
    CV_TRY(cv_json_optional_string(texts, "language", &d->language, origin, err));
    CV_TRY(cv_json_optional_string(texts, "completion_suffix", &d->completion_suffix, origin, err));
    CV_TRY(cv_json_optional_bool(texts, "completion_ends_in_start", &d->completion_ends_in_start, origin, err));
done:
    return status;
}

static cogvideo_status read_numbers(cv_description *d, const cv_json *json, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *durations, *weight;
    int64_t rate, size;

    CV_TRY(cv_json_array(json, "durations", &durations, path, err));
    for (const cv_json *item = cv_json_first(durations); item; item = cv_json_next(item)) {
        double value = cv_json_is_number(item) ? cv_json_number(item) : 0;

        if (d->duration_count == CV_MAX_DURATIONS || !(value >= 0.1 && value <= 1000))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: durations must be 1 to %d numbers from 0.1 to 1000 seconds",
                           path, CV_MAX_DURATIONS);
        d->durations[d->duration_count++] = value;
    }
    if (d->duration_count == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: durations must hold at least the key frames' seconds", path);
    CV_TRY(cv_json_double(json, "guidance", 0, 100, &d->guidance, path, err));
    CV_TRY(cv_json_object(json, "text_weight", &weight, path, err));
    CV_TRY(cv_json_double(weight, "plain", -100, 100, &d->text_weight_plain, path, err));
    CV_TRY(cv_json_double(weight, "guided", -100, 100, &d->text_weight_guided, path, err));
    CV_TRY(cv_json_int(json, "rate", 1, 64, &rate, path, err));
    CV_TRY(cv_json_int(json, "picture_size", 1, CV_MEDIA_MAX_SIDE, &size, path, err));
    d->rate = (int)rate;
    d->picture_size = (int)size;
done:
    return status;
}

/* A network that may share its trunk: "file" holds all of it, or "trunk" and "own" do. */
static cogvideo_status read_network_files(const cv_json *parts, const char *name, const char **own, const char **trunk,
                                          const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *part;
    char origin[600];

    if (!cv_json_get(parts, name))
        return COGVIDEO_OK;
    snprintf(origin, sizeof origin, "%.500s: parts.%s", path, name);
    CV_TRY(cv_json_object(parts, name, &part, origin, err));
    if (cv_json_get(part, "file")) {
        if (cv_json_get(part, "trunk") || cv_json_get(part, "own"))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has either 'file' or 'trunk' and 'own', not both", origin);
        CV_TRY(cv_model_file_name(part, "file", own, origin, err));
        *trunk = *own;
        return COGVIDEO_OK;
    }
    CV_TRY(cv_model_file_name(part, "own", own, origin, err));
    CV_TRY(cv_model_file_name(part, "trunk", trunk, origin, err));
done:
    return status;
}

static cogvideo_status read_files(cv_description *d, const cv_json *json, const char *path, cogvideo_error *err)
{
    const struct {
        const char *part, *key;
        const char **out;
    } files[] = {
        { "stage1", "trunk", &d->files.trunk[0] },
        { "stage1", "own", &d->files.own[0] },
        { "stage2", "trunk", &d->files.trunk[1] },
        { "stage2", "own", &d->files.own[1] },
        { "trunk", "file", &d->files.bare_trunk },
        { "image_tokenizer", "file", &d->files.image_tokenizer },
        { "text_tokenizer", "file", &d->files.text_tokenizer },
        { "clusters", "file", &d->files.clusters },
    };
    cogvideo_status status;
    cv_json *parts, *part;
    char origin[600];

    CV_TRY(cv_json_object(json, "parts", &parts, path, err));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!cv_json_get(parts, files[i].part))
            continue;
        snprintf(origin, sizeof origin, "%.500s: parts.%s", path, files[i].part);
        CV_TRY(cv_json_object(parts, files[i].part, &part, origin, err));
        CV_TRY(cv_model_file_name(part, files[i].key, files[i].out, origin, err));
    }
    CV_TRY(read_network_files(parts, "upscaler", &d->files.upscaler, &d->files.upscaler_trunk, path, err));
    CV_TRY(read_network_files(parts, "refiner", &d->files.refiner, &d->files.refiner_trunk, path, err));
done:
    return status;
}

/* Each network takes what the one before it gives. */
static cogvideo_status check_grids(const cv_description *d, const char *path, cogvideo_error *err)
{
    if (d->files.upscaler && d->upscaler.grid != d->network.grid)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: network.grid is %d and upscaler.grid %d: they must be equal",
                       path, d->network.grid, d->upscaler.grid);
    if (d->files.upscaler && d->files.refiner && d->refiner.upscaled_grid != d->upscaler.upscaled_grid)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: upscaler.upscaled_grid is %d and refiner.upscaled_grid %d: they must be equal", path,
                       d->upscaler.upscaled_grid, d->refiner.upscaled_grid);
    return COGVIDEO_OK;
}

static cogvideo_status read_networks(cv_description *d, const cv_json *json, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *section;
    char origin[600];

    snprintf(origin, sizeof origin, "%.500s: network", path);
    CV_TRY(cv_json_object(json, "network", &section, path, err));
    CV_TRY(cv_cogvideo_config_parse(&d->network, section, origin, err));
    if (d->files.upscaler) {
        snprintf(origin, sizeof origin, "%.500s: upscaler", path);
        CV_TRY(cv_json_object(json, "upscaler", &section, path, err));
        CV_TRY(cv_upscaler_config_parse(&d->upscaler, section, origin, err));
    }
    if (d->files.refiner) {
        snprintf(origin, sizeof origin, "%.500s: refiner", path);
        CV_TRY(cv_json_object(json, "refiner", &section, path, err));
        CV_TRY(cv_refiner_config_parse(&d->refiner, section, origin, err));
    }
    CV_TRY(check_grids(d, path, err));
    if (cv_json_get(json, "image_tokenizer")) {
        snprintf(origin, sizeof origin, "%.500s: image_tokenizer", path);
        CV_TRY(cv_json_object(json, "image_tokenizer", &section, path, err));
        CV_TRY(cv_image_tokenizer_config_parse(&d->image_tokenizer, section, origin, err));
    }
done:
    return status;
}

cogvideo_status cv_description_read(cv_description *out, const cv_json *json, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_description d = { 0 };

    CV_TRY(read_files(&d, json, path, err));
    CV_TRY(read_networks(&d, json, path, err));
    CV_TRY(read_texts(&d, json, path, err));
    CV_TRY(read_numbers(&d, json, path, err));
    CV_TRY(read_samplings(&d, json, path, err));
    CV_TRY(read_styles(&d, json, path, err));
    *out = d;
done:
    return status;
}
