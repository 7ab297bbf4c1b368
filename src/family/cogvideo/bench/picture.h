/* picture.h - the codes of a picture from a text: what a trunk draws by itself. */
#ifndef CV_FAMILY_COGVIDEO_BENCH_PICTURE_H
#define CV_FAMILY_COGVIDEO_BENCH_PICTURE_H

#include "bench/rounds.h"
#include "family/cogvideo/model/model.h"

/* Appends rows for one picture and for four side by side: the weights that are read in a second and their share of what
 * the machine can read, in turn, round after round; codes a second; memory. Each drawing takes at most `seconds` behind
 * its first code. *whole: what all codes of one picture take. */
cogvideo_status cv_bench_picture(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                 cogvideo_bench_report *out, double *whole, cogvideo_error *err);

#endif
