/* seeded_store.h - the weights of a network of any size that nobody trained: the same numbers over and over, to measure
 * with. */
#ifndef CV_BENCH_SEEDED_STORE_H
#define CV_BENCH_SEEDED_STORE_H

#include "tensor/store.h"

/* Writes all tensors of a plan to the new file `path`: matrices in `type`, the rest in f32. Nothing but a few rows is
 * held in memory. */
cogvideo_status cv_bench_write_store(const cv_store *plan, cv_weight_type type, const char *path, cogvideo_error *err);

#endif
