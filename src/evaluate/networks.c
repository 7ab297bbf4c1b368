#include "evaluate/networks.h"

#include "base/cpu.h"
#include "base/units.h"

/* Whether the model has this network, trained on the shapes world alone. */
static bool knows_shapes(const cogvideo_model *model, const char *name)
{
    const cv_feature_network *network = cv_model_feature_network(model, name);
    cv_feature_info info = { 0 };

    if (!network || (network->need && network->need(model, NULL) != COGVIDEO_OK))
        return false;
    network->info(model, &info);
    return info.shapes;
}

cogvideo_status cv_metric_network(const cv_feature_network **out, const cogvideo_model *model, const cv_metric *metric,
                                  cogvideo_error *err)
{
    const char *name = metric->shapes_network && knows_shapes(model, metric->shapes_network) ? metric->shapes_network
                                                                                             : metric->network;
    const cv_feature_network *network = cv_model_feature_network(model, name);
    cv_feature_info info = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    if (!network)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "the model '%s' is of the family '%s', which has no network '%s' for the metric '%s'",
                       model->name, model->family->name, name, metric->word);
    if (network->need)
        CV_TRY(network->need(model, err));
    network->info(model, &info);
    if (info.shapes && !metric->shapes_name)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "the network '%s' of the model '%s' knows the shapes world alone, in which there is no '%s'",
                       name, model->name, metric->word);
    if (metric->kind == CV_METRIC_INCEPTION_SCORE && info.classes == 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the network '%s' of the model '%s' knows no classes, which '%s' needs", name, model->name,
                       metric->word);
    if (metric->kind == CV_METRIC_CLIP && !network->text)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "the network '%s' of the model '%s' reads no texts", name,
                       model->name);
    *out = network;
done:
    return status;
}

cogvideo_status cv_network_memory(const char *what, uint64_t bytes, double max_memory, cogvideo_error *err)
{
    const double have = max_memory > 0 ? max_memory : (double)cv_memory_available();
    char need[CV_UNITS], free[CV_UNITS];

    if (have < 0 || (double)bytes <= have)
        return COGVIDEO_OK;
    cv_units_bytes(need, (double)bytes);
    cv_units_bytes(free, have);
    return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: %s of memory are needed, and %s are %s; --batch 1 needs less%s",
                   what, need, free, max_memory > 0 ? "allowed" : "free",
                   max_memory > 0 ? ", --max-memory allows more" : "");
}
