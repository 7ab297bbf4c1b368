/* forecast.h - what a run will take, told before it begins: memory and disk. One that does not fit is refused before
 * hours are spent. */
#ifndef CV_PIPELINE_FORECAST_H
#define CV_PIPELINE_FORECAST_H

#include "pipeline/chain.h"

typedef struct cv_forecast {
    const cv_chain *chain;
    const cogvideo_model *model;
    const cogvideo_run_options *run;
    int samples, kept; /* of the first step; of those behind it */
    uint64_t writer;   /* bytes of memory that a video takes to be written */
    uint64_t scoring;  /* and choosing the samples that are kept */
} cv_forecast;

/* Says what each step will compute and how much memory it takes; an error where that is more than there is. */
cogvideo_status cv_forecast_memory(const cv_forecast *forecast, cogvideo_error *err);

/* The same of the disk that the output stands on: a journal of all units but `known` bytes of them, the codes of every
 * step, and the videos, in the form that the name's ending tells. */
cogvideo_status cv_forecast_disk(const cv_forecast *forecast, uint64_t known, cogvideo_error *err);

#endif
