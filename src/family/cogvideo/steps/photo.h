/* photo.h - completion of a photo: the part around its mask is what the networks look at, and what they draw is fitted
 * into the photo again. After CogView2's driver of completion.
 *
 * The photo is options->picture, square, of as many pixels as the finest codes of the model stand for; the mask is of
 * its size. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_PHOTO_H
#define CV_FAMILY_COGVIDEO_STEPS_PHOTO_H

#include "family/cogvideo/model/model.h"

#include <cogvideo/generate.h>

/* A part of a mask or of a photo. */
typedef struct cv_photo_part {
    int row, column, height, width;
} cv_photo_part;

/* The photo's side in pixels. */
int cv_photo_side(const cv_cogvideo *model);

/* What of the photo is looked at: of a model without super-resolution all, as of a mask without a photo. An error where
 * photo or mask are not what they must be, or nothing is masked. */
cogvideo_status cv_photo_window(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_photo_part *out,
                                cogvideo_error *err);

/* planes [3][height][width] of a window of the photo, 0 .. 1. */
void cv_photo_planes(float *planes, const cogvideo_video *photo, const cv_photo_part *window);

/* The window, resized to side x side pixels, as codes [side / rate]^2. */
cogvideo_status cv_photo_codes(const cv_cogvideo *model, const cogvideo_generate_options *options, int side,
                               int32_t *codes, cogvideo_error *err);
/* Bytes that it takes meanwhile. */
size_t cv_photo_bytes(const cv_cogvideo *model, int side);

#endif
