/* steps.h - what the family's table offers, one file each; contracts as in family.h and, of the same names, generate.h
 * and inspect.h. Options are checked here. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_STEPS_H
#define CV_FAMILY_COGVIDEO_STEPS_STEPS_H

#include "family/cogvideo/model/model.h"

/* Steps. Key frames: `in` (may be NULL) gives frame 0 of every sample: its frame 0 is taken. */
cogvideo_status cv_cogvideo_first_frame(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_complete(const cogvideo_model *head, const cogvideo_generate_options *options,
                                     const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_keyframes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                      const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_interpolate(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_upscale(const cogvideo_model *head, const cogvideo_generate_options *options,
                                    const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_need_upscaler(const cogvideo_model *head, cogvideo_error *err);
cogvideo_status cv_cogvideo_refine(const cogvideo_model *head, const cogvideo_generate_options *options,
                                   const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_need_refiner(const cogvideo_model *head, cogvideo_error *err);
cogvideo_status cv_cogvideo_fit(const cogvideo_model *head, const cogvideo_generate_options *options,
                                const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);
/* Bytes that fitting in takes, of a picture of grid x grid codes. */
size_t cv_fit_bytes(const cv_cogvideo *model, int grid, int rate);
/* Codes that the refiner draws in a frame, in all rounds, inside of mask [upscaled_grid^2] (NULL = everywhere); bytes
 * that it works in. */
long long cv_refine_draws(const cv_refiner_config *config, const uint8_t *mask);
size_t cv_refine_scratch(const cv_cogvideo *model);

cogvideo_status cv_cogvideo_plan_first_frame(const cogvideo_model *head, const cogvideo_generate_options *options,
                                             const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_plan_complete(const cogvideo_model *head, const cogvideo_generate_options *options,
                                          const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_plan_keyframes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                           const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_plan_interpolate(const cogvideo_model *head, const cogvideo_generate_options *options,
                                             const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_plan_upscale(const cogvideo_model *head, const cogvideo_generate_options *options,
                                         const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_plan_refine(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_plan_fit(const cogvideo_model *head, const cogvideo_generate_options *options,
                                     const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_plan_decode(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err);

/* As cogvideo_find_window. */
cogvideo_status cv_cogvideo_window(const cogvideo_model *head, const cogvideo_generate_options *options,
                                   cogvideo_window *out, cogvideo_error *err);

/* The side of the pictures that are made of codes of this shape, in pixels. `options` may be NULL. */
cogvideo_status cv_decoded_side(const cv_cogvideo *model, const cogvideo_decode_options *options,
                                const cogvideo_shape *in, int *side, cogvideo_error *err);
cogvideo_status cv_cogvideo_decode(const cogvideo_model *head, const cogvideo_decode_options *options,
                                   const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user,
                                   cogvideo_error *err);
cogvideo_status cv_cogvideo_encoder_open(cogvideo_encoder **out, const cogvideo_model *head, int width, int height,
                                         int rate, int expected, const cogvideo_callbacks *callbacks,
                                         cogvideo_error *err);
cogvideo_status cv_cogvideo_encoder_frame(cogvideo_encoder *head, const uint8_t *pixels, double time,
                                          cogvideo_error *err);
cogvideo_status cv_cogvideo_encoder_finish(cogvideo_encoder *head, cogvideo_tokens *out, cogvideo_error *err);
void cv_cogvideo_encoder_close(cogvideo_encoder *head);
cogvideo_status cv_cogvideo_score(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                                  int *scored, cogvideo_error *err);
cogvideo_status cv_cogvideo_score_caption(const cogvideo_model *head, const cogvideo_caption_options *options,
                                          const cogvideo_tokens *clip, cogvideo_caption *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_compare(const cogvideo_model *first, const cogvideo_generate_options *options_first,
                                    const cogvideo_model *second, const cogvideo_generate_options *options_second,
                                    const cogvideo_score_options *what, double margin, const cogvideo_tokens *clip,
                                    cogvideo_comparison *out, cogvideo_error *err);
cogvideo_status cv_cogvideo_inspect(const cogvideo_model *head, const cogvideo_generate_options *options,
                                    const cogvideo_inspect_options *what, const cogvideo_tokens *clip,
                                    cogvideo_inspection *out, cogvideo_error *err);
int cv_cogvideo_code_cluster(const cogvideo_model *head, int32_t code);

#endif
