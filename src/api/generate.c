/* generate.c - the public arrows: each is handed to the model's family. */
#include "family/cogvideo/arrows.h"

#include <math.h>

void cogvideo_generate_defaults(cogvideo_generate_options *options)
{
    *options = (cogvideo_generate_options){ .text_weight = NAN };
}

cogvideo_status cogvideo_keyframes(const cogvideo_model *model, const cogvideo_generate_options *options,
                                   const cogvideo_tokens *first, int count, cogvideo_tokens *out, cogvideo_error *err)
{
    return cv_arrow_keyframes(model, options, first, count, out, err);
}

cogvideo_status cogvideo_interpolate(const cogvideo_model *model, const cogvideo_generate_options *options,
                                     const cogvideo_tokens *in, int rounds, int batch, cogvideo_tokens *out,
                                     cogvideo_error *err)
{
    return cv_arrow_interpolate(model, options, in, rounds, batch, out, err);
}

cogvideo_status cogvideo_upscale(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_tokens *in, cogvideo_tokens *out, cogvideo_error *err)
{
    return cv_arrow_upscale(model, options, in, out, err);
}

cogvideo_status cogvideo_score(const cogvideo_model *model, const cogvideo_generate_options *options,
                               const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                               int *scored, cogvideo_error *err)
{
    return cv_arrow_score(model, options, what, clip, logprob, scored, err);
}

cogvideo_status cogvideo_compare(const cogvideo_model *a, const cogvideo_model *b,
                                 const cogvideo_generate_options *options, const cogvideo_score_options *what,
                                 double margin, const cogvideo_tokens *clip, cogvideo_comparison *out,
                                 cogvideo_error *err)
{
    return cv_arrow_compare(a, b, options, what, margin, clip, out, err);
}

cogvideo_status cogvideo_decode(const cogvideo_model *model, const cogvideo_decode_options *options,
                                const cogvideo_tokens *in, cogvideo_video *out, cogvideo_error *err)
{
    return cv_arrow_decode(model, options, in, out, err);
}

cogvideo_status cogvideo_encode(const cogvideo_model *model, const cogvideo_video *in, int rate,
                                const cogvideo_callbacks *callbacks, cogvideo_tokens *out, cogvideo_error *err)
{
    return cv_arrow_encode(model, in, rate, callbacks, out, err);
}

cogvideo_status cogvideo_check_stage(const cogvideo_model *model, const cogvideo_generate_options *options, cogvideo_stage stage,
                                     int frames, int rounds, cogvideo_error *err)
{
    return cv_arrow_check(model, options, stage, frames, rounds, err);
}

cogvideo_status cogvideo_encoder_open(cogvideo_encoder **out, const cogvideo_model *model, int size, int rate, int expected,
                                      const cogvideo_callbacks *callbacks, cogvideo_error *err)
{
    return cv_encoder_open(out, model, size, rate, expected, callbacks, err);
}

cogvideo_status cogvideo_encoder_frame(cogvideo_encoder *encoder, const uint8_t *pixels, double time, cogvideo_error *err)
{
    return cv_encoder_frame(encoder, pixels, time, err);
}

cogvideo_status cogvideo_encoder_finish(cogvideo_encoder **encoder, cogvideo_tokens *out, cogvideo_error *err)
{
    return cv_encoder_finish(encoder, out, err);
}

void cogvideo_encoder_close(cogvideo_encoder **encoder)
{
    cv_encoder_close(encoder);
}

cogvideo_status cogvideo_plan_stage(const cogvideo_model *model, const cogvideo_generate_options *options,
                                    cogvideo_stage stage, int frames, cogvideo_plan *out, cogvideo_error *err)
{
    return cv_arrow_plan(model, options, stage, frames, out, err);
}
