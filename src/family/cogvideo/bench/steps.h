/* steps.h - whole steps of a model: attention, head and sampling included, as a run takes them. */
#ifndef CV_FAMILY_COGVIDEO_BENCH_STEPS_H
#define CV_FAMILY_COGVIDEO_BENCH_STEPS_H

#include <cogvideo/bench.h>
#include <cogvideo/model.h>

/* Appends rows to the report, in codes a second and for the passes over given frames in seconds: key frames after none
 * to all but one given frame, guided but for the first; interpolation of 1, 2, 4 and 8 windows side by side; memory
 * after each; what all key frames and all rounds take, worked out from these; and where the model has the parts,
 * decoding of a frame, beside the processor's peak, and super-resolution of one. The options' seconds bound each
 * measurement of steps but for the pass before it. */
cogvideo_status cv_cogvideo_bench(const cogvideo_model *head, const cogvideo_bench_options *options,
                                  cogvideo_bench_report *out, cogvideo_error *err);

#endif
