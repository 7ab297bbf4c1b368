/* steps.h - whole steps of a model: attention, head and sampling included, as a run takes them. */
#ifndef CV_BENCH_STEPS_H
#define CV_BENCH_STEPS_H

#include <cogvideo/bench.h>
#include <cogvideo/model.h>

/* Appends rows to the report, in codes a second and for the passes over given frames in seconds: guided key frames after one
 * to all but one given frame, interpolation of 1, 2, 4 and 8 windows side by side, and memory at its peak. `seconds` bounds each measurement
 * but for the pass before it. */
cogvideo_status cv_bench_steps(const cogvideo_model *model, double seconds, const cogvideo_bench_request *request,
                               cogvideo_bench_report *out, cogvideo_error *err);

#endif
