/* fit.c - what was drawn of a photo put into it again: CogView2's driver decodes it, sets its pixels into the photo,
 * and makes codes of the whole once more. So nothing of what comes out is the given photo pixel for pixel. */
#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/steps/header.h"
#include "family/cogvideo/steps/photo.h"
#include "family/cogvideo/steps/steps.h"
#include "family/work.h"

#include <string.h>

/* Of the network. */
static size_t scratch_of(const cv_cogvideo *model, int side, int grid, int rate)
{
    const cv_exec *exec = &model->head.exec;
    const size_t decode = cv_image_tokenizer_decode_scratch(model->image_tokenizer, exec, grid, grid, rate),
                 encode = cv_image_tokenizer_encode_scratch(model->image_tokenizer, exec, side, side);

    return decode > encode ? decode : encode;
}

size_t cv_fit_bytes(const cv_cogvideo *model, int grid, int rate)
{
    const size_t side = (size_t)cv_photo_side(model), drawn = (size_t)grid * (size_t)rate;

    return 3 * sizeof(float) * (side * side + drawn * drawn) + scratch_of(model, (int)side, grid, rate);
}

/* The window of a photo's planes becomes pixels [side][side][3] by nearest neighbour. */
static void put(float *planes, int photo_side, const cv_photo_part *window, const float *pixels, int side)
{
    const float step = (float)side / (float)window->height;
    const size_t plane = (size_t)photo_side * (size_t)photo_side;

    for (int row = 0; row < window->height; row++)
        for (int column = 0; column < window->width; column++) {
            const size_t from = (size_t)(int)((float)row * step) * (size_t)side + (size_t)(int)((float)column * step);
            const size_t to = (size_t)(window->row + row) * (size_t)photo_side + (size_t)(window->column + column);

            for (size_t c = 0; c < 3; c++)
                planes[c * plane + to] = pixels[3 * from + c];
        }
}

cogvideo_status cv_cogvideo_fit(const cogvideo_model *head, const cogvideo_generate_options *options,
                                const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cogvideo_tokens *drawn = &in->codes;
    const int side = cv_photo_side(model), rate = model->description.rate, drawn_side = drawn->height * drawn->rate;
    const size_t pixels = (size_t)side * (size_t)side, drawn_pixels = (size_t)drawn_side * (size_t)drawn_side;
    float *photo = NULL, *rgb = NULL;
    cogvideo_tokens clip = { 0 };
    cv_json *header = NULL;
    cv_arena arena = { 0 };
    cv_photo_part window;
    cogvideo_status status;

    CV_TRY(cv_need_image_tokenizer(model, err));
    if (!options->picture)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a picture is missing, into which codes are fitted");
    CV_TRY(cv_check_clip(drawn, drawn->height, model->description.image_tokenizer.codes, "fitting in", err));
    CV_TRY(cv_photo_window(model, options, &window, err));
    CV_NEW(photo, 3 * pixels, err);
    CV_NEW(rgb, 3 * drawn_pixels, err);
    CV_TRY(cv_arena_create(&arena, scratch_of(model, side, drawn->height, drawn->rate), err));
    CV_TRY(cv_image_tokenizer_decode(&model->head.exec, model->image_tokenizer, rgb, drawn->codes, drawn->width,
                                     drawn->height, drawn->rate, &arena, err));
    cv_photo_planes(photo, options->picture, &(cv_photo_part){ 0, 0, side, side });
    put(photo, side, &window, rgb, drawn_side);
    CV_TRY(cogvideo_tokens_alloc(&clip, side / rate, side / rate, rate, 1, err));
    CV_TRY(cv_image_tokenizer_encode_planes(&model->head.exec, model->image_tokenizer, clip.codes, NULL, photo, side,
                                            side, rate, &arena, err));
    CV_TRY(cv_header_begin(&header, model, options, drawn->header, err));
    CV_TRY(cv_header_end(&header, &clip, err));
    if (cv_frame_done(&options->callbacks, "fit", &clip, options->first_sample, 0)) {
        status = cv_cancelled(err);
        goto done;
    }
    *out = (cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = clip };
    clip = (cogvideo_tokens){ 0 };
done:
    cv_json_free(&header);
    cogvideo_tokens_free(&clip);
    cv_free(photo);
    cv_free(rgb);
    cv_arena_free(&arena);
    return status;
}
