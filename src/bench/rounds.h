/* rounds.h - takes measurements in turn, round after round, each as a share of a limit measured in the same round:
 * on a machine that is shared with others only such shares can be compared. */
#ifndef CV_BENCH_ROUNDS_H
#define CV_BENCH_ROUNDS_H

#include "base/status.h"

#include <cogvideo/bench.h>

/* Runs once and returns the work done, in the row's unit times 1e9; the caller measures the time. */
typedef double cv_bench_run(void *user);

typedef struct cv_bench_item {
    cogvideo_bench_row row; /* name, unit, limit */
    cv_bench_run *run;
    void *user;
    const double *seconds; /* what the work took, set by the run where it did something else before; NULL: all of it */
} cv_bench_item;

/* Every item once unseen, then `rounds` times; rate and share of each row become medians. The limits are items too,
 * before those that name them. progress: as of the options. */
cogvideo_status cv_bench_rounds(cv_bench_item *items, int count, int rounds, const cogvideo_bench_options *options,
                                cogvideo_error *err);

/* Appends a row that has no limit, unless the report is full. */
void cv_bench_row(cogvideo_bench_report *out, const char *name, double rate, const char *unit);
/* The same of the most memory that the process had so far. */
void cv_bench_memory(cogvideo_bench_report *out);

#endif
