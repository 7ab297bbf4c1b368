#include "family/pictures.h"

#include "media/frame.h"

#include <string.h>

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
        return cv_cancelled(err);
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
            return cv_cancelled(err);
    }
    return COGVIDEO_OK;
}

/* Pictures on their way, outside of whose mask the given picture stands. */
typedef struct overlay {
    const cogvideo_generate_options *options;
    uint8_t *pixels; /* of the size of what is shown */
    cogvideo_picture_fn *take;
    void *user;
    cogvideo_error why;
} overlay;

static int lay_over(void *user, const cogvideo_picture *picture)
{
    overlay *o = user;
    const cogvideo_generate_options *options = o->options;
    const cogvideo_video *given = options->picture;
    const size_t bytes = cv_frame_bytes(picture->width, picture->height);
    cogvideo_picture laid = *picture;

    if (!o->pixels && !(o->pixels = cv_alloc(bytes, 1, &o->why)))
        return 1;
    memcpy(o->pixels, picture->pixels, bytes);
    for (int row = 0; row < picture->height; row++)
        for (int column = 0; column < picture->width; column++) {
            const size_t y = (size_t)((long long)row * given->height / picture->height),
                         x = (size_t)((long long)column * given->width / picture->width);
            uint8_t *pixel = o->pixels + 3 * ((size_t)row * (size_t)picture->width + (size_t)column);

            if (!options->mask[y * (size_t)options->mask_width + x])
                memcpy(pixel, given->pixels + 3 * (y * (size_t)given->width + x), 3);
        }
    laid.pixels = o->pixels;
    return o->take(o->user, &laid);
}

/* Decodes so that only what is masked is of the codes. The options were checked: the mask has the picture's size. */
static cogvideo_status decode_inside(const cogvideo_model *model, const cogvideo_generate_options *options,
                                     const cogvideo_decode_options *decode, const cogvideo_tokens *codes,
                                     cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    overlay o = { .options = options, .take = take, .user = user };
    cogvideo_status status;

    status = model->family->decode(model, decode, codes, lay_over, &o, err);
    if (o.why.status != COGVIDEO_OK && err)
        *err = o.why;
    cv_free(o.pixels);
    return o.why.status != COGVIDEO_OK ? o.why.status : status;
}

cogvideo_status cv_decode_pictures(const cogvideo_model *model, const cogvideo_generate_options *options,
                                   const cogvideo_value *in, cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    cogvideo_decode_options decode = options->decode ? *options->decode : (cogvideo_decode_options){ 0 };

    decode.callbacks = options->callbacks;
    if (decode.keep_outside && options->picture)
        return decode_inside(model, options, &decode, &in->codes, take, user, err);
    return model->family->decode(model, &decode, &in->codes, take, user, err);
}
