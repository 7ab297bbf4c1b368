#include "family/cogvideo/model/styles.h"

#include "sample/fields.h"

#include <stdio.h>
#include <string.h>

static cogvideo_status read_style(cv_style *style, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    char where[800];

    CV_TRY(cv_json_string(section, "suffix", &style->suffix, origin, err));
    for (int step = 0; step < CV_STEP_COUNT; step++) {
        const char *name = cv_step_name((cv_step_kind)step);
        cv_json *own;

        if (!cv_json_get(section, name))
            continue;
        snprintf(where, sizeof where, "%.700s.%s", origin, name);
        CV_TRY(cv_json_object(section, name, &own, where, err));
        CV_TRY(cv_sampling_read(&style->sampling[step], own, cv_step_ways((cv_step_kind)step), where, err));
    }
done:
    return status;
}

/* A style more in the list of names, as far as there is room. */
static void add_name(cv_styles *styles, const char *name)
{
    const size_t length = strlen(styles->list);

    snprintf(styles->list + length, sizeof styles->list - length, "%s%s", length > 0 ? ", " : "", name);
}

cogvideo_status cv_styles_read(cv_styles *out, const cv_json *section, const cogvideo_sampling sampling[CV_STEP_COUNT],
                               const char *origin, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char where[700];

    *out = (cv_styles){ .count = 0 };
    for (const cv_json *item = cv_json_first(section); item; item = cv_json_next(item)) {
        cv_style *style = &out->style[out->count];

        if (out->count == CV_MAX_STYLES)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has more than %d styles", origin, CV_MAX_STYLES);
        style->name = cv_json_key(item);
        memcpy(style->sampling, sampling, sizeof style->sampling);
        snprintf(where, sizeof where, "%.500s.%.100s", origin, style->name);
        CV_TRY(read_style(style, item, where, err));
        add_name(out, style->name);
        out->count++;
    }
done:
    return status;
}

cogvideo_status cv_style_find(const cv_styles *styles, const char *name, const cv_style **out, cogvideo_error *err)
{
    for (int i = 0; i < styles->count; i++)
        if (strcmp(styles->style[i].name, name) == 0) {
            *out = &styles->style[i];
            return COGVIDEO_OK;
        }
    if (styles->count == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the model has no styles, and '%.40s' was asked for", name);
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the model has no style '%.40s': it has %s", name, styles->list);
}
