/* model.h - an open CogVideo model: its networks, bound to the files of its head. */
#ifndef CV_FAMILY_COGVIDEO_MODEL_MODEL_H
#define CV_FAMILY_COGVIDEO_MODEL_MODEL_H

#include "family/cogvideo/model/description.h"
#include "family/cogvideo/network/stage.h"
#include "family/cogvideo/refiner/refiner.h"
#include "family/cogvideo/upscaler/upscaler.h"
#include "family/family.h"
#include "model/image_tokenizer/image_tokenizer.h"

typedef struct cv_cogvideo {
    cogvideo_model head; /* first */
    cv_description description;
    cv_trunk trunks[2]; /* the second is empty where both stages share the first */
    bool shared_trunk;  /* several networks read the same file of one */
    cv_stage stages[2]; /* .plus is NULL where the stage is absent; stage 1 may have a trunk all the same */
    cv_upscaler *upscaler;
    cv_refiner *refiner;
    cv_image_tokenizer *image_tokenizer;
    cv_clusters *clusters;
} cv_cogvideo;

/* A model of this family as such. */
static inline const cv_cogvideo *cv_cogvideo_of(const cogvideo_model *model)
{
    return (const cv_cogvideo *)(const void *)model;
}

/* open, close, info and property of the family. */
cogvideo_status cv_cogvideo_open(cogvideo_model *model, const char *origin, cogvideo_error *err);
void cv_cogvideo_close(cogvideo_model *model);
void cv_cogvideo_info(const cogvideo_model *model, cogvideo_model_info *out);
bool cv_cogvideo_property(const cogvideo_model *model, int index, cogvideo_property *out);

/* A part that a step needs, and the threads to compute with; or a sentence that says which field of an import
 * (import.h) brings it. */
cogvideo_status cv_need_stage(const cv_cogvideo *model, cv_stage_kind kind, const cv_stage **out, cogvideo_error *err);
/* What a first frame needs: stage 1's network, perhaps its trunk alone. */
cogvideo_status cv_need_trunk(const cv_cogvideo *model, const cv_stage **out, cogvideo_error *err);
/* The same for CogLM's sequences, in which a picture's last code goes in, too: it needs a position. */
cogvideo_status cv_need_coglm(const cv_cogvideo *model, const cv_stage **out, cogvideo_error *err);
cogvideo_status cv_need_upscaler(const cv_cogvideo *model, cogvideo_error *err);
cogvideo_status cv_need_refiner(const cv_cogvideo *model, cogvideo_error *err);
cogvideo_status cv_need_image_tokenizer(const cv_cogvideo *model, cogvideo_error *err);

/* The error where a network's logits are not sound (sample/sampler.h), or a picture that it made or read is of no
 * numbers: row `row` of codes (-1: all of them) of frame `frame` of `what` is made ("key frames"), both from 0. Only
 * then are weights looked at for the one that is to blame. */
cogvideo_status cv_fail_unsound(const cv_cogvideo *model, const char *what, int frame, int row, cogvideo_error *err);

#endif
