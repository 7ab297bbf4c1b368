/* arrows.h - the steps of the pipeline, one file each: what the public functions of generate.h do for this family. */
#ifndef CV_FAMILY_COGVIDEO_ARROWS_H
#define CV_FAMILY_COGVIDEO_ARROWS_H

#include "family/cogvideo/family.h"

#include <cogvideo/inspect.h>

/* Contracts as of the functions of the same names in generate.h and inspect.h. Options are checked here; `options` is never NULL. */
cogvideo_status cv_arrow_keyframes(const cogvideo_model *model, const cogvideo_generate_options *options,
                                   const cogvideo_tokens *first, int count, cogvideo_tokens *out, cogvideo_error *err);
cogvideo_status cv_arrow_interpolate(const cogvideo_model *model, const cogvideo_generate_options *options,
                                     const cogvideo_tokens *in, int rounds, int batch, cogvideo_tokens *out,
                                     cogvideo_error *err);
cogvideo_status cv_arrow_upscale(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_tokens *in, cogvideo_tokens *out, cogvideo_error *err);
cogvideo_status cv_arrow_score(const cogvideo_model *model, const cogvideo_generate_options *options,
                               const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                               int *scored, cogvideo_error *err);
cogvideo_status cv_arrow_inspect(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_inspect_options *what, const cogvideo_tokens *clip, cogvideo_inspection *out,
                                 cogvideo_error *err);
void cv_inspection_free(cogvideo_inspection *inspection);
cogvideo_status cv_arrow_compare(const cogvideo_model *a, const cogvideo_model *b,
                                 const cogvideo_generate_options *options, const cogvideo_score_options *what,
                                 double margin, const cogvideo_tokens *clip, cogvideo_comparison *out,
                                 cogvideo_error *err);
cogvideo_status cv_arrow_decode(const cogvideo_model *model, const cogvideo_decode_options *options,
                                const cogvideo_tokens *in, cogvideo_video *out, cogvideo_error *err);
cogvideo_status cv_arrow_encode(const cogvideo_model *model, const cogvideo_video *in, int rate,
                                const cogvideo_callbacks *callbacks, cogvideo_tokens *out, cogvideo_error *err);
cogvideo_status cv_arrow_check(const cogvideo_model *model, const cogvideo_generate_options *options, cogvideo_stage stage, int frames,
                               int rounds, cogvideo_error *err);
cogvideo_status cv_encoder_open(cogvideo_encoder **out, const cogvideo_model *model, int size, int rate, int expected,
                                const cogvideo_callbacks *callbacks, cogvideo_error *err);
cogvideo_status cv_encoder_frame(cogvideo_encoder *encoder, const uint8_t *pixels, double time, cogvideo_error *err);
cogvideo_status cv_encoder_finish(cogvideo_encoder **encoder, cogvideo_tokens *out, cogvideo_error *err);
void cv_encoder_close(cogvideo_encoder **encoder);
cogvideo_status cv_arrow_plan(const cogvideo_model *model, const cogvideo_generate_options *options,
                              cogvideo_stage stage, int frames, cogvideo_plan *out, cogvideo_error *err);

#endif
