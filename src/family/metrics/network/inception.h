/* inception.h - Inception-v3 of 2015-12-05, the network of FID and of the Inception Score of pictures. Szegedy et al.,
 * "Rethinking the Inception Architecture for Computer Vision", 2015; Heusel et al., "GANs Trained by a Two Time-Scale
 * Update Rule", 2017. */
#ifndef CV_FAMILY_METRICS_NETWORK_INCEPTION_H
#define CV_FAMILY_METRICS_NETWORK_INCEPTION_H

#include "base/json.h"
#include "family/metrics/network/convnet.h"
#include "nn/linear.h"

#define CV_INCEPTION_SIDE 299

typedef struct cv_inception_config {
    cv_convnet_config net;
    int classes;
} cv_inception_config;

typedef struct cv_inception {
    cv_inception_config config;
    cv_convnet net;
    cv_linear classifier; /* without bias: the Inception Score's logits have none */
    const float *bias;    /* of the file; no metric reads it */
} cv_inception;

/* The published network, of 1008 classes. */
void cv_inception_published(cv_inception_config *out);
/* The same with the sizes of a file's tensors. */
cogvideo_status cv_inception_measure(cv_inception_config *out, const cv_store *store, cogvideo_error *err);
/* Claims all tensors of the network. */
cogvideo_status cv_inception_bind(cv_inception *out, cv_store *store, const cv_inception_config *config,
                                  cogvideo_error *err);
/* The network ready to run. Free with cv_inception_free. */
cogvideo_status cv_inception_fold(cv_inception *out, const cv_inception *bound, cogvideo_error *err);
void cv_inception_free(cv_inception *folded);

/* Numbers of a feature. */
int cv_inception_width(const cv_inception *inception);
/* Whether pictures may have this size, or an error that says which may. */
cogvideo_status cv_inception_check(const cv_inception *inception, int height, int width, cogvideo_error *err);

/* Bytes of an arena for one picture of a size that was checked. */
size_t cv_inception_scratch(const cv_exec *exec, const cv_inception *bound, int height, int width);
/* One picture, RGB [3][height][width] in 0 .. 255, taken to (v - 128) / 128 as TensorFlow's graph does or, where
 * `pytorch`, to 2 v / 255 - 1 as pytorch-fid does: its feature, means over the places of the last block, and where not
 * NULL its probabilities. `observer` may be NULL; beside the blocks it sees "logits_no_bias". What was taken of the
 * arena is given back. Nothing depends on the number of threads. */
void cv_inception_run(const cv_exec *exec, const cv_inception *inception, float *feature, float *probabilities,
                      const float *pixels, int height, int width, bool pytorch, const cv_convnet_observer *observer,
                      cv_arena *arena);

#endif
