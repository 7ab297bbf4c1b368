/* scale.h - the resizings that published metrics were computed with, each to its own rounding. The house's own, for
 * data sets and previews, is resize.c. */
#ifndef CV_MEDIA_SCALE_H
#define CV_MEDIA_SCALE_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum cv_scale {
    CV_SCALE_NONE,
    CV_SCALE_PIL_BICUBIC, /* PIL's, antialiased, rounded to 8 bits after each pass */
    CV_SCALE_PIL_BILINEAR,
    CV_SCALE_PIL_LANCZOS,
    CV_SCALE_TORCH_BILINEAR, /* torch's interpolate, align_corners=False, no antialias */
    CV_SCALE_TORCH_ANTIALIAS,
    CV_SCALE_TF1,           /* TensorFlow 1's resize_bilinear, without half pixels */
    CV_SCALE_ALIGN_CORNERS, /* chainer's */
} cv_scale;

/* What becomes of a frame's shape. */
typedef enum cv_crop {
    CV_CROP_SQUASH,        /* none: both sides become `side` */
    CV_CROP_SHORT_EVEN,    /* short side to `side`, the long one rounded down; centre rounded half to even: CLIP */
    CV_CROP_SHORT_CEIL,    /* short side to `side`, the long one rounded up; centre rounded down: VideoGPT */
    CV_CROP_CENTRE_SQUARE, /* the largest centred square, then resized */
} cv_crop;

/* "pil-bicubic", "tf1", ..; false for an unknown name. */
const char *cv_scale_name(cv_scale scale);
bool cv_scale_parse(cv_scale *out, const char *name);
const char *cv_crop_name(cv_crop crop);
bool cv_crop_parse(cv_crop *out, const char *name);

/* out [3][out_height][out_width], 0 .. 255, from RGB pixels [height][width][3]. PIL's kinds give whole numbers. */
cogvideo_status cv_scale_u8(float *out, int out_height, int out_width, const uint8_t *pixels, int height, int width,
                            cv_scale scale, cogvideo_error *err);
/* The same from planes [3][height][width] of any numbers; PIL's kinds want whole numbers 0 .. 255. */
cogvideo_status cv_scale_planes(float *out, int out_height, int out_width, const float *planes, int height, int width,
                                cv_scale scale, cogvideo_error *err);
/* The whole of it: to a square of `side` pixels by `scale` and `crop`. out [3][side][side]. */
cogvideo_status cv_scale_to_square(float *out, int side, const uint8_t *pixels, int height, int width, cv_scale scale,
                                   cv_crop crop, cogvideo_error *err);

#endif
