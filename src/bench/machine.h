/* machine.h - what `cogvideo bench` measures when no model is given. */
#ifndef CV_BENCH_MACHINE_H
#define CV_BENCH_MACHINE_H

#include "base/status.h"

#include <cogvideo/bench.h>

/* Does what cogvideo_bench does without a config. */
cogvideo_status cv_bench_machine(const cogvideo_bench_options *options, cogvideo_bench_report *out,
                                 cogvideo_error *err);

#endif
