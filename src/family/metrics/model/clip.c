#include "family/metrics/model/model.h"

cogvideo_status cv_metrics_open_clip(cv_metrics *model, cogvideo_error *err)
{
    const cv_metrics_part *part = &model->parts[CV_METRICS_CLIP];
    cogvideo_status status = COGVIDEO_OK;
    cv_clip_config config;

    if (!part->store)
        return COGVIDEO_OK;
    CV_TRY(cv_clip_config_parse(&config, part->section, part->where, err));
    CV_TRY(cv_clip_measure(&config, part->store, err));
    CV_TRY(cv_clip_open(&model->clip, part->store, &config, err));
    CV_TRY(cv_store_check_claimed(part->store, err));
done:
    return status;
}
