#include "family/phenaki/import/sizes.h"

#include "import/given.h"

#include <errno.h>
#include <stdlib.h>

#define CONTEXT 5 /* frames that a scene takes over, in the paper */

static bool read_whole(const char **text, int most, int *out)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(*text, &end, 10);
    if (end == *text || errno || value < 1 || value > most)
        return false;
    *text = end;
    *out = (int)value;
    return true;
}

/* "8x4", height and width, or "8" for both. */
static cogvideo_status read_pair(const cogvideo_import_options *options, const char *name, int most, int out[2],
                                 cogvideo_error *err)
{
    const char *value = cv_import_value(options, name), *at = value;

    if (!value)
        return COGVIDEO_OK;
    if (!read_whole(&at, most, &out[0]))
        goto bad;
    out[1] = out[0];
    if (*at == 'x') {
        at++;
        if (!read_whole(&at, most, &out[1]))
            goto bad;
    }
    if (*at == '\0')
        return COGVIDEO_OK;
bad:
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                   "'%s' is '%.40s'; a side from 1 to %d, or height and width such as 8x4, was expected", name, value,
                   most);
}

cogvideo_status cv_phenaki_sizes_read(cv_phenaki_sizes *out, const cogvideo_import_options *options,
                                      cogvideo_error *err)
{
    const char *frames = cv_import_value(options, "frames"), *fps = cv_import_value(options, "fps");
    cogvideo_status status;
    char *end;

    *out = (cv_phenaki_sizes){ 0 };
    CV_TRY(read_pair(options, "patch", 64, out->patch, err));
    CV_TRY(read_pair(options, "size", 4096, out->size, err));
    if (frames) {
        const char *at = frames;

        if (!read_whole(&at, 4096, &out->frames) || *at)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "'frames' is '%.40s'; a whole number from 1 to 4096 was expected", frames);
    }
    if (fps) {
        out->fps = strtod(fps, &end);
        if (end == fps || *end || !(out->fps >= 0.01 && out->fps <= 1000))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'fps' is '%.40s'; a number from 0.01 to 1000 was expected",
                           fps);
    }
done:
    return status;
}

/* What a config says of clips, and what nobody says. */
static cogvideo_status read_clip(const cv_json *description, int64_t *frames, double *fps, int64_t *context,
                                 cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_json *section;

    if (!cv_json_get(description, "clip"))
        return COGVIDEO_OK;
    CV_TRY(cv_json_object(description, "clip", &section, "the config", err));
    CV_TRY(cv_json_optional_int(section, "frames", 1, 4096, frames, "the config: clip", err));
    CV_TRY(cv_json_optional_double(section, "fps", 0.01, 1000, fps, "the config: clip", err));
    CV_TRY(cv_json_optional_int(section, "context", 1, 4096, context, "the config: clip", err));
done:
    return status;
}

/* Whether frames of this size and so many of them are whole patches, for which there are places (0 = any number). */
static cogvideo_status check_clip(const cv_phenaki_sizes *sizes, const cv_cvivit_config *c, int frames, int places,
                                  cogvideo_error *err)
{
    const int pt = c->patch_frames, plane = sizes->size[0] / c->patch_height * (sizes->size[1] / c->patch_width),
              T = 1 + (frames - 1) / pt;

    if ((frames - 1) % pt != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "'frames' is %d; 1 more than a multiple of %d was expected: %d or %d", frames, pt,
                       1 + (frames - 1) / pt * pt, 1 + ((frames - 1) / pt + 1) * pt);
    if (places > 0 && (int64_t)T * plane > places)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "%d frames of %dx%d are %lld codes, and the masked transformer has places for %d: make 'frames' or "
            "'size' smaller",
            frames, sizes->size[0], sizes->size[1], (long long)T * plane, places);
    return COGVIDEO_OK;
}

/* The length of a scene, where nobody tells it: as long as there are places for. */
static int longest(const cv_phenaki_sizes *sizes, const cv_cvivit_config *c, int places)
{
    const int T = places / (sizes->size[0] / c->patch_height * (sizes->size[1] / c->patch_width));

    return 1 + (T > 1 ? T - 1 : 0) * c->patch_frames;
}

/* Frames that a scene takes over: those of the paper, or as many as leave room for new ones. */
static int fitting_context(const cv_cvivit_config *c, int frames)
{
    int context = 1;

    while (context + c->patch_frames <= CONTEXT && context + c->patch_frames < frames)
        context += c->patch_frames;
    return context;
}

cogvideo_status cv_phenaki_sizes_put(const cv_phenaki_sizes *sizes, cv_json *description, int places,
                                     cogvideo_error *err)
{
    const cv_json *described = cv_json_get(description, "video_tokenizer");
    cv_cvivit_config c = { .patch_height = 1, .patch_width = 1, .patch_frames = 1 };
    int64_t frames = 0, context = 0;
    cogvideo_status status;
    double fps = 8;
    cv_json *section;

    if (sizes->size[0] == 0)
        return COGVIDEO_OK;
    if (described)
        CV_TRY(cv_cvivit_config_read(&c, described, "the config: video_tokenizer", err));
    else
        places = 0; /* nobody knows how many codes a frame has */
    if (sizes->size[0] % c.patch_height != 0 || sizes->size[1] % c.patch_width != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'size' is %dx%d, which is no multiple of the patch %dx%d",
                       sizes->size[0], sizes->size[1], c.patch_height, c.patch_width);
    CV_TRY(read_clip(description, &frames, &fps, &context, err));
    frames = sizes->frames > 0 ? sizes->frames : frames > 0 ? frames : longest(sizes, &c, places);
    CV_TRY(check_clip(sizes, &c, (int)frames, places, err));
    if (context == 0 || context >= frames)
        context = fitting_context(&c, (int)frames);
    section = cv_json_set_object(description, "clip");
    cv_json_set_int(section, "height", sizes->size[0]);
    cv_json_set_int(section, "width", sizes->size[1]);
    cv_json_set_int(section, "frames", frames);
    cv_json_set_double(section, "fps", sizes->fps > 0 ? sizes->fps : fps);
    cv_json_set_int(section, "context", context);
done:
    return status;
}
