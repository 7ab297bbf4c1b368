/* cvivit_config.c - the section "video_tokenizer" of model.json, and the sizes that a file's shapes tell. */
#include "family/phenaki/network/cvivit.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Bounds that no C-ViViT comes near; products of sizes below them fit an int. */
#define MOST_WIDTH 8192
#define MOST_CODES (1 << 20)
#define MOST_LAYERS 64

static const char *const quantizers[] = { [CV_QUANTIZER_LFQ] = "lfq", [CV_QUANTIZER_COSINE] = "cosine" };
static const char *const norms[] = { "none", "dual" };
static const char *const pegs[] = { [CV_PEG_NONE] = "none", [CV_PEG_TRUE] = "true", [CV_PEG_SCRAMBLED] = "scrambled" };

#define AT(field) offsetof(cv_cvivit_config, field)
static const struct {
    const char *key;
    size_t offset; /* of an int */
    int most;
} sizes[] = {
    { "width", AT(width), MOST_WIDTH },
    { "heads", AT(heads), 256 },
    { "head_width", AT(head_width), 1024 },
    { "spatial_layers", AT(spatial_layers), MOST_LAYERS },
    { "temporal_layers", AT(temporal_layers), MOST_LAYERS },
    { "patch_height", AT(patch_height), 64 },
    { "patch_width", AT(patch_width), 64 },
    { "patch_frames", AT(patch_frames), 64 },
    { "codes", AT(codes), MOST_CODES },
    { "code_width", AT(code_width), MOST_WIDTH },
};
static const struct {
    const char *key;
    size_t offset; /* of a bool */
} flags[] = {
    { "projected", AT(projected) },
    { "peg_causal", AT(peg_causal) },
    { "causal", AT(causal) },
    { "cosine", AT(cosine) },
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Which of the words stands there; a missing member leaves *out unchanged. */
static cogvideo_status read_word(const cv_json *section, const char *key, const char *const *words, int count, int *out,
                                 const char *origin, cogvideo_error *err)
{
    const char *word = NULL;
    cogvideo_status status;

    CV_TRY(cv_json_optional_string(section, key, &word, origin, err));
    if (!word)
        return COGVIDEO_OK;
    for (int i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = i;
            return COGVIDEO_OK;
        }
    return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' is '%.40s'; '%s'%s%s%s or '%s' was expected", origin, key,
                   word, words[0], count > 2 ? ", '" : "", count > 2 ? words[1] : "", count > 2 ? "'" : "",
                   words[count - 1]);
done:
    return status;
}

/* Sizes that do not go together. */
static cogvideo_status check(const cv_cvivit_config *c, const char *origin, cogvideo_error *err)
{
    int bits = 0;

    while (bits < 20 && 1 << bits < c->codes)
        bits++;
    if (c->quantizer == CV_QUANTIZER_LFQ && (1 << bits != c->codes || bits != c->code_width))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: the quantizer 'lfq' has a bit for each of its %d numbers, so there are 2^%d codes, not %d",
                       origin, c->code_width, c->code_width, c->codes);
    if (!c->projected && c->code_width != c->width)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: without a projection 'code_width' is the width, %d, not %d",
                       origin, c->width, c->code_width);
    if ((long long)c->heads * c->head_width > MOST_WIDTH)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: %d heads of %d are more than %d numbers", origin, c->heads,
                       c->head_width, MOST_WIDTH);
    return COGVIDEO_OK;
}

/* Switches of a network of our own: what a description leaves out. */
static cv_cvivit_config own(void)
{
    return (cv_cvivit_config){ .quantizer = CV_QUANTIZER_COSINE,
                               .projected = true,
                               .temporal_peg = CV_PEG_TRUE,
                               .peg_causal = true,
                               .causal = true,
                               .cosine = true,
                               .std = { 1, 1, 1 } };
}

cogvideo_status cv_cvivit_config_read(cv_cvivit_config *out, const cv_json *section, const char *origin,
                                      cogvideo_error *err)
{
    const char *keys[COUNT(sizes) + COUNT(flags) + 7] = { "quantizer",    "patch_norm", "spatial_peg",
                                                          "temporal_peg", "mean",       "std" };
    cv_cvivit_config config = own();
    int quantizer = (int)config.quantizer, norm = config.patch_norm, space = (int)config.spatial_peg,
        time = (int)config.temporal_peg;
    cogvideo_status status;
    int64_t value;

    for (size_t i = 0; i < COUNT(sizes); i++)
        keys[6 + i] = sizes[i].key;
    for (size_t i = 0; i < COUNT(flags); i++)
        keys[6 + COUNT(sizes) + i] = flags[i].key;
    CV_TRY(cv_json_check_keys(section, keys, origin, err));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        CV_TRY(cv_json_int(section, sizes[i].key, 1, sizes[i].most, &value, origin, err));
        *(int *)(void *)((char *)&config + sizes[i].offset) = (int)value;
    }
    for (size_t i = 0; i < COUNT(flags); i++)
        CV_TRY(cv_json_optional_bool(section, flags[i].key, (bool *)((char *)&config + flags[i].offset), origin, err));
    CV_TRY(read_word(section, "quantizer", quantizers, COUNT(quantizers), &quantizer, origin, err));
    CV_TRY(read_word(section, "patch_norm", norms, COUNT(norms), &norm, origin, err));
    CV_TRY(read_word(section, "spatial_peg", pegs, COUNT(pegs), &space, origin, err));
    CV_TRY(read_word(section, "temporal_peg", pegs, COUNT(pegs), &time, origin, err));
    config.quantizer = (cv_quantizer)quantizer;
    config.patch_norm = norm != 0;
    config.spatial_peg = (cv_peg)space;
    config.temporal_peg = (cv_peg)time;
    if (cv_json_get(section, "mean"))
        CV_TRY(cv_json_rgb(section, "mean", -100, 100, config.mean, origin, err));
    if (cv_json_get(section, "std"))
        CV_TRY(cv_json_rgb(section, "std", 1e-3, 100, config.std, origin, err));
    CV_TRY(check(&config, origin, err));
    *out = config;
done:
    return status;
}

static void put_rgb(cv_json *section, const char *key, const float rgb[3])
{
    cv_json *array = cv_json_set_array(section, key);

    for (int i = 0; i < 3; i++)
        cv_json_add_double(array, (double)rgb[i]);
}

void cv_cvivit_config_put(cv_json *section, const cv_cvivit_config *config)
{
    for (size_t i = 0; i < COUNT(sizes); i++)
        cv_json_set_int(section, sizes[i].key, *(const int *)(const void *)((const char *)config + sizes[i].offset));
    cv_json_set_string(section, "quantizer", quantizers[config->quantizer]);
    cv_json_set_string(section, "patch_norm", norms[config->patch_norm]);
    cv_json_set_string(section, "spatial_peg", pegs[config->spatial_peg]);
    cv_json_set_string(section, "temporal_peg", pegs[config->temporal_peg]);
    for (size_t i = 0; i < COUNT(flags); i++)
        cv_json_set_bool(section, flags[i].key, *(const bool *)((const char *)config + flags[i].offset));
    put_rgb(section, "mean", config->mean);
    put_rgb(section, "std", config->std);
}

/* --- from a file's shapes ----------------------------------------------------------------------------------------- */

/* Layers of a stack of the encoder; those of the decoder are as many. */
static cogvideo_status measure_layers(int *layers, const cv_store *store, const char *stack, cogvideo_error *err)
{
    char name[96];

    *layers = 0;
    do
        snprintf(name, sizeof name, "%s_transformer.layers.%d.1.to_q.weight", stack, *layers);
    while (cv_store_find(store, name) && (*layers)++ < MOST_LAYERS);
    if (*layers < 1 || *layers > MOST_LAYERS)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has %d layers '%s_transformer.layers'; 1 to %d were expected",
                       cv_store_path(store), *layers, stack, MOST_LAYERS);
    return COGVIDEO_OK;
}

/* The side of a square of so many pixels in three channels; 0 where there is none. */
static int side_of(int numbers)
{
    int side = 1;

    while (3 * side * side < numbers)
        side++;
    return 3 * side * side == numbers ? side : 0;
}

static cogvideo_status measure_patches(cv_cvivit_config *c, const cv_store *store, cogvideo_error *err)
{
    int first, others;
    cogvideo_status status;

    CV_TRY(cv_store_measure(store, "to_pixels_first_frame.0.weight", 2, 0, 3 << 12, &first, err));
    CV_TRY(cv_store_measure(store, "to_pixels.0.weight", 2, 0, 3 << 18, &others, err));
    if (c->patch_height == 0 && c->patch_width == 0)
        c->patch_height = c->patch_width = side_of(first);
    if (3 * c->patch_height * c->patch_width != first)
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "%s: a patch of the first frame has %d numbers, which are no square of pixels nor the patch that "
            "was given: say its height and width (--patch 8x4)",
            cv_store_path(store), first);
    if (others % first != 0 || others / first > 64)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: patches of %d and of %d numbers: the second must be 1 to 64 of the first",
                       cv_store_path(store), first, others);
    c->patch_frames = others / first;
done:
    return status;
}

static cogvideo_status measure_quantizer(cv_cvivit_config *c, const cv_store *store, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    c->projected = cv_store_find(store, "vq.project_in.weight") != NULL;
    c->quantizer = cv_store_find(store, "vq._codebook.embed") ? CV_QUANTIZER_COSINE : CV_QUANTIZER_LFQ;
    c->code_width = c->width;
    if (c->quantizer == CV_QUANTIZER_COSINE) {
        CV_TRY(cv_store_measure(store, "vq._codebook.embed", 3, 1, MOST_CODES, &c->codes, err));
        CV_TRY(cv_store_measure(store, "vq._codebook.embed", 3, 2, MOST_WIDTH, &c->code_width, err));
        return COGVIDEO_OK;
    }
    if (c->projected)
        CV_TRY(cv_store_measure(store, "vq.project_in.weight", 2, 0, 20, &c->code_width, err));
    if (c->code_width > 20)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: a code of %d bits; at most 20 were expected",
                       cv_store_path(store), c->code_width);
    c->codes = 1 << c->code_width;
done:
    return status;
}

cogvideo_status cv_cvivit_measure(cv_cvivit_config *out, const cv_store *store, cogvideo_error *err)
{
    cv_cvivit_config c = { .std = { 1, 1, 1 } };
    cogvideo_status status;
    int inner;

    c.patch_height = out->patch_height;
    c.patch_width = out->patch_width;
    c.patch_norm = cv_store_find(store, "to_patch_emb.3.weight") != NULL;
    CV_TRY(measure_patches(&c, store, err));
    CV_TRY(cv_store_measure(store, "to_pixels.0.weight", 2, 1, MOST_WIDTH, &c.width, err));
    CV_TRY(cv_store_measure(store, "spatial_rel_pos_bias.net.2.weight", 2, 0, 256, &c.heads, err));
    CV_TRY(cv_store_measure(store, "enc_spatial_transformer.layers.0.1.to_q.weight", 2, 0, MOST_WIDTH, &inner, err));
    if (inner % c.heads != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: %d numbers of queries are no multiple of %d heads",
                       cv_store_path(store), inner, c.heads);
    c.head_width = inner / c.heads;
    CV_TRY(measure_layers(&c.spatial_layers, store, "enc_spatial", err));
    CV_TRY(measure_layers(&c.temporal_layers, store, "enc_temporal", err));
    c.cosine = cv_store_find(store, "enc_spatial_transformer.layers.0.1.q_scale") != NULL;
    c.spatial_peg =
        cv_store_find(store, "enc_spatial_transformer.layers.0.0.dsconv.weight") ? CV_PEG_TRUE : CV_PEG_NONE;
    c.temporal_peg =
        cv_store_find(store, "enc_temporal_transformer.layers.0.0.dsconv.weight") ? CV_PEG_SCRAMBLED : CV_PEG_NONE;
    c.peg_causal = true;
    c.causal = c.spatial_peg == CV_PEG_NONE; /* lucidrains took both out in one version, 0.5.0 */
    CV_TRY(measure_quantizer(&c, store, err));
    CV_TRY(check(&c, cv_store_path(store), err));
    *out = c;
done:
    return status;
}
