/* parts.h - the parts of metrics that can be trained: networks that know the shapes world. */
#ifndef CV_FAMILY_METRICS_TRAIN_PARTS_H
#define CV_FAMILY_METRICS_TRAIN_PARTS_H

#include "family/family.h"

typedef enum cv_metrics_trained {
    CV_TRAINED_I3D,
    CV_TRAINED_CLIP,
    CV_TRAINED_PARTS,
} cv_metrics_trained;

extern const cv_part cv_metrics_parts[CV_TRAINED_PARTS];

/* Of the parts; each has the signature of cv_part's open. */
cogvideo_status cv_i3d_learner_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                    const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err);
cogvideo_status cv_clip_learner_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                     const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err);

#endif
