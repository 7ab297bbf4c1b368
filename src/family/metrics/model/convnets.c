#include "family/metrics/model/model.h"

static cogvideo_status open_i3d(cv_metrics *model, cogvideo_error *err)
{
    const cv_metrics_part *part = &model->parts[CV_METRICS_I3D];
    cogvideo_status status;
    cv_i3d_config config;

    if (!part->store)
        return COGVIDEO_OK;
    if (part->shapes)
        CV_TRY(cv_i3d_config_parse(&config, part->section, part->where, err));
    else
        CV_TRY(cv_i3d_measure(&config, part->store, err));
    CV_NEW(model->i3d, 1, err);
    CV_TRY(cv_i3d_bind(model->i3d, part->store, &config, err));
    CV_TRY(cv_store_check_claimed(part->store, err));
done:
    return status;
}

static cogvideo_status open_c3d(cv_metrics *model, cogvideo_error *err)
{
    cv_store *store = model->parts[CV_METRICS_C3D].store;
    cogvideo_status status;
    cv_c3d_config config;

    if (!store)
        return COGVIDEO_OK;
    CV_TRY(cv_c3d_measure(&config, store, err));
    CV_NEW(model->c3d, 1, err);
    CV_TRY(cv_c3d_bind(model->c3d, store, &config, err));
    CV_TRY(cv_store_check_claimed(store, err));
done:
    return status;
}

static cogvideo_status open_inception(cv_metrics *model, cogvideo_error *err)
{
    cv_store *store = model->parts[CV_METRICS_INCEPTION].store;
    cogvideo_status status;
    cv_inception_config config;

    if (!store)
        return COGVIDEO_OK;
    CV_TRY(cv_inception_measure(&config, store, err));
    CV_NEW(model->inception, 1, err);
    CV_TRY(cv_inception_bind(model->inception, store, &config, err));
    CV_TRY(cv_store_check_claimed(store, err));
done:
    return status;
}

cogvideo_status cv_metrics_open_convnets(cv_metrics *model, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(open_i3d(model, err));
    CV_TRY(open_c3d(model, err));
    CV_TRY(open_inception(model, err));
done:
    return status;
}

void cv_metrics_close_convnets(cv_metrics *model)
{
    cv_free(model->i3d);
    cv_free(model->c3d);
    cv_free(model->inception);
}
