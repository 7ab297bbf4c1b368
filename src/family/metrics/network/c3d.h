/* c3d.h - C3D, the network of the video Inception Score. Tran et al., "Learning Spatiotemporal Features with 3D
 * Convolutional Networks", 2015; Saito et al., "Train Sparsely, Generate Densely", 2020. */
#ifndef CV_FAMILY_METRICS_NETWORK_C3D_H
#define CV_FAMILY_METRICS_NETWORK_C3D_H

#include "base/json.h"
#include "family/metrics/network/convnet.h"
#include "nn/linear.h"

#define CV_C3D_FRAMES 16
#define CV_C3D_SIDE 112

typedef struct cv_c3d_config {
    cv_convnet_config net;
    int widths[3]; /* of fc6, fc7, whose numbers are the feature, and fc8: classes */
} cv_c3d_config;

typedef struct cv_c3d {
    cv_c3d_config config;
    cv_convnet net;
    cv_linear dense[3];
    const cv_tensor *mean; /* [3, 16, 128, 171]: of the pixels that it was trained on, blue first */
} cv_c3d;

/* The published network, of 101 classes. */
void cv_c3d_published(cv_c3d_config *out);
/* The same with the sizes of a file's tensors. */
cogvideo_status cv_c3d_measure(cv_c3d_config *out, const cv_store *store, cogvideo_error *err);
/* Claims all tensors of the network, which is ready to run: it has no norms. */
cogvideo_status cv_c3d_bind(cv_c3d *out, cv_store *store, const cv_c3d_config *config, cogvideo_error *err);

/* Whether clips may have this size, or an error that says which may. */
cogvideo_status cv_c3d_check(int frames, int height, int width, cogvideo_error *err);
/* Bytes of an arena for one clip. */
size_t cv_c3d_scratch(const cv_exec *exec, const cv_c3d *c3d);
/* One clip, RGB [16][3][112][112] in 0 .. 255: its feature, fc7 after ReLU, and probabilities; either may be NULL.
 * `observer` may be NULL; beside the blocks it sees "pre", "fc6", "fc7" and "fc8". What was taken of the arena is given
 * back. Nothing depends on the number of threads. */
void cv_c3d_run(const cv_exec *exec, const cv_c3d *c3d, float *feature, float *probabilities, const float *pixels,
                const cv_convnet_observer *observer, cv_arena *arena);

#endif
