/* encoder.c - pixels to codes frame by frame, by the encoder of the model's family; and a clip at once by the same. */
#include "family/family.h"

cogvideo_status cogvideo_encoder_open(cogvideo_encoder **out, const cogvideo_model *model, int width, int height,
                                      int rate, int expected, const cogvideo_callbacks *callbacks, cogvideo_error *err)
{
    return model->family->encoder_open
               ? model->family->encoder_open(out, model, width, height, rate, expected, callbacks, err)
               : cv_model_cannot(model, "encode pixels", err);
}

cogvideo_status cogvideo_encoder_frame(cogvideo_encoder *encoder, const uint8_t *pixels, double time,
                                       cogvideo_error *err)
{
    return encoder->model->family->encoder_frame(encoder, pixels, time, err);
}

cogvideo_status cogvideo_encoder_finish(cogvideo_encoder **encoder, cogvideo_tokens *out, cogvideo_error *err)
{
    cogvideo_status status = (*encoder)->model->family->encoder_finish(*encoder, out, err);

    cogvideo_encoder_close(encoder);
    return status;
}

void cogvideo_encoder_close(cogvideo_encoder **encoder)
{
    if (*encoder)
        (*encoder)->model->family->encoder_close(*encoder);
    *encoder = NULL;
}

cogvideo_status cogvideo_encode(const cogvideo_model *model, const cogvideo_video *in, int rate,
                                const cogvideo_callbacks *callbacks, cogvideo_tokens *out, cogvideo_error *err)
{
    const size_t bytes = (size_t)in->width * (size_t)in->height * 3;
    const double step = in->fps > 0 ? 1 / in->fps : 1;
    cogvideo_encoder *encoder = NULL;
    cogvideo_status status;

    CV_TRY(cogvideo_encoder_open(&encoder, model, in->width, in->height, rate, in->frames, callbacks, err));
    for (int f = 0; f < in->frames; f++)
        CV_TRY(cogvideo_encoder_frame(encoder, in->pixels + (size_t)f * bytes, f * step, err));
    status = cogvideo_encoder_finish(&encoder, out, err);
done:
    cogvideo_encoder_close(&encoder);
    return status;
}
