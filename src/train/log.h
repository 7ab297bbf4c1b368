/* log.h - a run's log, RUN/log.jsonl: a line per step and a line per evaluation, each written at once. */
#ifndef CV_TRAIN_LOG_H
#define CV_TRAIN_LOG_H

#include "base/mem.h"

#include <cogvideo/train.h>
#include <stdio.h>

typedef struct cv_train_log {
    char *path;
    FILE *file;
} cv_train_log;

/* A new log, or one that goes on: lines of steps behind the first `steps`, which a checkpoint does not know, are taken
 * out. */
cogvideo_status cv_train_log_open(cv_train_log *out, const char *folder, bool resume, int steps, cogvideo_error *err);
cogvideo_status cv_train_log_step(const cv_train_log *log, const cogvideo_train_progress *progress,
                                  cogvideo_error *err);
/* `members` are further members of the line's object, each behind a comma. */
cogvideo_status cv_train_log_evaluation(const cv_train_log *log, int step, double held_out, const char *members,
                                        cogvideo_error *err);
void cv_train_log_close(cv_train_log *log);

#endif
