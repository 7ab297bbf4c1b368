/* sampler.h - draws a code from logits.
 *
 * The rule is that of cogvideo/sampling.h: greedy, by clusters (of the clusters that are kept, one is drawn in
 * proportion), or by top_k and then top_p, the fewest best codes of at least this share.
 *
 * Codes are drawn by inverse cumulative probability from the given numbers u, so a code is a function of its logits
 * and u alone. Candidates are ordered best first, and the lower label or code first on a tie (in order of codes
 * where all are kept). A code whose logit is minus infinity has probability 0. Logits that are NaN or plus infinity,
 * or all minus infinity, come only from damaged weights: nothing is drawn from them. */
#ifndef CV_SAMPLE_SAMPLER_H
#define CV_SAMPLE_SAMPLER_H

#include "base/arena.h"
#include "sample/clusters.h"

#include <cogvideo/sampling.h>

/* Bytes of an arena for one call, behind which they are free again. `clusters` may be NULL. */
size_t cv_sampler_scratch(int codes, const cv_clusters *clusters);

/* Draws a code from logits [codes] with u_cluster and u_code in [0, 1), never one of probability 0; returns -1 where
 * nothing can be drawn. `clusters` must have as many codes; it may be NULL where sampling->clusters is 0. */
int cv_sample(const float *logits, int codes, const cogvideo_sampling *sampling, const cv_clusters *clusters,
              double u_cluster, double u_code, cv_arena *arena);

/* Whether a code can be drawn from logits [n]. */
bool cv_logits_sound(const float *logits, int n);

/* out [codes] = the probability with which cv_sample returns each code, from sound logits. */
void cv_sample_probabilities(double *out, const float *logits, int codes, const cogvideo_sampling *sampling,
                             const cv_clusters *clusters, cv_arena *arena);

/* Classifier-free guidance: logits [n] = unconditional + scale (logits - unconditional), in f32. */
void cv_logits_guide(float *logits, const float *unconditional, double scale, int n);

/* Returns log softmax(logits [n]) of one code, at temperature 1; NaN where logits are not sound. */
double cv_log_probability(const float *logits, int n, int code);
/* Returns the entropy of softmax(logits [n]) in nats: 0 where one code is certain, log n where all are equally
 * likely; NaN where logits are not sound. */
double cv_entropy(const float *logits, int n);

#endif
