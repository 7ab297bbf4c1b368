/* clip_text.c - texts by CLIP, in the ids of the vocabulary that the model has. */
#include "family/metrics/features/features.h"
#include "family/metrics/model/model.h"

#include <string.h>

/* The ids of a text [config.context]. */
static cogvideo_status encode(const cogvideo_model *model, const char *text, bool cut, int32_t *ids, int *count,
                              cogvideo_error *err)
{
    const cv_metrics *metrics = cv_metrics_of(model);
    const cv_clip_config *config = cv_clip_config_of(metrics->clip);
    cogvideo_status status;
    size_t used;

    if (config->end >= 0) {
        CV_TRY(cv_model_need_text(model, err));
        return cv_clip_caption(config, model->text, text, cut, ids, count, err);
    }
    CV_TRY(cv_metrics_need(model, CV_METRICS_CLIP_VOCABULARY, err));
    CV_TRY(cv_bpe_row(metrics->vocabulary, text, strlen(text), cut, ids, (size_t)config->context, &used, err));
    *count = (int)used;
done:
    return status;
}

cogvideo_status cv_clip_features_text(const cogvideo_model *model, const char *text, bool cut, float *feature,
                                      cogvideo_error *err)
{
    const cv_clip *clip = cv_metrics_of(model)->clip;
    cv_arena measure = { 0 }, arena = { 0 };
    cogvideo_status status;
    int32_t *ids = NULL;
    int count;

    CV_TRY(cv_metrics_need(model, CV_METRICS_CLIP, err));
    CV_NEW(ids, cv_clip_config_of(clip)->context, err);
    CV_TRY(encode(model, text, cut, ids, &count, err));
    CV_TRY(cv_clip_text(&model->exec, clip, NULL, NULL, count, &measure, err));
    CV_TRY(cv_arena_create(&arena, measure.peak, err));
    CV_TRY(cv_clip_text(&model->exec, clip, feature, ids, count, &arena, err));
done:
    cv_arena_free(&arena);
    cv_free(ids);
    return status;
}
