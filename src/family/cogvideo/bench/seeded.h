/* seeded.h - a model of any size that nobody trained: the same numbers over and over, to measure with. */
#ifndef CV_FAMILY_COGVIDEO_BENCH_SEEDED_H
#define CV_FAMILY_COGVIDEO_BENCH_SEEDED_H

#include "tensor/weight.h"

#include <cogvideo/common.h>

/* A model directory `folder` as `config` (configs/README.md) describes it: the trunk, both stages where it has more
 * than one frame, super-resolution, refiner and image tokenizer where there are sections of them; matrices in `type`,
 * the rest in f32. What an earlier call left there is used again. Nothing but a few rows is held in memory. */
cogvideo_status cv_cogvideo_bench_model(const char *config, cv_weight_type type, const char *folder,
                                        cogvideo_error *err);

#endif
