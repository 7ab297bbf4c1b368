#include "family/cogvideo/trunk/trunk.h"

#include <stdio.h>

/* "transformer.layers.N.PART" in `name`, which has room for NAME bytes. */
#define NAME 128
static const char *layer_name(char *name, int layer, const char *part)
{
    snprintf(name, NAME, "transformer.layers.%d.%s", layer, part);
    return name;
}

static cogvideo_status bind_layer(cv_trunk_layer *out, cv_store *store, int n, int C, int mlp, float eps,
                                  cogvideo_error *err)
{
    cogvideo_status status;
    char name[NAME];

    CV_TRY(cv_layer_norm_bind(&out->input_norm, store, layer_name(name, n, "input_layernorm"), C, eps, err));
    CV_TRY(cv_layer_norm_bind(&out->post_attention_norm, store, layer_name(name, n, "post_attention_layernorm"), C, eps,
                              err));
    CV_TRY(cv_layer_norm_bind(&out->third_norm, store, layer_name(name, n, "third_layernorm"), C, eps, err));
    CV_TRY(cv_layer_norm_bind(&out->fourth_norm, store, layer_name(name, n, "fourth_layernorm"), C, eps, err));
    CV_TRY(cv_linear_bind(&out->qkv, store, layer_name(name, n, "attention.query_key_value"), 3 * C, C, true, err));
    CV_TRY(cv_linear_bind(&out->dense, store, layer_name(name, n, "attention.dense"), C, C, true, err));
    CV_TRY(cv_linear_bind(&out->mlp_in, store, layer_name(name, n, "mlp.dense_h_to_4h"), mlp, C, true, err));
    CV_TRY(cv_linear_bind(&out->mlp_out, store, layer_name(name, n, "mlp.dense_4h_to_h"), C, mlp, true, err));
done:
    return status;
}

cogvideo_status cv_trunk_bind(cv_trunk *out, cv_store *store, int layers, int hidden, int mlp, int vocabulary,
                              int positions, float norm_epsilon, cogvideo_error *err)
{
    cogvideo_status status;
    cv_trunk trunk = { .hidden = hidden };

    CV_TRY(cv_store_claim_weight(store, &trunk.word_embeddings, "transformer.word_embeddings.weight", vocabulary,
                                 hidden, err));
    CV_TRY(
        cv_embedding_bind(&trunk.positions, store, "transformer.position_embeddings.weight", positions, hidden, err));
    CV_NEW(trunk.layers, layers, err);
    trunk.layer_count = layers;
    for (int n = 0; n < layers; n++)
        CV_TRY(bind_layer(&trunk.layers[n], store, n, hidden, mlp, norm_epsilon, err));
    CV_TRY(cv_layer_norm_bind(&trunk.final_norm, store, "transformer.final_layernorm", hidden, norm_epsilon, err));
    *out = trunk;
    return COGVIDEO_OK;
done:
    cv_trunk_close(&trunk);
    *out = trunk;
    return status;
}

static int count_layers(const cv_store *store)
{
    char name[NAME];
    int layers = 0;

    while (cv_store_find(store, layer_name(name, layers, "input_layernorm.weight")))
        layers++;
    return layers;
}

cogvideo_status cv_trunk_check(const cv_store *store, const cv_trunk_sizes *wanted, const char *section,
                               cogvideo_error *err)
{
    static const char words[] = "transformer.word_embeddings.weight",
                      positions[] = "transformer.position_embeddings.weight", /* never quantized */
        inner[] = "transformer.layers.0.mlp.dense_h_to_4h.weight";
    const struct {
        const char *key, *tensor;
        int at, wanted;
    } sizes[] = { { "hidden", positions, 1, wanted->hidden },
                  { "positions", positions, 0, wanted->positions },
                  { "vocabulary", words, 0, wanted->vocabulary },
                  { "mlp", inner, 0, wanted->mlp },
                  { "layers", NULL, 0, wanted->layers } };
    cogvideo_status status = COGVIDEO_OK;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int found = 0;

        if (sizes[i].tensor)
            CV_TRY(cv_store_measure(store, sizes[i].tensor, 2, sizes[i].at, INT32_MAX, &found, err));
        else
            found = count_layers(store);
        if (found != sizes[i].wanted)
            return cv_fail(
                err, COGVIDEO_ERROR_MODEL,
                "%s: is a trunk whose '%s' is %d, but the '%s' that model.json lets read it has %d: name the "
                "trunk that belongs to it, or import the model again",
                cv_store_path(store), sizes[i].key, found, section, sizes[i].wanted);
    }
done:
    return status;
}

void cv_trunk_close(cv_trunk *trunk)
{
    cv_free(trunk->layers);
    *trunk = (cv_trunk){ 0 };
}

cv_linear cv_trunk_head(const cv_trunk *trunk, int image_codes)
{
    return (cv_linear){ .weight = cv_weight_rows(&trunk->word_embeddings, 0, image_codes) };
}

void cv_trunk_embed(const cv_trunk *trunk, float *out, int32_t id, const cv_tensor *positions, int position)
{
    cv_weight_widen(out, &trunk->word_embeddings, id);
    cv_embedding_add(out, positions, position, trunk->hidden);
}
