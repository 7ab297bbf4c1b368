/* lookahead.h - what looking ahead gains, by how many places of a sequence a step looks at. */
#ifndef CV_FAMILY_COGVIDEO_BENCH_LOOKAHEAD_H
#define CV_FAMILY_COGVIDEO_BENCH_LOOKAHEAD_H

#include "family/cogvideo/model/model.h"

#include <cogvideo/bench.h>

/* Appends, of the first frame, of the key frames behind it and of a window between them: codes a second at each width,
 * as a share of those at width 1, and codes that a step decides. All widths draw the same codes, in turn. */
cogvideo_status cv_bench_lookahead(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                   cogvideo_bench_report *out, cogvideo_error *err);

#endif
