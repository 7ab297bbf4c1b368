#include "family/cogvideo/steps/photo.h"

#include "family/cogvideo/steps/steps.h"
#include "media/icetk.h"

#include <string.h>

int cv_photo_side(const cv_cogvideo *model)
{
    const cv_description *d = &model->description;

    return d->rate * (model->upscaler ? d->upscaler.upscaled_grid : d->network.grid);
}

/* --- the window ----------------------------------------------------------------------------------------------- */

/* The first and the last masked row, or column; false where none is masked. */
static bool extent(const cogvideo_generate_options *options, bool columns, int *first, int *last)
{
    *first = *last = -1;
    for (int row = 0; row < options->mask_height; row++)
        for (int column = 0; column < options->mask_width; column++) {
            const int at = columns ? column : row;

            if (!options->mask[(size_t)row * (size_t)options->mask_width + (size_t)column])
                continue;
            *first = *first < 0 || at < *first ? at : *first;
            *last = at > *last ? at : *last;
        }
    return *first >= 0;
}

/* Where a window of `side` pixels around first .. last begins, of a photo of `all`. */
static int begin_of(int first, int last, int side, int all)
{
    const double centre = (first + last) / 2.0, half = side / 2.0;

    if ((int)(centre + half) >= all)
        return all - side;
    return centre > half ? (int)(centre - half) : 0;
}

cogvideo_status cv_photo_window(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_photo_part *out,
                                cogvideo_error *err)
{
    const int photo = cv_photo_side(model);
    int top, bottom, left, right, side, all;
    cogvideo_status status = COGVIDEO_OK;

    *out = (cv_photo_part){ 0, 0, options->mask_height, options->mask_width };
    if (!options->mask && !options->picture)
        return COGVIDEO_OK;
    CV_TRY(cv_options_check(&model->head, options, err));
    if (!options->picture)
        return COGVIDEO_OK;
    if (options->picture->height != photo || options->picture->width != photo)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the picture has %dx%d pixels, this model completes %dx%d",
                       options->picture->width, options->picture->height, photo, photo);
    if (!extent(options, false, &top, &bottom) || !extent(options, true, &left, &right))
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "the mask marks nothing within the picture's centred square, which this model completes in %dx%d pixels: "
            "bright pixels of a mask mark what is drawn anew",
            photo, photo);
    /* what is masked takes 14 of 20 codes, so that the networks see some of what surrounds it */
    all = options->mask_height;
    side = (bottom - top + 1) * 20 / 14 > (right - left + 1) * 20 / 14 ? (bottom - top + 1) * 20 / 14
                                                                       : (right - left + 1) * 20 / 14;
    /* without super-resolution the networks see all of it as it is: a part would only be enlarged */
    if (side < all && model->upscaler)
        *out = (cv_photo_part){ begin_of(top, bottom, side, all), begin_of(left, right, side, all), side, side };
done:
    return status;
}

cogvideo_status cv_cogvideo_window(const cogvideo_model *head, const cogvideo_generate_options *options,
                                   cogvideo_window *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    cogvideo_status status = COGVIDEO_OK;
    cv_photo_part window;

    *out = (cogvideo_window){ .side = cv_photo_side(model), .fine = model->upscaler != NULL };
    if (!options->picture)
        return COGVIDEO_OK;
    CV_TRY(cv_photo_window(model, options, &window, err));
    out->row = window.row;
    out->column = window.column;
    out->size = window.height;
    out->fine = model->upscaler && window.height > model->description.network.grid * model->description.rate;
done:
    return status;
}

/* --- its codes ------------------------------------------------------------------------------------------------ */

void cv_photo_planes(float *planes, const cogvideo_video *photo, const cv_photo_part *window)
{
    const size_t pixels = (size_t)window->height * (size_t)window->width;

    for (size_t i = 0; i < pixels; i++) {
        const size_t row = (size_t)window->row + i / (size_t)window->width,
                     column = (size_t)window->column + i % (size_t)window->width;
        const uint8_t *from = photo->pixels + 3 * (row * (size_t)photo->width + column);

        for (size_t c = 0; c < 3; c++)
            planes[c * pixels + i] = (float)from[c] / 255.0f;
    }
}

size_t cv_photo_bytes(const cv_cogvideo *model, int side)
{
    const size_t photo = (size_t)cv_photo_side(model), pixels = photo * photo + (size_t)side * (size_t)side;

    return 3 * sizeof(float) * pixels +
           cv_image_tokenizer_encode_scratch(model->image_tokenizer, &model->head.exec, side, side);
}

cogvideo_status cv_photo_codes(const cv_cogvideo *model, const cogvideo_generate_options *options, int side,
                               int32_t *codes, cogvideo_error *err)
{
    const cv_exec *exec = &model->head.exec;
    float *part = NULL, *resized = NULL; /* planes */
    cv_arena arena = { 0 };
    cv_photo_part window;
    cogvideo_status status;

    CV_TRY(cv_need_image_tokenizer(model, err));
    CV_TRY(cv_photo_window(model, options, &window, err));
    CV_NEW(part, 3 * (size_t)window.height * (size_t)window.width, err);
    CV_NEW(resized, 3 * (size_t)side * (size_t)side, err);
    CV_TRY(cv_arena_create(&arena, cv_image_tokenizer_encode_scratch(model->image_tokenizer, exec, side, side), err));
    cv_photo_planes(part, options->picture, &window);
    CV_TRY(cv_icetk_resize_planes(resized, side, part, window.height, window.width, err));
    CV_TRY(cv_image_tokenizer_encode_planes(exec, model->image_tokenizer, codes, NULL, resized, side, side,
                                            model->description.rate, &arena, err));
done:
    cv_free(part);
    cv_free(resized);
    cv_arena_free(&arena);
    return status;
}
