/* features.h - the features of a set's clips by one network: computed, or found among those that were. */
#ifndef CV_EVALUATE_FEATURES_H
#define CV_EVALUATE_FEATURES_H

#include "evaluate/cache.h"
#include "evaluate/read.h"

/* One set and one network. */
typedef struct cv_features_job {
    const cogvideo_evaluate_options *options;
    const cv_protocol *protocol;
    const cv_set *set;
    cv_side side;
    const char *what; /* of progress: "real clips, i3d" */
    bool strict;      /* a clip that is left out is an error */
} cv_features_job;

/* Clips of the set that are looked at, before any is left out: items, or `samples` of them, each as often as the
 * protocol takes it. */
cogvideo_status cv_features_count(const cv_features_job *job, int *count, cogvideo_error *err);
/* Bytes that the job takes beside the pixels that it reads; refuses what the network would refuse. */
cogvideo_status cv_features_plan(const cv_features_job *job, int clips, uint64_t *bytes, cogvideo_error *err);
/* The rows, in the set's order. Clips that are left out are named in the log. The file that holds them, where one does,
 * in *file (cv_free), else NULL. After a cancelled run what was computed is in the file. */
cogvideo_status cv_features_run(const cv_features_job *job, cv_rows *out, char **file, cogvideo_error *err);

#endif
