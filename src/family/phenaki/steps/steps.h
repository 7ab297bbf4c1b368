/* steps.h - the steps of the family and what else its models do with codes: the functions of its table. */
#ifndef CV_FAMILY_PHENAKI_STEPS_STEPS_H
#define CV_FAMILY_PHENAKI_STEPS_STEPS_H

#include "family/phenaki/model/model.h"

#define CV_SCENES_STEP "scenes"

/* "scenes": prompts to boxes of codes, one a scene; `in` are pixels that the first scene goes on from. */
cogvideo_status cv_phenaki_need_scenes(const cogvideo_model *head, cogvideo_error *err);
cogvideo_status cv_phenaki_plan_scenes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                       const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_phenaki_scenes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);

/* "decode", and the family's decode: codec.c. */
cogvideo_status cv_phenaki_plan_decode(const cogvideo_model *head, const cogvideo_generate_options *options,
                                       const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_phenaki_decode(const cogvideo_model *head, const cogvideo_decode_options *options,
                                  const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user,
                                  cogvideo_error *err);

/* Pixels to codes: encoder.c. */
cogvideo_status cv_phenaki_encoder_open(cogvideo_encoder **out, const cogvideo_model *head, int width, int height,
                                        int rate, int expected, const cogvideo_callbacks *callbacks,
                                        cogvideo_error *err);
cogvideo_status cv_phenaki_encoder_frame(cogvideo_encoder *encoder, const uint8_t *pixels, double time,
                                         cogvideo_error *err);
cogvideo_status cv_phenaki_encoder_finish(cogvideo_encoder *encoder, cogvideo_tokens *out, cogvideo_error *err);
void cv_phenaki_encoder_close(cogvideo_encoder *encoder);

/* Log-probabilities of a clip's codes: score.c. */
cogvideo_status cv_phenaki_score(const cogvideo_model *head, const cogvideo_generate_options *options,
                                 const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                                 int *scored, cogvideo_error *err);

/* Writes the header of a clip; without options it was encoded. */
cogvideo_status cv_phenaki_header(const cv_phenaki *model, const cogvideo_generate_options *options, int sample,
                                  cogvideo_tokens *clip, cogvideo_error *err);

#endif
