/* rows.h - the parts of a layer over many rows of one sequence: a whole-sequence pass, not a step.
 *
 * Rows are taken in blocks, so scratch does not grow with the sequence; blocks depend on the shape alone, so the
 * result does not depend on the number of threads. */
#ifndef CV_FAMILY_COGVIDEO_TRUNK_ROWS_H
#define CV_FAMILY_COGVIDEO_TRUNK_ROWS_H

#include "family/cogvideo/trunk/trunk.h"
#include "nn/kv_cache.h"

typedef struct cv_rows_scratch {
    float *normed;   /* [block, C] */
    float *inner;    /* [block, max(3C, mlp)] */
    cv_arena *arena; /* of the layers themselves */
} cv_rows_scratch;

/* Takes the scratch that the functions below need for a layer of these sizes. */
cv_rows_scratch cv_rows_take(cv_arena *arena, const cv_exec *exec, int hidden, int mlp);

/* a = norm(x [rows, C]); q [rows, C], and the cache's places first .. first + rows - 1 of a layer, = a . qkv */
void cv_rows_project(const cv_exec *exec, const cv_layer_norm *norm, const cv_linear *qkv, const float *x, int rows,
                     float *q, const cv_kv_cache *cache, int layer, int first, const cv_rows_scratch *scratch);

/* x [rows, C] += norm(context [rows, C] . dense) */
void cv_rows_add_dense(const cv_exec *exec, const cv_linear *dense, const cv_layer_norm *norm, float *x,
                       const float *context, int rows, const cv_rows_scratch *scratch);

/* x [rows, C] += fourth_norm(mlp(post_attention_norm(x))) */
void cv_rows_add_mlp(const cv_exec *exec, const cv_trunk_layer *layer, float *x, int rows,
                     const cv_rows_scratch *scratch);

#endif
