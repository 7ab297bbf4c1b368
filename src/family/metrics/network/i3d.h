/* i3d.h - I3D, the network of FVD, and its small relative that knows the shapes world alone. Carreira and Zisserman,
 * "Quo Vadis, Action Recognition?", 2017; Unterthiner et al., "Towards Accurate Generative Models of Video", 2018. */
#ifndef CV_FAMILY_METRICS_NETWORK_I3D_H
#define CV_FAMILY_METRICS_NETWORK_I3D_H

#include "base/json.h"
#include "family/features.h"
#include "family/metrics/network/convnet.h"
#include "nn/linear.h"

#define CV_I3D_EPSILON 1e-3
#define CV_I3D_SIDE 224
#define CV_I3D_SHAPES_FRAMES 256 /* of the shapes world's network, at most */

typedef struct cv_i3d_config {
    cv_convnet_config net;
    /* The published network: places whose mean is taken before the logits (2, 7, 7), and classes, whose logits are the
     * feature. */
    int pool[3], classes;
    /* That of the shapes world: clips of one size, whose last block is flattened into `features` numbers, from which
     * heads read their classes. */
    bool shapes;
    int frames, side, features;
    int head_count, head_classes; /* classes of all heads together */
    cv_feature_head heads[CV_FEATURE_HEADS];
} cv_i3d_config;

typedef struct cv_i3d {
    cv_i3d_config config;
    cv_convnet net;
    cv_conv3d logits;          /* of the published network */
    cv_linear features, heads; /* of the shapes world's */
} cv_i3d;

/* The published network, of 400 classes. */
void cv_i3d_published(cv_i3d_config *out);
/* The same with the sizes of a file's tensors. */
cogvideo_status cv_i3d_measure(cv_i3d_config *out, const cv_store *store, cogvideo_error *err);
/* Those of the shapes world's, from its section of model.json; heads keep its strings. `origin` starts every error. */
cogvideo_status cv_i3d_config_parse(cv_i3d_config *out, const cv_json *section, const char *origin,
                                    cogvideo_error *err);

/* Claims all tensors of the network. */
cogvideo_status cv_i3d_bind(cv_i3d *out, cv_store *store, const cv_i3d_config *config, cogvideo_error *err);
/* The network ready to run, norms folded for this epsilon. Free with cv_i3d_free. */
cogvideo_status cv_i3d_fold(cv_i3d *out, const cv_i3d *bound, double epsilon, cogvideo_error *err);
void cv_i3d_free(cv_i3d *folded);

/* Numbers of a feature; classes whose probabilities a run gives. */
int cv_i3d_width(const cv_i3d_config *config);
int cv_i3d_classes(const cv_i3d_config *config);
/* Whether clips may have this size, or an error that says which may. */
cogvideo_status cv_i3d_check(const cv_i3d *i3d, int frames, int height, int width, cogvideo_error *err);

/* Bytes of an arena for one clip of a size that was checked. */
size_t cv_i3d_scratch(const cv_exec *exec, const cv_i3d *bound, int frames, int height, int width);
/* One clip, RGB [frames][3][height][width] in 0 .. 255: its feature and, where not NULL, its probabilities, which for
 * each head have a sum of 1. `observer` may be NULL; beside the blocks it sees "avg_pool" and "logits_per_step" or, of the shapes world's, "features" and "logits".
 * What was taken of the arena is given back. Nothing depends on the number of threads. */
void cv_i3d_run(const cv_exec *exec, const cv_i3d *i3d, float *feature, float *probabilities, const float *pixels,
                int frames, int height, int width, const cv_convnet_observer *observer, cv_arena *arena);

#endif
