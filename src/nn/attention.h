/* attention.h - multi-head attention by gathering: each query names the runs of keys that it sees.
 *
 * Text, frames, windows and neighbourhoods are all lists of runs, so no mask is ever built, and a single step, a
 * pass over a whole sequence and super-resolution are the same operation. */
#ifndef CV_NN_ATTENTION_H
#define CV_NN_ATTENTION_H

#include "base/arena.h"
#include "nn/exec.h"

/* Keys and values of positions first .. first + count - 1. */
typedef struct cv_key_run {
    int first, count;
} cv_key_run;

/* A cache of keys and values, [H * positions, D] each, and the part of it that one query sees. */
typedef struct cv_attention_source {
    cv_weight keys, values;
    int positions;
    const cv_key_run *runs;
    int run_count;
    float bias; /* added to each of this source's scores */
} cv_attention_source;

#define CV_ATTENTION_SOURCES 2

/* One query and all that it sees; one softmax goes over the runs of all sources. There is at least one key. */
typedef struct cv_attention_query {
    const float *q; /* [H * D] */
    float *out;     /* [H * D], may be q */
    cv_attention_source sources[CV_ATTENTION_SOURCES];
    int source_count;
} cv_attention_query;

/* The most queries that are computed together. */
#define CV_ATTENTION_TILE 12

/* Returns the bytes that cv_attention takes from its arena for queries that see at most `max_keys` keys. */
size_t cv_attention_scratch(const cv_exec *exec, int max_keys, int D);

/* out = softmax(q . k / sqrt(D) + bias) v, for each query and head. */
void cv_attention(const cv_exec *exec, const cv_attention_query *queries, int count, int H, int D, int max_keys,
                  cv_arena *arena);

/* Returns how many of `count` queries, from the first on, make a tile: they read the same caches in as many runs. At
 * least 1. */
int cv_attention_tile(const cv_attention_query *queries, int count);
/* Returns the number of keys that a query sees in all its sources. */
int cv_attention_keys(const cv_attention_query *query);
/* Returns how many rows at the beginning of a run of source `s` stand at the same position, at[q], in the list of each
 * query of a tile. */
int cv_attention_shared(const cv_attention_query *tile, int count, int s, int run, const int *at);
/* Computes out [count][stride] = rows . x [count][D] for one head of a tile, each query's in the order of its
 * sources' runs; the rows are keys or, if `values`, values. A row that all queries see is read once. */
void cv_attention_scores(const cv_kernels *kernels, const cv_attention_query *tile, int count, bool values, int head,
                         const float *x, int D, float *out, size_t stride);
/* Computes the attention weights of the same tile; scaled [count][D] becomes q / sqrt(D). */
void cv_attention_weights(const cv_kernels *kernels, const cv_attention_query *tile, int count, int head, int D,
                          float *weights, size_t stride, float *scaled);

/* --- backward: attention_backward.c --------------------------------------------------------------------------- */

/* Gradients of a source's keys and values, in its layout; both NULL = not wanted. */
typedef struct cv_attention_grad {
    float *dkeys, *dvalues;
} cv_attention_grad;

typedef struct cv_attention_query_grad {
    const float *dout; /* [H * D] */
    float *dq;         /* [H * D], set; may be dout, or q where no other query reads it */
    cv_attention_grad sources[CV_ATTENTION_SOURCES];
} cv_attention_query_grad;

/* Returns the bytes that cv_attention_backward takes from its arena for queries that see at most `max_keys` keys. */
size_t cv_attention_backward_scratch(const cv_exec *exec, int max_keys, int D);
/* Sets dq and adds to dkeys and dvalues, tile by tile in order. grads[i] belongs to queries[i], whose `out` is not
 * read: the weights are computed again. Group g is queries groups[g] .. groups[g + 1] - 1; threads share the work by
 * groups, so queries of different groups must not share dkeys or dvalues; those of one that read the same keys must. */
void cv_attention_backward(const cv_exec *exec, const cv_attention_query *queries, const cv_attention_query_grad *grads,
                           const int *groups, int group_count, int H, int D, int max_keys, cv_arena *arena);

#endif
