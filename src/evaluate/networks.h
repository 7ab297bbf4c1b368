/* networks.h - which network computes a metric, and whether its model can. */
#ifndef CV_EVALUATE_NETWORKS_H
#define CV_EVALUATE_NETWORKS_H

#include "evaluate/metrics.h"

/* The network of a metric in a model, which has what it needs; an error where the model's family has no such network,
 * the model lacks its part, or the metric cannot be had of it. */
cogvideo_status cv_metric_network(const cv_feature_network **out, const cogvideo_model *model, const cv_metric *metric,
                                  cogvideo_error *err);
/* Whether a network gets the memory that it takes: `bytes`, of max_memory, or else of what is free. */
cogvideo_status cv_network_memory(const char *what, uint64_t bytes, double max_memory, cogvideo_error *err);

#endif
