/* features.h - the functions of the networks' rows in the family's table (family/features.h), one network a file:
 *
 *     { .name = "i3d", .need = cv_i3d_need, .info = cv_i3d_info, .plan = cv_i3d_plan, ... }
 *
 * Each takes an open model, whose part it reads (model/model.h). */
#ifndef CV_FAMILY_METRICS_FEATURES_FEATURES_H
#define CV_FAMILY_METRICS_FEATURES_FEATURES_H

#include "family/features.h"

#endif
