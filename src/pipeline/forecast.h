/* forecast.h - what a run will take, told before it begins: memory and disk. One that does not fit is refused before
 * hours are spent. */
#ifndef CV_PIPELINE_FORECAST_H
#define CV_PIPELINE_FORECAST_H

#include "pipeline/chain.h"

/* Says what each step will compute, of `samples` clips, and how much memory it takes; an error where that is more than
 * there is. A video takes `writer` bytes to be written, too. */
cogvideo_status cv_forecast_memory(const cv_chain *chain, const cogvideo_model *model, const cogvideo_run_options *run,
                                   int samples, uint64_t writer, cogvideo_error *err);

/* The same of the disk that `output` stands on: a journal of all units but `known` bytes of them, the codes of every
 * step, and the videos, in the form that the name's ending tells. */
cogvideo_status cv_forecast_disk(const cv_chain *chain, const cogvideo_model *model, const char *output, int samples,
                                 uint64_t known, cogvideo_error *err);

/* The bytes that a run may take: run->max_memory, or what is free; negative where nobody knows. */
double cv_forecast_available(const cogvideo_run_options *run);

#endif
