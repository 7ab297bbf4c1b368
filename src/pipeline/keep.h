/* keep.h - of the samples that a run made, those that fit the prompt best: only they go through the steps that are
 * left. */
#ifndef CV_PIPELINE_KEEP_H
#define CV_PIPELINE_KEEP_H

#include "pipeline/run.h"

/* Clips that go through all steps. */
int cv_keep_count(const cv_run *run);
/* Before a run: an error where its samples could not be told apart; and what telling them apart takes (run->scoring).
 * */
cogvideo_status cv_keep_check(cv_run *run, cogvideo_error *err);
/* Behind the first step, whose results are values [samples]: orders them and their clips by caption score, best first,
 * and removes all but cv_keep_count of them, with their files. */
cogvideo_status cv_keep_best(cv_run *run, cogvideo_value *values, cogvideo_error *err);

/* Of an earlier run that is finished: the clips that are there, best first, are the result. */
void cv_keep_found(cv_run *run, const bool *there);

#endif
