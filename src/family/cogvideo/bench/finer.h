/* finer.h - what is behind a picture's codes: both super-resolutions and decoding, of one picture each. */
#ifndef CV_FAMILY_COGVIDEO_BENCH_FINER_H
#define CV_FAMILY_COGVIDEO_BENCH_FINER_H

#include "bench/rounds.h"
#include "family/cogvideo/model/model.h"

/* Appends rows for those of them that the model has: rate and share of the processor's peak, seconds, memory. In turn,
 * round after round. *seconds: of all that one picture takes. */
cogvideo_status cv_bench_finer(const cv_cogvideo *model, const cogvideo_bench_options *options,
                               cogvideo_bench_report *out, double *seconds, cogvideo_error *err);

#endif
