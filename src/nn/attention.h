/* attention.h - multi-head attention by gathering: each query names the runs of keys that it sees.
 *
 * Text, frames, windows and neighbourhoods are all lists of runs, so no mask is ever built, and a step, a
 * whole-sequence pass and super-resolution are the same operation. */
#ifndef CV_NN_ATTENTION_H
#define CV_NN_ATTENTION_H

#include "nn/exec.h"

/* Keys and values of places first .. first + count - 1. */
typedef struct cv_run {
    int first, count;
} cv_run;

/* A memory of keys and values: [H][places][D] each, `head_stride` = places * D, with what one query sees of it. */
typedef struct cv_attention_source {
    const float *keys, *values;
    size_t head_stride;
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

/* Bytes of scratch for queries that see at most `max_keys` keys. */
size_t cv_attention_scratch(const cv_exec *exec, int max_keys, int D);

/* out = softmax(q . k / sqrt(D) + bias) v, for each query and head. */
void cv_attention(const cv_exec *exec, const cv_attention_query *queries, int count, int H, int D, int max_keys,
                  void *scratch);

#endif
