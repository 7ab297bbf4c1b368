/* family.h - an open CogVideo model: its files mapped, its networks bound, what a run needs of threads and log. */
#ifndef CV_FAMILY_COGVIDEO_FAMILY_H
#define CV_FAMILY_COGVIDEO_FAMILY_H

#include "family/cogvideo/description.h"
#include "model/cogvideo/stage.h"
#include "model/image_tokenizer/image_tokenizer.h"
#include "model/upscaler/upscaler.h"
#include "nn/exec.h"
#include "tokenizer/text.h"

#include <cogvideo/generate.h>

/* Files of a model: both stages' trunks (one where they share it) and own parts, upscaler, image tokenizer, clusters. */
#define CV_MAX_STORES 7

struct cogvideo_model {
    cv_exec exec;
    cogvideo_log log;
    cv_description description;
    cv_store *stores[CV_MAX_STORES];
    int store_count;
    cv_trunk trunks[2]; /* the second is empty where both stages share the first */
    bool shared_trunk;
    cv_stage stages[2]; /* .plus is NULL where the stage is absent; stage 1 may have a trunk all the same */
    cv_upscaler *upscaler;
    cv_image_tokenizer *image_tokenizer;
    cv_clusters *clusters;
    cv_text *text;
    char *text_path;
    uint64_t text_bytes;
    char types[40]; /* of the weights, such as "f16, q8" */
};

cogvideo_status cv_family_open(cogvideo_model **out, const char *directory, const cogvideo_model_options *options,
                               cogvideo_error *err);
void cv_family_close(cogvideo_model **model);

/* A part that a step needs, and the threads to compute with; or a sentence that says which field of an import (import.h) brings it. */
cogvideo_status cv_need_stage(const cogvideo_model *model, cv_stage_kind kind, const cv_stage **out,
                              cogvideo_error *err);
/* What a first frame needs: stage 1's network, perhaps its trunk alone. */
cogvideo_status cv_need_trunk(const cogvideo_model *model, const cv_stage **out, cogvideo_error *err);
cogvideo_status cv_need_upscaler(const cogvideo_model *model, cogvideo_error *err);
cogvideo_status cv_need_image_tokenizer(const cogvideo_model *model, cogvideo_error *err);
cogvideo_status cv_need_text(const cogvideo_model *model, cogvideo_error *err);

/* The error where a network's logits are not sound (sample/sampler.h), or a picture that it made or read is of no numbers: row `row` of codes
 * (-1: all of them) of frame `frame`, both from 0, in that stage. Only then are weights looked at for the one that is to blame. */
cogvideo_status cv_fail_unsound(const cogvideo_model *model, cogvideo_stage stage, int frame, int row, cogvideo_error *err);

#endif
