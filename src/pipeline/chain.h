/* chain.h - the steps of a run, in order, and what each of them takes. */
#ifndef CV_PIPELINE_CHAIN_H
#define CV_PIPELINE_CHAIN_H

#include "family/family.h"

#include <cogvideo/pipeline.h>

typedef struct cv_chain {
    const cv_step *steps[COGVIDEO_MAX_STEPS];
    cogvideo_plan plans[COGVIDEO_MAX_STEPS];
    int count;
} cv_chain;

/* All steps of the model's family, which must end in pixels or codes, but those that the model lacks and can do
 * without, those that the run leaves out, and those that it would have to ask for. */
cogvideo_status cv_chain_of_family(cv_chain *out, const cogvideo_model *model, const cogvideo_run_options *run,
                                   cogvideo_error *err);
/* One step alone, which must make codes. */
cogvideo_status cv_chain_of_step(cv_chain *out, const cogvideo_model *model, const char *name, cogvideo_error *err);

/* Plans one step after the other, from the shape `in` (NULL: the first begins with the prompt alone). */
cogvideo_status cv_chain_plan(cv_chain *chain, const cogvideo_model *model, const cogvideo_generate_options *options,
                              const cogvideo_shape *in, cogvideo_error *err);

/* Of the last step. */
const cogvideo_shape *cv_chain_shape(const cv_chain *chain);
/* The last step that makes codes, or -1. */
int cv_chain_codes_step(const cv_chain *chain);
/* Bytes of the units that all steps keep, of so many samples. */
double cv_chain_kept(const cv_chain *chain, int samples);
/* Codes that all steps draw, of all samples. */
long long cv_chain_codes(const cv_chain *chain, int samples);

#endif
