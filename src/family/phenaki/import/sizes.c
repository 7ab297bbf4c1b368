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

    *out = (cv_phenaki_sizes){ .fps = 8 };
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

cogvideo_status cv_phenaki_sizes_put(const cv_phenaki_sizes *sizes, cv_json *description,
                                     const cv_cvivit_config *tokenizer, int places, cogvideo_error *err)
{
    const int pt = tokenizer ? tokenizer->patch_frames : 1, ph = tokenizer ? tokenizer->patch_height : 1,
              pw = tokenizer ? tokenizer->patch_width : 1;
    const int plane = sizes->size[0] / ph * (sizes->size[1] / pw);
    int frames = sizes->frames, context = 1, T;
    cv_json *section;

    if (sizes->size[0] == 0)
        return COGVIDEO_OK;
    if (sizes->size[0] % ph != 0 || sizes->size[1] % pw != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'size' is %dx%d, which is no multiple of the patch %dx%d",
                       sizes->size[0], sizes->size[1], ph, pw);
    if (frames == 0) { /* as many as there are places for */
        T = places > 0 ? places / plane : 1;
        frames = 1 + (T > 1 ? T - 1 : 0) * pt;
    }
    if ((frames - 1) % pt != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "'frames' is %d; 1 more than a multiple of %d was expected: %d or %d", frames, pt,
                       1 + (frames - 1) / pt * pt, 1 + ((frames - 1) / pt + 1) * pt);
    T = 1 + (frames - 1) / pt;
    if (tokenizer && places > 0 && (int64_t)T * plane > places)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "%d frames of %dx%d are %lld codes, and the masked transformer has places for %d: make 'frames' or "
            "'size' smaller",
            frames, sizes->size[0], sizes->size[1], (long long)T * plane, places);
    while (context + pt <= CONTEXT && context + pt < frames)
        context += pt;
    section = cv_json_set_object(description, "clip");
    cv_json_set_int(section, "height", sizes->size[0]);
    cv_json_set_int(section, "width", sizes->size[1]);
    cv_json_set_int(section, "frames", frames);
    cv_json_set_double(section, "fps", sizes->fps);
    cv_json_set_int(section, "context", context);
    return COGVIDEO_OK;
}
