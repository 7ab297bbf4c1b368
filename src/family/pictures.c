#include "family/pictures.h"

#include "media/frame.h"

cogvideo_status cv_pictures_open(cv_pictures *out, const cogvideo_picture *next, int width, int height,
                                 cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    *out = (cv_pictures){ .next = *next, .width = width, .height = height, .take = take, .user = user };
    if (next->width != width || next->height != height)
        CV_NEW(out->enlarged, cv_frame_bytes(next->width, next->height), err);
done:
    return status;
}

cogvideo_status cv_pictures_give(cv_pictures *pictures, const uint8_t *pixels, cogvideo_error *err)
{
    cogvideo_picture *next = &pictures->next;

    if (pictures->enlarged)
        cv_frame_nearest(pictures->enlarged, next->width, next->height, pixels, pictures->width, pictures->height);
    next->pixels = pictures->enlarged ? pictures->enlarged : pixels;
    if (pictures->take(pictures->user, next) != 0)
        return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
    next->index++;
    return COGVIDEO_OK;
}

void cv_pictures_close(cv_pictures *pictures)
{
    cv_free(pictures->enlarged);
    *pictures = (cv_pictures){ 0 };
}

uint64_t cv_pictures_bytes(int shown_width, int shown_height, int width, int height)
{
    return shown_width == width && shown_height == height ? 0 : cv_frame_bytes(shown_width, shown_height);
}

cogvideo_status cv_pictures_give_all(const cogvideo_video *video, cogvideo_picture_fn *take, void *user,
                                     cogvideo_error *err)
{
    const size_t bytes = cv_frame_bytes(video->width, video->height);

    for (int f = 0; f < video->frames; f++) {
        const cogvideo_picture picture = { video->width,  video->height, f,
                                           video->frames, video->fps,    video->pixels + (size_t)f * bytes };

        if (take(user, &picture) != 0)
            return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_decode_pictures(const cogvideo_model *model, const cogvideo_generate_options *options,
                                   const cogvideo_value *in, cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    cogvideo_decode_options decode = options->decode ? *options->decode : (cogvideo_decode_options){ 0 };

    decode.callbacks = options->callbacks;
    return model->family->decode(model, &decode, &in->codes, take, user, err);
}
