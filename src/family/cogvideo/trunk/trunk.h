/* trunk.h - the transformer that every network of a model builds on: embeddings, sandwich-norm layers with one
 * attention block each, final norm. Tensor names as in the original: "transformer.*".
 *
 * One layer, with whatever attention the network puts in it:
 *     x = x + third_norm(attention(input_norm(x)))
 *     x = x + fourth_norm(mlp_out(gelu(mlp_in(post_attention_norm(x))))) */
#ifndef CV_FAMILY_COGVIDEO_TRUNK_TRUNK_H
#define CV_FAMILY_COGVIDEO_TRUNK_TRUNK_H

#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/norm.h"

typedef struct cv_trunk_layer {
    cv_layer_norm input_norm, post_attention_norm, third_norm, fourth_norm; /* [C] */
    cv_linear qkv;     /* [3C, C]: queries, keys, values, each H heads of D one after another */
    cv_linear dense;   /* [C, C] */
    cv_linear mlp_in;  /* [mlp, C] */
    cv_linear mlp_out; /* [C, mlp] */
} cv_trunk_layer;

/* Tables and matrices are views of the store, which must live longer. */
typedef struct cv_trunk {
    int hidden;                 /* C */
    cv_weight word_embeddings;  /* [vocabulary, C], also the matrix of the logits */
    const cv_tensor *positions; /* [positions, C] */
    cv_trunk_layer *layers;
    int layer_count;
    cv_layer_norm final_norm; /* [C] */
} cv_trunk;

/* Claims every "transformer.*" tensor of the store. `out` must be zero or fresh; on failure it is left empty. */
cogvideo_status cv_trunk_bind(cv_trunk *out, cv_store *store, int layers, int hidden, int mlp, int vocabulary,
                              int positions, float norm_epsilon, cogvideo_error *err);
void cv_trunk_close(cv_trunk *trunk);

/* Sizes of a trunk. */
typedef struct cv_trunk_sizes {
    int layers, hidden, mlp, vocabulary, positions;
} cv_trunk_sizes;

/* Whether the trunk in `store` has the sizes that section `section` of a description gives to the network that reads
 * it; an error that names the first one that differs. Networks that share a file have sections of their own. */
cogvideo_status cv_trunk_check(const cv_store *store, const cv_trunk_sizes *wanted, const char *section,
                               cogvideo_error *err);

/* out [C] = the embedding of an id, at a row of a position table: the trunk's own or another. */
void cv_trunk_embed(const cv_trunk *trunk, float *out, int32_t id, const cv_tensor *positions, int position);

/* logits = x . word_embeddings[0 : image_codes]: a view, never to be closed. */
cv_linear cv_trunk_head(const cv_trunk *trunk, int image_codes);

#endif
