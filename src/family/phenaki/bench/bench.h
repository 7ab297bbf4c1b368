/* bench.h - a Phenaki of any size, of seeded numbers, and how fast its networks are. */
#ifndef CV_FAMILY_PHENAKI_BENCH_BENCH_H
#define CV_FAMILY_PHENAKI_BENCH_BENCH_H

#include "family/family.h"

/* cv_family.bench_model: the networks that the config has sections of. */
cogvideo_status cv_phenaki_bench_model(const char *config, cv_weight_type type, const char *folder,
                                       cogvideo_error *err);
/* cv_family.bench: appends rows of a guided step of the masked transformer, of decoding and encoding a scene, each
 * beside the processor's peak, in operations and in seconds; of reading a text; and of memory. */
cogvideo_status cv_phenaki_bench(const cogvideo_model *head, const cogvideo_bench_options *options,
                                 cogvideo_bench_report *out, cogvideo_error *err);

#endif
