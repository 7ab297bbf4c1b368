/* model.h - an open Phenaki model: its networks, bound to the files of its head. Any part may be missing; a step says
 * what it needs. */
#ifndef CV_FAMILY_PHENAKI_MODEL_MODEL_H
#define CV_FAMILY_PHENAKI_MODEL_MODEL_H

#include "family/family.h"
#include "family/phenaki/network/cvivit.h"
#include "family/phenaki/network/masked.h"
#include "model/t5/t5.h"

typedef struct cv_phenaki {
    cogvideo_model head; /* first */
    /* What no file of weights tells: model.json's "clip" of a first scene and of its continuation. */
    int height, width; /* pixels of a frame, multiples of the patch; 0 = unknown, as long as only parts are there */
    int frames;        /* of a scene, 1 + patch_frames * j */
    double fps;
    int context; /* frames of a scene that the next one begins with, 1 + patch_frames * j */
    cv_cvivit *tokenizer;
    cv_masked *masked;
    cv_masked *critic;          /* NULL = none, or a self critic */
    cv_self_critic self_critic; /* to_pred.weight.N 0 = none */
    cv_t5 *text_encoder;
    cogvideo_sampling sampling; /* the model's own values: settings.c */
    double guidance;
} cv_phenaki;

/* A model of this family as such. */
static inline const cv_phenaki *cv_phenaki_of(const cogvideo_model *model)
{
    return (const cv_phenaki *)(const void *)model;
}

/* open, close, info and property of the family. */
cogvideo_status cv_phenaki_open(cogvideo_model *model, const char *origin, cogvideo_error *err);
void cv_phenaki_close(cogvideo_model *model);
void cv_phenaki_info(const cogvideo_model *model, cogvideo_model_info *out);
bool cv_phenaki_property(const cogvideo_model *model, int index, cogvideo_property *out);

/* The model's own values of a run; and what of them stands in model.json. */
void cv_phenaki_defaults(const cogvideo_model *head, cogvideo_generate_options *options);
cogvideo_status cv_phenaki_read_settings(cv_phenaki *model, const char *origin, cogvideo_error *err);

/* Length of a scene as options tell it, which is in their range: behind its first picture. */
double cv_phenaki_seconds(const cv_phenaki *model);

/* Bytes of the mapped files that its networks read. */
uint64_t cv_phenaki_weights(const cv_phenaki *model);

/* The part that a step needs, with the threads that compute it, or an error that says how it can be had. */
cogvideo_status cv_need_video_tokenizer(const cv_phenaki *model, cogvideo_error *err);
/* The masked transformer and all that it stands on: text encoder, text tokenizer, and a video tokenizer of as many
 * codes. */
cogvideo_status cv_need_masked(const cv_phenaki *model, cogvideo_error *err);
cogvideo_status cv_need_critic(const cv_phenaki *model, cogvideo_error *err);

/* Vectors of a text: [rows][text_width] and what of them is seen. */
typedef struct cv_phenaki_text {
    float *vectors;
    uint8_t *mask;
    int rows;
} cv_phenaki_text;
/* Of one text. Where the masked transformer reads none it may say anything, else it must not be empty, and more than
 * CV_T5_LONGEST ids are cut with a warning where `cut`, or an error. */
cogvideo_status cv_phenaki_read_text(const cv_phenaki *model, const char *text, bool cut, cv_phenaki_text *out,
                                     cogvideo_error *err);
void cv_phenaki_text_free(cv_phenaki_text *text);

#endif
