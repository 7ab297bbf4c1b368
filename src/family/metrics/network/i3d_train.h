/* i3d_train.h - the I3D of the shapes world in training: losses and gradients of a batch of clips. */
#ifndef CV_FAMILY_METRICS_NETWORK_I3D_TRAIN_H
#define CV_FAMILY_METRICS_NETWORK_I3D_TRAIN_H

#include "family/metrics/network/i3d.h"

typedef struct cv_i3d_train cv_i3d_train;

/* A store without data (cv_store_plan) that lists all tensors of the network; weights and gradients are created like
 * it. */
cogvideo_status cv_i3d_plan(cv_store **out, const cv_i3d_config *config, cogvideo_error *err);

/* Stores in memory, made after that plan; they and `exec` must outlive it, which takes all memory of its runs.
 * Running statistics lie in `weights`, and get no gradients. */
cogvideo_status cv_i3d_train_open(cv_i3d_train **out, const cv_exec *exec, cv_store *weights, cv_store *gradients,
                                  const cv_i3d_config *config, int batch, cogvideo_error *err);
void cv_i3d_train_close(cv_i3d_train **train);
/* Bytes that it holds besides the two stores. */
size_t cv_i3d_train_bytes(const cv_i3d_train *train);

/* Where clip `index` of the next batch is to be written: [3][frames][side][side] in -1 .. 1. */
cv_volume cv_i3d_train_clip(const cv_i3d_train *train, int index);
/* Adds the gradients of the sum of the heads' mean losses over the batch; labels [batch][heads] are places in the lists
 * of classes. `observer` may be NULL; beside the blocks it sees "features" and "logits". Nothing depends on the number
 * of threads. */
void cv_i3d_train_run(cv_i3d_train *train, double losses[CV_FEATURE_HEADS], const int32_t *labels,
                      const cv_convnet_observer *observer);
/* Running statistics follow those of the last batch. */
void cv_i3d_train_keep(const cv_i3d_train *train);

#endif
