/* result.h - filling in the rows of an evaluation. */
#ifndef CV_EVALUATE_RESULT_H
#define CV_EVALUATE_RESULT_H

#include "base/mem.h"

#include <cogvideo/evaluate.h>

/* Adds a number beside the metric's; `group` and `name` are not copied. */
cogvideo_status cv_metric_add_detail(cogvideo_metric *metric, const char *group, const char *name, double value,
                                     int samples, cogvideo_error *err);
/* Adds a sentence. */
cogvideo_status cv_metric_warn(cogvideo_metric *metric, cogvideo_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cv_metric_free(cogvideo_metric *metric);
/* Adds the name of a feature file, which becomes the evaluation's; NULL, and one that is there, are passed over. */
cogvideo_status cv_evaluation_add_file(cogvideo_evaluation *evaluation, char *file, cogvideo_error *err);

#endif
