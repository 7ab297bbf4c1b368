#include "family/metrics/model/model.h"

/* Byte pairs are CLIP's alone; where there is no CLIP, nobody reads them. */
static cogvideo_status open_vocabulary(cv_metrics *model, cogvideo_error *err)
{
    const cv_metrics_part *part = &model->parts[CV_METRICS_CLIP_VOCABULARY], *clip = &model->parts[CV_METRICS_CLIP];
    const int rows = cv_clip_config_of(model->clip)->vocabulary;
    cogvideo_status status;

    if (!part->section)
        return COGVIDEO_OK;
    CV_TRY(cv_bpe_open(&model->vocabulary, part->path, CV_BPE_OPENAI, err));
    if (cv_bpe_ids(model->vocabulary) != rows)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: the vocabulary '%.60s' has %d ids, and the CLIP '%.60s' was trained on %d", part->path,
                       part->origin, cv_bpe_ids(model->vocabulary), clip->origin, rows);
done:
    return status;
}

cogvideo_status cv_metrics_open_clip(cv_metrics *model, cogvideo_error *err)
{
    const cv_metrics_part *part = &model->parts[CV_METRICS_CLIP];
    cogvideo_status status = COGVIDEO_OK;
    cv_clip_config config;

    if (!part->store)
        return COGVIDEO_OK;
    CV_TRY(cv_clip_config_parse(&config, part->section, part->where, err));
    CV_TRY(cv_clip_measure(&config, part->store, err));
    if (config.features > 0 && !part->shapes) /* else its scores would pass for those of a CLIP that reads pictures */
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: the tensors project features of the shapes world's I3D, and 'variant' is not 'shapes'",
                       part->where);
    CV_TRY(cv_clip_open(&model->clip, part->store, &config, err));
    CV_TRY(cv_store_check_claimed(part->store, err));
    CV_TRY(open_vocabulary(model, err));
done:
    return status;
}
