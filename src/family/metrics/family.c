/* family.c - metrics in the registry: networks that compare videos, pictures and texts. They draw nothing, so the
 * family has no steps. */
#include "family/metrics/features/features.h"
#include "family/metrics/import/import.h"
#include "family/metrics/model/model.h"
#include "family/metrics/train/parts.h"

extern const cv_family cv_family_metrics;

/* How frames come to a network is what its authors did; a network of the shapes world takes them as they are. */
static const cv_feature_network networks[] = {
    { .name = "i3d",
      .scale = CV_SCALE_TF1,
      .crop = CV_CROP_SQUASH,
      .range = "-1..1",
      .epsilon = CV_I3D_EPSILON,
      .any_epsilon = true,
      .any_resize = true,
      .need = cv_i3d_features_need,
      .info = cv_i3d_features_info,
      .plan = cv_i3d_features_plan,
      .open = cv_i3d_features_open,
      .run = cv_i3d_features_run,
      .close = cv_convnet_features_close },
    { .name = "c3d",
      .scale = CV_SCALE_ALIGN_CORNERS,
      .crop = CV_CROP_SQUASH,
      .range = "0..255, minus the mean",
      .need = cv_c3d_features_need,
      .info = cv_c3d_features_info,
      .plan = cv_c3d_features_plan,
      .open = cv_c3d_features_open,
      .run = cv_c3d_features_run,
      .close = cv_convnet_features_close },
    { .name = "inception",
      .scale = CV_SCALE_TF1,
      .crop = CV_CROP_SQUASH,
      .range = "-1..1",
      .epsilon = 1e-3,
      .pytorch_input = true,
      .fewer_frames = true,
      .need = cv_inception_features_need,
      .info = cv_inception_features_info,
      .plan = cv_inception_features_plan,
      .open = cv_inception_features_open,
      .run = cv_inception_features_run,
      .close = cv_convnet_features_close },
    { .name = "clip",
      .scale = CV_SCALE_PIL_BICUBIC,
      .crop = CV_CROP_SHORT_EVEN,
      .range = "0..1, minus the mean, over the deviation",
      .need = cv_clip_features_need,
      .info = cv_clip_features_info,
      .plan = cv_clip_features_plan,
      .open = cv_clip_features_open,
      .run = cv_clip_features_run,
      .close = cv_clip_features_close,
      .text = cv_clip_features_text },
};

const cv_family cv_family_metrics = {
    .name = "metrics",
    .size = sizeof(cv_metrics),
    .open = cv_metrics_open,
    .close = cv_metrics_close,
    .property = cv_metrics_property,
    .feature_networks = networks,
    .feature_network_count = sizeof networks / sizeof *networks,
    .parts = cv_metrics_parts,
    .part_count = CV_TRAINED_PARTS,
    .sources = cv_metrics_sources,
    .import = cv_metrics_import,
};
