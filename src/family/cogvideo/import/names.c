#include "family/cogvideo/import/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 1024, MAX_LEVELS = 16, MAX_DECODERS = 16 };

/* A list being made. The first failure stays, so that a chain of adds needs one check at its end. */
typedef struct maker {
    cv_names names;
    cogvideo_status status;
    cogvideo_error *err;
} maker;

static void add(maker *m, cv_home home, int rank, const size_t *shape, const char *name, const char *tail)
{
    cv_names *names = &m->names;
    cv_expected *item;

    if (m->status != COGVIDEO_OK)
        return;
    if (names->count == names->capacity) {
        size_t wider = names->capacity ? 2 * names->capacity : 256;

        item = cv_realloc(names->items, names->count, wider, sizeof *item, m->err);
        if (!item) {
            m->status = COGVIDEO_ERROR_MEMORY;
            return;
        }
        names->items = item;
        names->capacity = wider;
    }
    item = &names->items[names->count++];
    item->home = home;
    item->rank = rank;
    for (int i = 0; i < rank; i++)
        item->shape[i] = shape[i];
    snprintf(item->name, sizeof item->name, "%s%s", name, tail);
}

static void matrix(maker *m, cv_home home, size_t rows, size_t columns, const char *name)
{
    add(m, home, 2, (size_t[]){ rows, columns }, name, ".weight");
}

static void linear(maker *m, cv_home home, size_t out, size_t in, const char *name)
{
    matrix(m, home, out, in, name);
    add(m, home, 1, &out, name, ".bias");
}

static void norm(maker *m, cv_home home, size_t width, const char *name)
{
    add(m, home, 1, &width, name, ".weight");
    add(m, home, 1, &width, name, ".bias");
}

static void convolution(maker *m, size_t out, size_t in, size_t side, const char *name)
{
    add(m, CV_HOME_OWN, 4, (size_t[]){ out, in, side, side }, name, ".weight");
    add(m, CV_HOME_OWN, 1, &out, name, ".bias");
}

/* A name made from a format, returned by value so that it may stand inside a call. */
typedef struct label {
    char text[96];
} label;

static label labelled(const char *format, ...) __attribute__((format(printf, 1, 2)));
static label labelled(const char *format, ...)
{
    label result;
    va_list args;

    va_start(args, format);
    vsnprintf(result.text, sizeof result.text, format, args);
    va_end(args);
    return result;
}

static cogvideo_status finish(maker *m, cv_names *out)
{
    if (m->status == COGVIDEO_OK)
        *out = m->names;
    else
        cv_names_free(&m->names);
    return m->status;
}

/* --- transformers --------------------------------------------------------------------------------------------- */

static cogvideo_status shape_of(const cv_torch *torch, const char *name, int rank, const size_t **shape,
                                cogvideo_error *err)
{
    const cv_source_tensor *tensor = cv_torch_find(torch, name);
    cogvideo_status status;

    if (!tensor)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' is missing: this is a checkpoint of another network",
                       cv_torch_path(torch), name);
    CV_TRY(cv_torch_readable(torch, tensor, err));
    if (tensor->rank != rank)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has %d dimensions, %d were expected",
                       cv_torch_path(torch), name, tensor->rank, rank);
    for (int i = 0; i < rank; i++)
        if (tensor->shape[i] > INT32_MAX / 4)
            return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' is larger than any network's",
                           cv_torch_path(torch), name);
    *shape = tensor->shape;
done:
    return status;
}

cogvideo_status cv_names_measure(cv_transformer_sizes *out, cv_transformer_kind kind, cv_torch *torch,
                                 cogvideo_error *err)
{
    cogvideo_status status;
    cv_transformer_sizes sizes = { 0 };
    const size_t *shape = NULL;

    CV_TRY(cv_torch_unwrap(torch, "transformer.word_embeddings.weight", err));
    CV_TRY(shape_of(torch, "transformer.word_embeddings.weight", 2, &shape, err));
    sizes.vocabulary = shape[0];
    sizes.hidden = shape[1];
    CV_TRY(shape_of(torch, "transformer.position_embeddings.weight", 2, &shape, err));
    sizes.positions = shape[0];
    if (kind != CV_TRANSFORMER_TRUNK) {
        CV_TRY(shape_of(torch, "mixins.extra_position_embedding.position_embeddings.weight", 2, &shape, err));
        sizes.extra_positions = shape[0];
    }
    CV_TRY(shape_of(torch, "transformer.layers.0.mlp.dense_h_to_4h.weight", 2, &shape, err));
    sizes.mlp = shape[0];
    while (sizes.layers <= MAX_LAYERS &&
           cv_torch_find(torch, labelled("transformer.layers.%zu.input_layernorm.weight", sizes.layers).text))
        sizes.layers++;
    if (sizes.layers < 1 || sizes.layers > MAX_LAYERS)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has %zu layers, 1 to %d are allowed", cv_torch_path(torch),
                       sizes.layers, MAX_LAYERS);
    *out = sizes;
done:
    return status;
}

static void layer(maker *m, const cv_transformer_sizes *sizes, size_t n)
{
    static const char *const norms[] = { "input_layernorm", "post_attention_layernorm", "third_layernorm",
                                         "fourth_layernorm" };
    size_t width = sizes->hidden;

    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        norm(m, CV_HOME_SHARED, width, labelled("transformer.layers.%zu.%s", n, norms[i]).text);
    linear(m, CV_HOME_SHARED, 3 * width, width, labelled("transformer.layers.%zu.attention.query_key_value", n).text);
    linear(m, CV_HOME_SHARED, width, width, labelled("transformer.layers.%zu.attention.dense", n).text);
    linear(m, CV_HOME_SHARED, sizes->mlp, width, labelled("transformer.layers.%zu.mlp.dense_h_to_4h", n).text);
    linear(m, CV_HOME_SHARED, width, sizes->mlp, labelled("transformer.layers.%zu.mlp.dense_4h_to_h", n).text);
}

cogvideo_status cv_names_transformer(cv_names *out, const cv_transformer_sizes *sizes, cv_transformer_kind kind,
                                     cogvideo_error *err)
{
    const cv_home plus = kind == CV_TRANSFORMER_REFINER ? CV_HOME_SKIP : CV_HOME_OWN;
    maker m = { .err = err };
    size_t width = sizes->hidden;

    matrix(&m, CV_HOME_SHARED, sizes->vocabulary, width, "transformer.word_embeddings");
    matrix(&m, CV_HOME_SHARED, sizes->positions, width, "transformer.position_embeddings");
    for (size_t n = 0; n < sizes->layers; n++)
        layer(&m, sizes, n);
    norm(&m, CV_HOME_SHARED, width, "transformer.final_layernorm");
    if (kind == CV_TRANSFORMER_TRUNK)
        return finish(&m, out);
    matrix(&m, CV_HOME_OWN, sizes->extra_positions, width, "mixins.extra_position_embedding.position_embeddings");
    for (size_t n = 0; n < sizes->layers; n++) {
        linear(&m, plus, 3 * width, width, labelled("mixins.attention_plus.query_key_value.%zu", n).text);
        linear(&m, plus, width, width, labelled("mixins.attention_plus.dense.%zu", n).text);
        if (kind != CV_TRANSFORMER_UPSCALER)
            add(&m, plus, 1, &width, labelled("mixins.attention_plus.attn_distribution.%zu", n).text, "");
    }
    return finish(&m, out);
}

/* --- image tokenizer ------------------------------------------------------------------------------------------ */

cogvideo_status cv_names_measure_tokenizer(cv_tokenizer_sizes *out, cv_torch *torch, cogvideo_error *err)
{
    cogvideo_status status;
    cv_tokenizer_sizes sizes;
    const size_t *shape = NULL;

    CV_TRY(cv_torch_unwrap(torch, "enc.conv_in.weight", err));
    CV_TRY(shape_of(torch, "enc.conv_in.weight", 4, &shape, err));
    sizes.channels = shape[0];
    CV_TRY(shape_of(torch, "quantize.embed.weight", 2, &shape, err));
    sizes.codes = shape[0];
    sizes.latent = shape[1];
    *out = sizes;
done:
    return status;
}

static void resnet_block(maker *m, size_t out, size_t in, label name)
{
    norm(m, CV_HOME_OWN, in, labelled("%.70s.norm1", name.text).text);
    convolution(m, out, in, 3, labelled("%.70s.conv1", name.text).text);
    norm(m, CV_HOME_OWN, out, labelled("%.70s.norm2", name.text).text);
    convolution(m, out, out, 3, labelled("%.70s.conv2", name.text).text);
    if (in != out)
        convolution(m, out, in, 1, labelled("%.70s.nin_shortcut", name.text).text);
}

static void attention_block(maker *m, size_t width, label name)
{
    static const char *const projections[] = { "q", "k", "v", "proj_out" };

    norm(m, CV_HOME_OWN, width, labelled("%.70s.norm", name.text).text);
    for (int i = 0; i < 4; i++)
        convolution(m, width, width, 1, labelled("%.70s.%s", name.text, projections[i]).text);
}

static void middle(maker *m, size_t width, const char *prefix)
{
    resnet_block(m, width, width, labelled("%s.mid.block_1", prefix));
    attention_block(m, width, labelled("%s.mid.attn_1", prefix));
    resnet_block(m, width, width, labelled("%s.mid.block_2", prefix));
}

static void encoder(maker *m, const cv_tokenizer_sizes *sizes, const int32_t *widths, size_t levels)
{
    size_t in = sizes->channels;

    convolution(m, in, 3, 3, "enc.conv_in");
    for (size_t l = 0; l < levels; l++) {
        size_t width = sizes->channels * (size_t)widths[l];

        resnet_block(m, width, in, labelled("enc.down.%zu.block.0", l));
        resnet_block(m, width, width, labelled("enc.down.%zu.block.1", l));
        if (l + 1 < levels)
            convolution(m, width, width, 3, labelled("enc.down.%zu.downsample.conv", l).text);
        in = width;
    }
    middle(m, in, "enc");
    norm(m, CV_HOME_OWN, in, "enc.norm_out");
    convolution(m, sizes->latent, in, 3, "enc.conv_out");
}

/* Level 0 is the finest; the blocks run from the last level to it. `attention` is -1 where no level has one. */
static void decoder(maker *m, const cv_tokenizer_sizes *sizes, size_t d, const int32_t *widths, size_t levels,
                    int64_t attention)
{
    label prefix = labelled("decs.%zu", d);
    size_t in = sizes->channels * (size_t)widths[levels - 1];

    convolution(m, in, sizes->latent, 3, labelled("decs.%zu.conv_in", d).text);
    middle(m, in, prefix.text);
    for (size_t l = levels; l-- > 0;) {
        size_t width = sizes->channels * (size_t)widths[l];

        resnet_block(m, width, in, labelled("decs.%zu.up.%zu.block.0", d, l));
        if (attention == (int64_t)l)
            attention_block(m, width, labelled("decs.%zu.up.%zu.attn.0", d, l));
        if (l > 0)
            convolution(m, width, width, 3, labelled("decs.%zu.up.%zu.upsample.conv", d, l).text);
        in = width;
    }
    norm(m, CV_HOME_OWN, in, labelled("decs.%zu.norm_out", d).text);
    convolution(m, 3, in, 3, labelled("decs.%zu.conv_out", d).text);
}

static cogvideo_status read_widths(const cv_json *section, const char *key, int32_t **widths, size_t *levels,
                                   const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *array;
    char what[300];

    snprintf(what, sizeof what, "%.200s: '%s'", origin, key);
    CV_TRY(cv_json_array(section, key, &array, origin, err));
    CV_TRY(cv_json_int_array(array, 1, 1024, widths, levels, what, err));
    if (*levels < 1 || *levels > MAX_LEVELS) {
        cv_free(*widths);
        *widths = NULL;
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' has %zu levels, 1 to %d are allowed", origin, key, *levels,
                       MAX_LEVELS);
    }
done:
    return status;
}

static cogvideo_status add_decoder(maker *m, const cv_tokenizer_sizes *sizes, size_t d, const cv_json *section,
                                   const char *origin)
{
    cogvideo_status status;
    int32_t *widths = NULL;
    int64_t attention = -1;
    size_t levels;

    CV_TRY(cv_json_optional_int(section, "attention", 0, MAX_LEVELS, &attention, origin, m->err));
    CV_TRY(read_widths(section, "widths", &widths, &levels, origin, m->err));
    decoder(m, sizes, d, widths, levels, attention);
done:
    cv_free(widths);
    return status;
}

cogvideo_status cv_names_tokenizer(cv_names *out, const cv_tokenizer_sizes *sizes, const cv_json *description,
                                   const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    maker m = { .err = err };
    size_t latent = sizes->latent, levels, decoders = 0;
    int32_t *widths = NULL;
    cv_json *array;

    CV_TRY(read_widths(description, "encoder", &widths, &levels, origin, err));
    encoder(&m, sizes, widths, levels);
    CV_TRY(cv_json_array(description, "decoders", &array, origin, err));
    for (const cv_json *item = cv_json_first(array); item && decoders < MAX_DECODERS; item = cv_json_next(item))
        CV_TRY(add_decoder(&m, sizes, decoders++, item, origin));
    for (size_t d = 0; d + 1 < decoders; d++)
        convolution(&m, latent, latent, 3, labelled("down_samplers.%zu.conv_down_sampler.conv", d).text);
    convolution(&m, latent, latent, 1, "quantize.proj");
    matrix(&m, CV_HOME_OWN, sizes->codes, latent, "quantize.embed");
    add(&m, CV_HOME_SKIP, 1, &sizes->codes, "quantize.cluster_size", "");
    add(&m, CV_HOME_SKIP, 2, (size_t[]){ sizes->codes, latent }, "quantize.embed_avg", "");
    cv_free(widths);
    return finish(&m, out);
done:
    cv_free(widths);
    cv_names_free(&m.names);
    return status;
}
