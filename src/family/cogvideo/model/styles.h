/* styles.h - ways to draw a picture that a model knows by name: what each adds to the prompt, and its rules of
 * sampling. CogView2's are those of its driver. */
#ifndef CV_FAMILY_COGVIDEO_MODEL_STYLES_H
#define CV_FAMILY_COGVIDEO_MODEL_STYLES_H

#include "family/cogvideo/model/steps.h"
#include "sample/sampler.h"

#include "base/json.h"

#define CV_MAX_STYLES 32

/* Strings point into the JSON. */
typedef struct cv_style {
    const char *name, *suffix;
    cogvideo_sampling sampling[CV_STEP_COUNT];
} cv_style;

typedef struct cv_styles {
    cv_style style[CV_MAX_STYLES];
    int count;
    char list[600]; /* their names, with commas */
} cv_styles;

/* The section "styles" of a description, whose rules of sampling hold where a style has none of its own. */
cogvideo_status cv_styles_read(cv_styles *out, const cv_json *section, const cogvideo_sampling sampling[CV_STEP_COUNT],
                               const char *origin, cogvideo_error *err);
/* An error that lists the styles where there is none of that name. */
cogvideo_status cv_style_find(const cv_styles *styles, const char *name, const cv_style **out, cogvideo_error *err);

#endif
