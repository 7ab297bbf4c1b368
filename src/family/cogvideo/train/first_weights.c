#include "family/cogvideo/train/first_weights.h"

#include "base/hash.h"
#include "nn/blas.h"
#include "train/init.h"

#include <math.h>
#include <string.h>

#define CODE_SCALE 0.1 /* root mean square of these numbers: they outweigh the random others */

/* Replaces the vectors, of mean zero, by their principal components, each divided by the root of its deviation. Of
 * pictures most of the deviation is the colour: as they are, codes of one colour would all begin nearly as one. */
static cogvideo_status even_out(double *vectors, int codes, int latent, cogvideo_error *err)
{
    const size_t D = (size_t)latent;
    double *covariance = NULL, *values = NULL, *turned = NULL;
    cogvideo_status status;

    CV_NEW(covariance, D * D, err);
    CV_NEW(values, D, err);
    CV_NEW(turned, (size_t)codes * D, err);
    cv_blas_matmul_tn_f64(covariance, vectors, vectors, latent, latent, codes);
    CV_TRY(cv_blas_eigen_f64(values, covariance, true, latent, err));
    for (size_t i = 0; i < D; i++)
        for (size_t j = 0; j < D; j++)
            covariance[i * D + j] *= values[i] > 1e-9 * values[D - 1] ? pow(values[i], -0.25) : 0;
    cv_blas_matmul_nt_f64(turned, vectors, covariance, codes, latent, latent);
    memcpy(vectors, turned, (size_t)codes * D * sizeof *vectors);
done:
    cv_free(covariance);
    cv_free(values);
    cv_free(turned);
    return status;
}

/* The first numbers of an image code's embedding are made of its codebook vector: codes that look alike begin alike. */
static cogvideo_status start_embeddings(float *table, const cv_cogvideo_config *config, const cv_tensor *codebook,
                                        cogvideo_error *err)
{
    const size_t codes = (size_t)config->image_codes, C = (size_t)config->hidden;
    cogvideo_status status = COGVIDEO_OK;
    double *vectors = NULL, squares = 0;
    size_t latent;

    if (!codebook || codebook->shape[0] != codes || codebook->shape[1] > C)
        return COGVIDEO_OK;
    latent = codebook->shape[1];
    CV_NEW(vectors, codes * latent, err);
    for (size_t code = 0; code < codes; code++) {
        cv_to_f32(table + code * C, (const char *)codebook->data + code * latent * cv_dtype_size(codebook->dtype),
                  codebook->dtype, latent);
        for (size_t i = 0; i < latent; i++)
            vectors[code * latent + i] = (double)table[code * C + i];
    }
    for (size_t i = 0; i < latent; i++) {
        double mean = 0;

        for (size_t code = 0; code < codes; code++)
            mean += vectors[code * latent + i] / (double)codes;
        for (size_t code = 0; code < codes; code++)
            vectors[code * latent + i] -= mean;
    }
    CV_TRY(even_out(vectors, (int)codes, (int)latent, err));
    for (size_t i = 0; i < codes * latent; i++)
        squares += vectors[i] * vectors[i];
    for (size_t code = 0; code < codes; code++)
        for (size_t i = 0; i < latent; i++)
            table[code * C + i] =
                squares > 0
                    ? (float)(CODE_SCALE * vectors[code * latent + i] / sqrt(squares / (double)(codes * latent)))
                    : 0;
done:
    cv_free(vectors);
    return status;
}

/* Sines and cosines of row and column of a frame's place, a quarter of the channels each. */
static void start_position(float *row, int C, int y, int x, float amplitude)
{
    int quarter = C / 4;

    for (int i = 0; i < quarter; i++) {
        double rate = pow(64.0, -(double)i / quarter) * 1.5;

        row[i] = amplitude * (float)sin(y * rate);
        row[quarter + i] = amplitude * (float)cos(y * rate);
        row[2 * quarter + i] = amplitude * (float)sin(x * rate);
        row[3 * quarter + i] = amplitude * (float)cos(x * rate);
    }
}

cogvideo_status cv_first_trunk(const cv_trunk *trunk, cv_store *store, const cv_cogvideo_config *config,
                               const cv_tensor *codebook, const cv_transformer_recipe *recipe, cogvideo_error *err)
{
    cogvideo_status status;
    float gain = (float)recipe->norm_gain;
    const cv_init_rule rules[] = { { "*third_layernorm.weight", CV_INIT_CONSTANT, gain },
                                   { "*fourth_layernorm.weight", CV_INIT_CONSTANT, gain } };

    cv_init_store(store, recipe->head.seed, rules, 2);
    CV_TRY(start_embeddings((float *)trunk->word_embeddings.data, config, codebook, err));
    for (int i = 0; i < cv_cogvideo_places(config); i++)
        start_position(cv_tensor_values(trunk->positions) +
                           (size_t)(config->frame_position + i) * (size_t)config->hidden,
                       config->hidden, i / config->grid, i % config->grid, (float)recipe->position_scale);
done:
    return status;
}

/* Into weights in f32. */
static void copy_linear(const cv_linear *to, const cv_linear *from)
{
    const cv_weight *weight = &from->weight;

    for (int row = 0; row < weight->N; row++)
        cv_weight_widen((float *)to->weight.data + (size_t)row * (size_t)weight->K, weight, row);
    memcpy((float *)to->bias, from->bias, (size_t)weight->N * sizeof *from->bias);
}

/* The plus channel begins as a copy of the base channel, later frames' positions as the first's with a mark of their
 * time. Where alpha begins near 1 the frozen trunk sees little that is strange to it, and the stage need not first
 * learn to leave it alone. */
void cv_first_stage(const cv_stage *stage, const cv_transformer_recipe *recipe)
{
    const cv_cogvideo_config *config = stage->config;
    const cv_trunk *trunk = stage->trunk;
    const float mix = (float)log(recipe->base_share / (1 - recipe->base_share)); /* its sigmoid is the share */
    const uint64_t stream = cv_hash_text("time of a frame");
    size_t C = (size_t)config->hidden;
    int L = cv_cogvideo_places(config);
    float *extra = cv_tensor_values(stage->extra_positions), normals[4];

    for (int n = 0; n < config->layers; n++) {
        cv_plus_layer *plus = &stage->plus[n];
        const cv_trunk_layer *base = &trunk->layers[n];

        copy_linear(&plus->qkv, &base->qkv);
        copy_linear(&plus->dense, &base->dense);
        for (size_t i = 0; i < C; i++)
            ((float *)plus->mix)[i] = mix;
    }
    for (int row = 0; row < config->extra_positions; row++) {
        cv_embedding_row(extra + (size_t)row * C, trunk->positions, config->frame_position + row % L, (int)C);
        for (size_t i = 0; i < C; i++) {
            if (i % 4 == 0)
                cv_init_normals(normals, recipe->head.seed, stream, (uint64_t)(row / L) * C + i);
            extra[(size_t)row * C + i] += (float)recipe->time_scale * normals[i % 4];
        }
    }
}
