/* cosine_attention_head.h - a head of an item of cosine_attention.h, in tiles of rows; private to it
 * and its way back. */
#ifndef CV_NN_COSINE_ATTENTION_HEAD_H
#define CV_NN_COSINE_ATTENTION_HEAD_H

#include "nn/cosine_attention.h"

#define CV_COSINE_TILE 64 /* rows whose weights are held at once */

/* Keys of a sequence, nulls too; rows of a tile. */
int cv_cosine_keys(const cv_cosine_attention *s);
int cv_cosine_tile(const cv_cosine_attention *s);
/* out = x / |x| * scale; the length of x. Without a scale out is x and the length counts as 1. */
float cv_cosine_normalize(float *out, const float *x, const float *scale, int D);
/* k and v [keys][D]: those of a head, nulls first, keys normalized. */
void cv_cosine_take_keys(const cv_cosine_attention *s, int item, int head, const float *kv, float *k, float *v);
/* weights [rows][keys] of rows first .. first + rows - 1, from their normalized queries [rows][D]. */
void cv_cosine_weigh(const cv_exec *exec, const cv_cosine_attention *s, int item, int head, int first, int rows,
                     const float *q, const float *k, float *weights);

#endif
