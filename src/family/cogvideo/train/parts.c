#include "family/cogvideo/train/parts.h"

static const cv_description *description_of(const cogvideo_model *model)
{
    return &cv_cogvideo_of(model)->description;
}

static bool has_stages(const cogvideo_model *model)
{
    return description_of(model)->files.own[0] || description_of(model)->files.own[1];
}

static bool has_tokenizer(const cogvideo_model *model)
{
    return description_of(model)->files.image_tokenizer != NULL;
}

static bool has_trunk(const cogvideo_model *model)
{
    return description_of(model)->files.bare_trunk != NULL;
}

static bool has_stage1(const cogvideo_model *model)
{
    return description_of(model)->files.own[0] != NULL;
}

static bool has_stage2(const cogvideo_model *model)
{
    return description_of(model)->files.own[1] != NULL;
}

/* A decoder alone changes no code; merging changes them before its first step. */
static const char *on_tokenizer(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    const bool changes = !recipe->decoder_only || (begins && recipe->merge > 0);

    return changes && (has_stages(model) || has_trunk(model)) ? "a trunk that was trained on its codes" : NULL;
}

static const char *on_trunk(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    (void)recipe, (void)begins;
    return has_stages(model) ? "stages that were trained on its trunk" : NULL;
}

static const char *on_stage(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    (void)model, (void)recipe, (void)begins;
    return NULL;
}

const cv_part cv_cogvideo_parts[CV_COGVIDEO_PARTS] = {
    { "image-tokenizer", cv_picture_learner_open, has_tokenizer, on_tokenizer },
    { "image", cv_transformer_learner_open, has_trunk, on_trunk },
    { "stage1", cv_transformer_learner_open, has_stage1, on_stage },
    { "stage2", cv_transformer_learner_open, has_stage2, on_stage },
};
