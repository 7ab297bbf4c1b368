#include "family/metrics/train/parts.h"

#include "family/metrics/model/model.h"
#include "family/metrics/train/recipes.h"

#include <stddef.h>

static bool i3d_is_there(const cogvideo_model *model, const cv_part *part)
{
    (void)part;
    return cv_metrics_of(model)->parts[CV_METRICS_I3D].path != NULL;
}

static bool clip_is_there(const cogvideo_model *model, const cv_part *part)
{
    (void)part;
    return cv_metrics_of(model)->parts[CV_METRICS_CLIP].path != NULL;
}

static const char *on_i3d(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    (void)recipe, (void)begins;
    return clip_is_there(model, NULL) ? "a CLIP that was trained on its features" : NULL;
}

#define OWN(field) offsetof(cv_clip_recipe, field)
static const cv_recipe_key clip_keys[] = {
    { "width", CV_RECIPE_INT, OWN(width), 8, 4096, 96 }, { "heads", CV_RECIPE_INT, OWN(heads), 1, 64, 3 },
    { "blocks", CV_RECIPE_INT, OWN(blocks), 1, 64, 2 },  { "context", CV_RECIPE_INT, OWN(context), 2, 4096, 24 },
    { "embed", CV_RECIPE_INT, OWN(embed), 1, 4096, 64 },
};
#undef OWN

const cv_part cv_metrics_parts[CV_TRAINED_PARTS] = {
    [CV_TRAINED_I3D] = { .name = "metric-i3d",
                         .open = cv_i3d_learner_open,
                         .is_there = i3d_is_there,
                         .dependents = on_i3d },
    [CV_TRAINED_CLIP] = { .name = "metric-clip",
                          .recipe_size = sizeof(cv_clip_recipe),
                          .keys = clip_keys,
                          .key_count = sizeof clip_keys / sizeof *clip_keys,
                          .open = cv_clip_learner_open,
                          .is_there = clip_is_there },
};
