#include "family/cogvideo/train/parts.h"

#include "family/cogvideo/train/recipes.h"

#include <stddef.h>
#include <string.h>

cv_colour_pairs cv_colour_pairs_of(const cogvideo_model *model)
{
    const cv_image_tokenizer_config *config = &cv_cogvideo_of(model)->description.image_tokenizer;

    return (cv_colour_pairs){ .codes = config->codes, .colours = config->colours, .count = config->colour_pairs };
}

/* The file that the model has of a part, or NULL. */
static const char *file_of(const cogvideo_model *model, cv_cogvideo_part part)
{
    const cv_description *d = &cv_cogvideo_of(model)->description;
    const char *const names[CV_COGVIDEO_PARTS] = { d->files.image_tokenizer, d->files.bare_trunk, d->files.bare_trunk,
                                                   d->files.own[0], d->files.own[1] };

    return names[part];
}

static bool is_there(const cogvideo_model *model, const cv_part *part)
{
    return file_of(model, (cv_cogvideo_part)(part - cv_cogvideo_parts)) != NULL;
}

static bool has_stages(const cogvideo_model *model)
{
    return file_of(model, CV_PART_STAGE1) || file_of(model, CV_PART_STAGE2);
}

/* A decoder alone changes no code; merging changes them before its first step. */
static const char *on_tokenizer(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    const cv_picture_recipe *own = (const cv_picture_recipe *)(const void *)recipe;
    const bool changes = !own->codebook.decoder_only || (begins && own->codebook.merge > 0);

    return changes && (has_stages(model) || file_of(model, CV_PART_IMAGE)) ? "a trunk that was trained on its codes"
                                                                           : NULL;
}

/* Whether a super-resolution network reads its trunk from this file, which a training would write anew. */
static bool is_shared(const cogvideo_model *model, const char *file)
{
    const cv_description *d = &cv_cogvideo_of(model)->description;

    return (d->files.upscaler && strcmp(d->files.upscaler_trunk, file) == 0) ||
           (d->files.refiner && strcmp(d->files.refiner_trunk, file) == 0);
}

static const char on_shared[] = "a super-resolution network that reads its trunk";

static const char *on_trunk(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    (void)recipe, (void)begins;
    return has_stages(model)                       ? "stages that were trained on its trunk"
           : is_shared(model, "trunk.safetensors") ? on_shared
                                                   : NULL;
}

/* A stage whose trunk learns as well writes it to a file of its own. */
static const char *on_stage(const cogvideo_model *model, const cv_recipe *recipe, const char *file)
{
    const cv_transformer_recipe *own = (const cv_transformer_recipe *)(const void *)recipe;

    return own->train_trunk && is_shared(model, file) ? on_shared : NULL;
}

static const char *on_stage1(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    (void)begins;
    return on_stage(model, recipe, "stage1.trunk.safetensors");
}

static const char *on_stage2(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    (void)begins;
    return on_stage(model, recipe, "stage2.trunk.safetensors");
}

static bool begins(const cv_tensor *tensor, const char *with)
{
    return strncmp(tensor->name, with, strlen(with)) == 0;
}

/* Convolutions, except those of pixels. */
static int tokenizer_matrices(const cv_tensor *tensor)
{
    return (begins(tensor, "enc.") || begins(tensor, "decs.")) && tensor->shape[1] > 3 && tensor->shape[0] > 3;
}

/* Those of the layers, a fused one of query, key and value as three. */
static int layer_matrices(const cv_tensor *tensor)
{
    if (!begins(tensor, "transformer.layers.") && !begins(tensor, "mixins.attention_plus."))
        return 0;
    return strstr(tensor->name, "query_key_value") ? 3 : 1;
}

#define OWN(field) offsetof(cv_picture_recipe, field)
static const cv_recipe_key picture_keys[] = {
    { "crop", CV_RECIPE_INT, OWN(crop), 8, 4096, 32 },
    { "busy", CV_RECIPE_DOUBLE, OWN(busy), 0, 1, 0 },
    { "plain_steps", CV_RECIPE_INT, OWN(codebook.plain_steps), 0, 1e9, 0 },
    { "l1", CV_RECIPE_DOUBLE, OWN(l1), 0, 1000, 1 },
    { "l2", CV_RECIPE_DOUBLE, OWN(l2), 0, 1000, 1 },
    { "commitment", CV_RECIPE_DOUBLE, OWN(commitment), 0, 1000, 0.25 },
    { "decay", CV_RECIPE_DOUBLE, OWN(codebook.decay), 0, 0.99999, 0.99 },
    { "dead", CV_RECIPE_DOUBLE, OWN(codebook.dead), 0, 1, 0.01 },
    { "start_batches", CV_RECIPE_INT, OWN(codebook.start_batches), 1, 4096, 8 },
    { "clusters", CV_RECIPE_INT, OWN(clusters), 0, 1 << 20, 0 },
    { "decoder_only", CV_RECIPE_BOOL, OWN(codebook.decoder_only), 0, 1, 0 },
    { "merge", CV_RECIPE_DOUBLE, OWN(codebook.merge), 0, 1000, 0 },
};
#undef OWN

/* Each part takes a stretch of the table: CogLM all up to "dropout", the trunk "norm_gain" to "text_dropout", stages
 * "dropout" to "base_share", stage 1 "frames" as well. */
#define OWN(field) offsetof(cv_transformer_recipe, field)
static const cv_recipe_key transformer_keys[] = {
    { "image_to_text", CV_RECIPE_DOUBLE, OWN(coglm.image_to_text), 0, 1, 0.3 },
    { "text", CV_RECIPE_DOUBLE, OWN(coglm.text), 0, 1, 0 },
    { "completion", CV_RECIPE_DOUBLE, OWN(coglm.completion), 0, 1, 0 },
    { "hole_share", CV_RECIPE_DOUBLE, OWN(coglm.hole_share), 0, 1, 0.8 },
    { "hole_min", CV_RECIPE_INT, OWN(coglm.hole_min), 1, 127, 4 },
    { "hole_max", CV_RECIPE_INT, OWN(coglm.hole_max), 1, 127, 4 },
    { "span_share", CV_RECIPE_DOUBLE, OWN(coglm.span_share), 0, 0.5, 0.15 },
    { "span_length", CV_RECIPE_DOUBLE, OWN(coglm.span_length), 0.5, 100, 3 },
    { "english_end", CV_RECIPE_INT, OWN(coglm.english_end), 0, 1 << 24, 0 },
    { "norm_gain", CV_RECIPE_DOUBLE, OWN(norm_gain), 1e-6, 10, 1 },
    { "position_scale", CV_RECIPE_DOUBLE, OWN(position_scale), 0, 100, 0.05 },
    { "dropout", CV_RECIPE_DOUBLE, OWN(dropout), 0, 0.9, 0 },
    { "text_dropout", CV_RECIPE_DOUBLE, OWN(text_dropout), 0, 1, 0 },
    { "train_trunk", CV_RECIPE_BOOL, OWN(train_trunk), 0, 1, 0 },
    { "time_scale", CV_RECIPE_DOUBLE, OWN(time_scale), 0, 100, 0.02 },
    { "base_share", CV_RECIPE_DOUBLE, OWN(base_share), 0.001, 0.999, 0.5 },
    { "frames", CV_RECIPE_INT, OWN(frames), 0, 64, 0 },
};
#undef OWN

#define TRANSFORMER(name, first, count, dependents)                                             \
    {                                                                                           \
        name, sizeof(cv_transformer_recipe), transformer_keys + (first), count, layer_matrices, \
            cv_transformer_learner_open, is_there, dependents                                   \
    }
const cv_part cv_cogvideo_parts[CV_COGVIDEO_PARTS] = {
    [CV_PART_IMAGE_TOKENIZER] = { "image-tokenizer", sizeof(cv_picture_recipe), picture_keys,
                                  sizeof picture_keys / sizeof *picture_keys, tokenizer_matrices,
                                  cv_picture_learner_open, is_there, on_tokenizer },
    [CV_PART_IMAGE] = TRANSFORMER("image", 9, 4, on_trunk),
    [CV_PART_COGLM] = TRANSFORMER("coglm", 0, 12, on_trunk),
    [CV_PART_STAGE1] = TRANSFORMER("stage1", 11, 6, on_stage1),
    [CV_PART_STAGE2] = TRANSFORMER("stage2", 11, 5, on_stage2),
};
