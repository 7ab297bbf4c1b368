/* family.c - metrics in the registry: networks that compare videos, pictures and texts. They draw nothing, so the
 * family has no steps. */
#include "family/metrics/features/features.h"
#include "family/metrics/model/model.h"

extern const cv_family cv_family_metrics;

const cv_family cv_family_metrics = {
    .name = "metrics",
    .size = sizeof(cv_metrics),
    .open = cv_metrics_open,
    .close = cv_metrics_close,
    .property = cv_metrics_property,
};
