#include "family/phenaki/train/parts.h"

#include "family/phenaki/train/recipes.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *cv_phenaki_file_of(const cogvideo_model *model, const char *part)
{
    const cv_json *parts = cv_json_get(model->description, "parts");
    const cv_json *section = parts ? cv_json_get(parts, part) : NULL,
                  *file = section ? cv_json_get(section, "file") : NULL;

    return file ? cv_json_text(file) : NULL;
}

cogvideo_status cv_phenaki_section(const cogvideo_model *model, const char *name, cv_json **out, char *origin,
                                   cogvideo_error *err)
{
    snprintf(origin, 600, "%.500s/model.json: %.60s", model->directory, name);
    if (!cv_json_get(model->description, name))
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "%.500s/model.json: has no section '%s' with the sizes of the network: 'cogvideo import --config "
            "configs/phenaki-shapes-model.json' makes a model that has one",
            model->directory, name);
    return cv_json_object(model->description, name, out, origin, err);
}

static bool tokenizer_is_there(const cogvideo_model *model, const cv_part *part)
{
    (void)part;
    return cv_phenaki_file_of(model, "video_tokenizer") != NULL;
}

/* A decoder alone changes no code; merging changes them before its first step. */
static const char *on_tokenizer(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    const cv_video_recipe *own = (const cv_video_recipe *)(const void *)recipe;
    const bool changes = !own->codebook.decoder_only || (begins && own->codebook.merge > 0);

    return changes && cv_phenaki_file_of(model, "masked") ? "a masked transformer that was trained on its codes" : NULL;
}

static bool masked_is_there(const cogvideo_model *model, const cv_part *part)
{
    (void)part;
    return cv_phenaki_file_of(model, "masked") != NULL;
}

static bool critic_is_there(const cogvideo_model *model, const cv_part *part)
{
    (void)part;
    return cv_phenaki_file_of(model, "critic") != NULL;
}

static const char *on_masked(const cogvideo_model *model, const cv_recipe *recipe, bool begins)
{
    (void)recipe, (void)begins;
    return cv_phenaki_of(model)->critic ? "a critic that was trained on its draws" : NULL;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), size = strlen(end);

    return length >= size && strcmp(name + length - size, end) == 0;
}

/* Those of blocks: keys and values one by one, and so both halves of a gated layer. */
static int block_matrices(const cv_tensor *tensor)
{
    const char *name = tensor->name;

    if (tensor->rank != 2)
        return 0;
    if (strncmp(name, "encoder.block.", 14) == 0) /* of the text encoder */
        return !strstr(name, "relative_attention_bias");
    if (!strstr(name, "transformer.layers."))
        return 0;
    return ends_in(name, "to_kv.weight") || ends_in(name, ".3.1.weight") ? 2 : 1;
}

/* The same, and those from pixels to codes and back: all pixels of a plain patch are equal, so that AdamW, which moves
 * each weight by its rate, would move what becomes of them too far. */
static int tokenizer_matrices(const cv_tensor *tensor)
{
    const char *name = tensor->name;

    if (tensor->rank == 2 &&
        (strncmp(name, "to_p", 4) == 0 || strncmp(name, "vq.project_", 11) == 0 || ends_in(name, "net.1.0.weight")))
        return 1;
    return block_matrices(tensor);
}

#define OWN(field) offsetof(cv_video_recipe, field)
static const cv_recipe_key video_keys[] = {
    { "frames", CV_RECIPE_INT, OWN(frames), 0, 4096, 0 },
    { "pictures", CV_RECIPE_DOUBLE, OWN(pictures), 0, 1, 0 },
    { "plain_steps", CV_RECIPE_INT, OWN(codebook.plain_steps), 0, 1e9, 0 },
    { "commitment", CV_RECIPE_DOUBLE, OWN(commitment), 0, 1000, 0.25 },
    { "entropy", CV_RECIPE_DOUBLE, OWN(entropy), 0, 1000, 0.1 },
    { "decay", CV_RECIPE_DOUBLE, OWN(codebook.decay), 0, 0.99999, 0.98 },
    { "dead", CV_RECIPE_DOUBLE, OWN(codebook.dead), 0, 1, 0.01 },
    { "start_batches", CV_RECIPE_INT, OWN(codebook.start_batches), 1, 4096, 8 },
    { "decoder_only", CV_RECIPE_BOOL, OWN(codebook.decoder_only), 0, 1, 0 },
    { "merge", CV_RECIPE_DOUBLE, OWN(codebook.merge), 0, 2, 0 },
};
#undef OWN

/* A critic takes the first five. */
#define OWN(field) offsetof(cv_masked_recipe, field)
static const cv_recipe_key masked_keys[] = {
    { "text_dropout", CV_RECIPE_DOUBLE, OWN(text_dropout), 0, 1, 0 },
    { "given", CV_RECIPE_DOUBLE, OWN(given), 0, 1, 0 },
    { "embeddings", CV_RECIPE_DOUBLE, OWN(embeddings), 0, 100, 0.02 },
    { "pictures", CV_RECIPE_DOUBLE, OWN(pictures), 0, 1, 0 },
    { "picture_steps", CV_RECIPE_INT, OWN(picture_steps), 0, 1e9, 0 },
    { "embedding_gradient", CV_RECIPE_DOUBLE, OWN(embedding_gradient), 0, 1, 1 },
    { "train_text", CV_RECIPE_BOOL, OWN(train_text), 0, 1, 0 },
};
#undef OWN

const cv_part cv_phenaki_parts[CV_PHENAKI_PARTS] = {
    [CV_PHENAKI_VIDEO_TOKENIZER] = { .name = "video-tokenizer",
                                     .recipe_size = sizeof(cv_video_recipe),
                                     .keys = video_keys,
                                     .key_count = sizeof video_keys / sizeof *video_keys,
                                     .matrices = tokenizer_matrices,
                                     .open = cv_video_learner_open,
                                     .is_there = tokenizer_is_there,
                                     .dependents = on_tokenizer },
    [CV_PHENAKI_MASKED] = { .name = "masked",
                            .recipe_size = sizeof(cv_masked_recipe),
                            .keys = masked_keys,
                            .key_count = sizeof masked_keys / sizeof *masked_keys,
                            .matrices = block_matrices,
                            .open = cv_masked_part_open,
                            .is_there = masked_is_there,
                            .dependents = on_masked },
    [CV_PHENAKI_CRITIC] = { .name = "critic",
                            .recipe_size = sizeof(cv_masked_recipe),
                            .keys = masked_keys,
                            .key_count = 5,
                            .matrices = block_matrices,
                            .open = cv_critic_part_open,
                            .is_there = critic_is_there },
};
