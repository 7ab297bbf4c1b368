/* attention.h - multi-head attention by gathering: each query names the runs of keys that it sees.
 *
 * Text, frames, windows and neighbourhoods are all lists of runs, so no mask is ever built, and a step, a
 * whole-sequence pass and super-resolution are the same operation. */
#ifndef CV_NN_ATTENTION_H
#define CV_NN_ATTENTION_H

#include "base/arena.h"
#include "nn/exec.h"

/* Keys and values of places first .. first + count - 1. */
typedef struct cv_run {
    int first, count;
} cv_run;

/* A cache of keys and values, [H * places, D] each, with what one query sees of it. */
typedef struct cv_attention_source {
    cv_weight keys, values;
    int places;
    const cv_run *runs;
    int run_count;
    float bias; /* added to each of its scores */
} cv_attention_source;

#define CV_ATTENTION_SOURCES 2

/* One query and all that it sees: one softmax over all sources' runs. At least one key. */
typedef struct cv_attention_query {
    const float *q;  /* [H * D] */
    float *out;      /* [H * D], may be q */
    cv_attention_source sources[CV_ATTENTION_SOURCES];
    int source_count;
} cv_attention_query;

/* Queries that are computed together. */
#define CV_ATTENTION_TILE 4

/* Bytes that it takes from its arena for queries that see at most `max_keys` keys. */
size_t cv_attention_scratch(const cv_exec *exec, int max_keys, int D);

/* out = softmax(q . k / sqrt(D) + bias) v, for each query and head. */
void cv_attention(const cv_exec *exec, const cv_attention_query *queries, int count, int H, int D, int max_keys,
                  cv_arena *arena);

/* How many of `count` queries, from the first on, make a tile: they look at the same caches in as many runs. At least 1. */
int cv_attention_tile(const cv_attention_query *queries, int count);
/* Keys that a query sees, of all its sources. */
int cv_attention_keys(const cv_attention_query *query);
/* One head of a tile: out [count][stride] = rows . x [count][D], each query's in the order of its sources' runs; the rows are
 * keys or, if so wanted, values. A row that all see is read once. */
void cv_attention_scores(const cv_kernels *kernels, const cv_attention_query *tile, int count, bool values, int head, const float *x,
                         int D, float *out, size_t stride);
/* The same tile's weights; scaled [count][D] becomes q / sqrt(D). */
void cv_attention_weights(const cv_kernels *kernels, const cv_attention_query *tile, int count, int head, int D, float *weights,
                          size_t stride, float *scaled);
/* A head's rows of one of the source's runs: out [D] += weights . rows. */
void cv_attention_mix(const cv_kernels *kernels, const cv_weight *matrix, const cv_attention_source *source, int run, int head,
                      const float *weights, float *out);

/* --- backward: attention_backward.c --- */

/* Gradients of a source's keys and values, in its layout; both NULL = not wanted. */
typedef struct cv_attention_grad {
    float *dkeys, *dvalues;
} cv_attention_grad;

typedef struct cv_attention_query_grad {
    const float *dout; /* [H * D] */
    float *dq;         /* [H * D], set; may be dout, or q where no other query reads it */
    cv_attention_grad sources[CV_ATTENTION_SOURCES];
} cv_attention_query_grad;

/* Bytes that it takes from its arena for queries that see at most `max_keys` keys. */
size_t cv_attention_backward_scratch(const cv_exec *exec, int max_keys, int D);
/* dq is set; dkeys and dvalues are added to, query by query in order. grads[i] belongs to queries[i], whose `out` is
 * not read: the weights are computed anew. Group g is queries groups[g] .. groups[g + 1] - 1; groups are the unit of
 * work, so queries of different groups must not share dkeys or dvalues. */
void cv_attention_backward(const cv_exec *exec, const cv_attention_query *queries,
                           const cv_attention_query_grad *grads, const int *groups, int group_count, int H, int D,
                           int max_keys, cv_arena *arena);

#endif
