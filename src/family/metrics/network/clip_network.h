/* clip_network.h - what an open CLIP is made of, and its towers as passes over a batch; private to CLIP and its
 * training. A gradient is a cv_clip that is bound to a store of gradients. */
#ifndef CV_FAMILY_METRICS_NETWORK_CLIP_NETWORK_H
#define CV_FAMILY_METRICS_NETWORK_CLIP_NETWORK_H

#include "family/metrics/network/clip_block.h"

/* From the last row of a tower to a vector: norm(row) . projection [D, E]. */
typedef struct cv_clip_head {
    cv_layer_norm norm;
    cv_weight projection;
} cv_clip_head;

struct cv_clip {
    cv_clip_config config;
    /* pictures */
    cv_linear patches; /* [D, 3 * patch * patch] */
    const float *class_embedding;
    const float *picture_places; /* [grid * grid + 1, D] */
    cv_layer_norm ln_pre;
    cv_clip_blocks picture_blocks;
    cv_clip_head picture_head;
    /* frames of a clip */
    const float *time_places; /* [frames, D] */
    cv_clip_blocks time_blocks;
    /* another network's features */
    cv_weight projection; /* [features, E] */
    const float *feature_mean, *feature_deviation;
    /* texts */
    const cv_tensor *tokens;  /* [vocabulary, W] */
    const float *text_places; /* [context, W] */
    cv_clip_blocks text_blocks;
    cv_clip_head text_head;
    const float *logit_scale;
    float *panels; /* of one that is ready: its own memory */
};

/* Patches on a side of a picture, and places of the tower: the class's and one a patch. */
static inline int cv_clip_grid(const cv_clip_config *config)
{
    return config->resolution / config->patch;
}

static inline int cv_clip_places(const cv_clip_config *config)
{
    return cv_clip_grid(config) * cv_clip_grid(config) + 1;
}

/* --- clip_head.c ----------------------------------------------------------------------------------------------- */

cogvideo_status cv_clip_head_bind(cv_clip_head *out, cv_store *store, const char *norm, const char *projection, int D,
                                  int E, cogvideo_error *err);
/* out = another network's features [count][features] minus their mean, over their deviation; may be `others`. */
void cv_clip_centre(const cv_clip *clip, float *out, const float *others, int count);
/* out [rows, E] = x [rows, D] . weight [D, E] */
void cv_clip_multiply(const cv_exec *exec, const cv_weight *weight, float *out, const float *x, int rows);
/* dweight += x^T dout, and dx, NULL = not wanted, = dout . weight^T. */
void cv_clip_multiply_backward(const cv_weight *weight, const cv_weight *dweight, float *dx, const float *dout,
                               const float *x, int rows);
/* out [rows, E] of the rows x [rows, D] of a tower; `normed` [rows, D] keeps what the norm gave. */
void cv_clip_head_run(const cv_exec *exec, const cv_clip_head *head, float *out, float *normed, const float *x,
                      int rows);
/* dx [rows, D] from dout. Takes cv_layer_norm_backward_scratch(rows, D). */
void cv_clip_head_backward(const cv_exec *exec, const cv_clip_head *head, const cv_clip_head *grad, float *dx,
                           const float *dout, const float *normed, const float *x, int rows, cv_arena *arena);
/* Each of the rows [rows, E] becomes one of length 1. */
void cv_clip_unit(float *rows, int count, int E);

/* --- clip_image.c ---------------------------------------------------------------------------------------------- */

typedef struct cv_clip_image_pass {
    const cv_exec *exec;
    const cv_clip *clip;
    int items;
    bool training;
    float *columns;  /* [items * places, 3 * patch * patch]: the patches, normalized; nothing at the class's place */
    float *embedded; /* [items * places, D]: before ln_pre; training only */
    float *x;        /* [items * places, D] */
    float *tops;     /* [items, D]: the class's place above the blocks */
    cv_clip_pass blocks;
} cv_clip_image_pass;

/* Takes the memory of a pass, whose first four fields are set; and reserves, after all that is taken to stay, what the
 * functions below take and give back. */
void cv_clip_image_pass_take(cv_clip_image_pass *pass, cv_arena *arena);
void cv_clip_image_pass_reserve(const cv_clip_image_pass *pass, cv_arena *arena);
/* x = the convolution of pixels [items][3][resolution][resolution], 0 .. 255; 0 at the class's place. */
void cv_clip_image_patches(cv_clip_image_pass *pass, const float *pixels, cv_arena *arena);
/* x becomes what goes into the blocks: with class, places and ln_pre. */
void cv_clip_image_embed(cv_clip_image_pass *pass);
/* All of it, up to the tops. */
void cv_clip_image_pass_run(cv_clip_image_pass *pass, const float *pixels, cv_arena *arena);
/* Adds the gradients of all weights below dtops [items, D] to `grad`; x is overwritten. */
void cv_clip_image_pass_backward(cv_clip_image_pass *pass, const cv_clip *grad, const float *dtops, cv_arena *arena);

/* --- clip_text.c ----------------------------------------------------------------------------------------------- */

typedef struct cv_clip_text_pass {
    const cv_exec *exec;
    const cv_clip *clip;
    int items, rows; /* texts, and ids of each, at most config.context */
    bool training;
    float *x;      /* [items * rows, W] */
    float *tops;   /* [items, W]: above the blocks, where the text ends */
    int32_t *ends; /* [items]: where that is */
    cv_clip_pass blocks;
} cv_clip_text_pass;

/* The place of `count` ids at which a text's feature stands. */
int cv_clip_text_end(const cv_clip_config *config, const int32_t *ids, int count);
void cv_clip_text_pass_take(cv_clip_text_pass *pass, cv_arena *arena);
void cv_clip_text_pass_reserve(const cv_clip_text_pass *pass, cv_arena *arena);
/* x = what goes into the blocks, and ends, of ids [items][rows], all within the vocabulary. */
void cv_clip_text_embed(cv_clip_text_pass *pass, const int32_t *ids);
void cv_clip_text_pass_run(cv_clip_text_pass *pass, const int32_t *ids, cv_arena *arena);
void cv_clip_text_pass_backward(cv_clip_text_pass *pass, const cv_clip *grad, const float *dtops, const int32_t *ids,
                                cv_arena *arena);

/* --- clip_time.c ----------------------------------------------------------------------------------------------- */

typedef struct cv_clip_time_pass {
    const cv_exec *exec;
    const cv_clip *clip;
    int items;
    bool training;
    float *x;     /* [items * frames, D] */
    float *means; /* [items, D]: over the frames, above the blocks */
    cv_clip_pass blocks;
} cv_clip_time_pass;

void cv_clip_time_pass_take(cv_clip_time_pass *pass, cv_arena *arena);
void cv_clip_time_pass_reserve(const cv_clip_time_pass *pass, cv_arena *arena);
/* Of the tops [items * frames, D] of the frames. */
void cv_clip_time_pass_run(cv_clip_time_pass *pass, const float *tops, cv_arena *arena);
/* Adds the gradient of the tops to dtops; x is overwritten. */
void cv_clip_time_pass_backward(cv_clip_time_pass *pass, const cv_clip *grad, float *dtops, const float *dmeans,
                                cv_arena *arena);

/* to [rows, width] += the sum over items of x [items][rows][width]. */
void cv_clip_sum_items(float *to, const float *x, int items, int rows, int width);

#endif
