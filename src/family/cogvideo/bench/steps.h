/* steps.h - whole steps of a model: attention, head and sampling included, as a run takes them. */
#ifndef CV_FAMILY_COGVIDEO_BENCH_STEPS_H
#define CV_FAMILY_COGVIDEO_BENCH_STEPS_H

#include <cogvideo/bench.h>
#include <cogvideo/model.h>

/* Appends rows to the report, in codes a second and for the passes over given frames in seconds: key frames after none
 * to all but one given frame, guided but for the first; interpolation of 1, 2, 4 and 8 windows side by side; memory
 * after each; what all key frames and all rounds take, worked out from these. Of a model without stages instead: a
 * picture, one and four side by side, beside the bandwidth of memory. Then, where the model has the parts, beside the
 * processor's peak: super-resolution of a frame, a round of refining it, decoding it. With `lookahead` nothing but
 * that. The options' seconds bound each measurement of steps but for the pass before it. */
cogvideo_status cv_cogvideo_bench(const cogvideo_model *head, const cogvideo_bench_options *options,
                                  cogvideo_bench_report *out, cogvideo_error *err);

#endif
