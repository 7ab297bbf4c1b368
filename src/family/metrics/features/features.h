/* features.h - the functions of the networks' rows in the family's table (family/features.h). Each takes an open model,
 * whose part it reads (model/model.h). */
#ifndef CV_FAMILY_METRICS_FEATURES_FEATURES_H
#define CV_FAMILY_METRICS_FEATURES_FEATURES_H

#include "family/features.h"

/* convnets.c */
cogvideo_status cv_i3d_features_need(const cogvideo_model *model, cogvideo_error *err);
void cv_i3d_features_info(const cogvideo_model *model, cv_feature_info *out);
cogvideo_status cv_i3d_features_plan(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                                     cogvideo_error *err);
cogvideo_status cv_i3d_features_open(cv_feature_run **out, const cogvideo_model *model,
                                     const cv_feature_settings *settings, cogvideo_error *err);
cogvideo_status cv_i3d_features_run(cv_feature_run *run, const float *pixels, int count, float *features,
                                    float *probabilities, cogvideo_error *err);
cogvideo_status cv_c3d_features_need(const cogvideo_model *model, cogvideo_error *err);
void cv_c3d_features_info(const cogvideo_model *model, cv_feature_info *out);
cogvideo_status cv_c3d_features_plan(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                                     cogvideo_error *err);
cogvideo_status cv_c3d_features_open(cv_feature_run **out, const cogvideo_model *model,
                                     const cv_feature_settings *settings, cogvideo_error *err);
cogvideo_status cv_c3d_features_run(cv_feature_run *run, const float *pixels, int count, float *features,
                                    float *probabilities, cogvideo_error *err);
cogvideo_status cv_inception_features_need(const cogvideo_model *model, cogvideo_error *err);
void cv_inception_features_info(const cogvideo_model *model, cv_feature_info *out);
cogvideo_status cv_inception_features_plan(const cogvideo_model *model, const cv_feature_settings *settings,
                                           uint64_t *bytes, cogvideo_error *err);
cogvideo_status cv_inception_features_open(cv_feature_run **out, const cogvideo_model *model,
                                           const cv_feature_settings *settings, cogvideo_error *err);
cogvideo_status cv_inception_features_run(cv_feature_run *run, const float *pixels, int count, float *features,
                                          float *probabilities, cogvideo_error *err);
void cv_convnet_features_close(cv_feature_run **run);

/* clip.c */
cogvideo_status cv_clip_features_need(const cogvideo_model *model, cogvideo_error *err);
void cv_clip_features_info(const cogvideo_model *model, cv_feature_info *out);
cogvideo_status cv_clip_features_plan(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                                      cogvideo_error *err);
cogvideo_status cv_clip_features_open(cv_feature_run **out, const cogvideo_model *model,
                                      const cv_feature_settings *settings, cogvideo_error *err);
cogvideo_status cv_clip_features_run(cv_feature_run *run, const float *pixels, int count, float *features,
                                     float *probabilities, cogvideo_error *err);
void cv_clip_features_close(cv_feature_run **run);
cogvideo_status cv_clip_features_text(const cogvideo_model *model, const char *text, bool cut, float *feature,
                                      cogvideo_error *err);

#endif
