/* local.h - the places of a picture that go through the trunk's layers side by side: each sees the places around it and
 * a context, in one softmax. The upscaler and the refiner are this with another context. */
#ifndef CV_FAMILY_COGVIDEO_TRUNK_LOCAL_H
#define CV_FAMILY_COGVIDEO_TRUNK_LOCAL_H

#include "family/cogvideo/trunk/rows.h"
#include "nn/attention.h"

typedef struct cv_local {
    /* Set before cv_local_take: */
    const cv_exec *exec;
    const cv_trunk *trunk;
    int heads, mlp, image_codes;
    int side;   /* places on a side of the picture */
    int kernel; /* a place sees so many columns of 2 kernel - 1 rows around it, itself included; odd */
    /* What a place sees of the context in this layer; `runs` is memory for context_runs. */
    cv_attention_source (*context)(void *user, int layer, int place, cv_key_run *runs);
    int context_runs, context_keys; /* the most that it gives */
    void *user;
    /* Taken: */
    float *x;                    /* [places, C]: the residual stream */
    float *q;                    /* [places, C]: queries, then what attention gives */
    cv_kv_cache own;             /* keys and values of the places in the layer at work */
    cv_attention_query *queries; /* [CV_LOCAL_QUERIES] */
    cv_key_run *runs;            /* [CV_LOCAL_QUERIES][runs of a query] */
    float *normed;               /* [places whose logits exist at a time, C] */
    float *logits;               /* the same, [image_codes] */
    cv_rows_scratch rows;
} cv_local;

/* Queries handed to attention at a time. */
#define CV_LOCAL_QUERIES 512

/* The same takes measure the scratch and carve it. */
void cv_local_take(cv_local *local, cv_arena *arena);
/* x of a place = the embedding of the id at a row of a position table. */
void cv_local_embed(const cv_local *local, int place, int32_t id, const cv_tensor *positions, int position);
/* All places through layer n of the trunk, with these matrices of attention. */
void cv_local_layer(const cv_local *local, int n, const cv_linear *qkv, const cv_linear *dense);

/* Logits [count][image_codes] of places first .. first + count - 1 of those that were asked for. Called once for each,
 * in order; the memory is used again by the next call. */
typedef void cv_local_logits_fn(void *user, int first, int count, const float *logits);
/* After the last layer: `places` [count], rising; NULL = all. */
void cv_local_logits(const cv_local *local, const int *places, int count, cv_local_logits_fn *give, void *user);

#endif
