/* scale.h - the resizings that published metrics were computed with, each to its own rounding. The house's own, for
 * data sets and previews, is resize.c.
 *
 * All are separable and go along the rows first. Results are planes of red, green and blue, 0 .. 255. */
#ifndef CV_MEDIA_SCALE_H
#define CV_MEDIA_SCALE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The names stand in feature caches and reports and never change. */
typedef enum cv_scale {
    CV_SCALE_NONE,            /* "none": the size is right already; an error where it is not */
    CV_SCALE_PIL_BICUBIC,     /* "pil-bicubic": antialiased, rounded to 8 bits after each of the two passes */
    CV_SCALE_PIL_BILINEAR,    /* "pil-bilinear" */
    CV_SCALE_PIL_LANCZOS,     /* "pil-lanczos" */
    CV_SCALE_TORCH_BILINEAR,  /* "torch-bilinear": torch's interpolate, align_corners=False, not antialiased */
    CV_SCALE_TORCH_ANTIALIAS, /* "torch-antialias": the same with antialias=True */
    CV_SCALE_TF1,             /* "tf1": resize_bilinear of TensorFlow 1, without half pixels; of NVIDIA, too */
    CV_SCALE_ALIGN_CORNERS,   /* "align-corners": chainer's resize_images */
} cv_scale;
#define CV_SCALES 8

/* What becomes of a frame's shape on its way to a square. */
typedef enum cv_crop {
    CV_CROP_SQUASH,        /* "squash": nothing is cut, both sides become the square's */
    CV_CROP_SHORT_EVEN,    /* "short-even": the short side becomes the square's, the long one is rounded down, and of
                            * that the centre, its place rounded half to even: CLIP */
    CV_CROP_SHORT_CEIL,    /* "short-ceil": the long side is rounded up, the centre's place down: VideoGPT, TATS,
                            * common_metrics, videos of cd-fvd */
    CV_CROP_CENTRE_SQUARE, /* "centre-square": the largest centred square, then resized: StyleGAN-V, pictures of
                            * cd-fvd */
} cv_crop;
#define CV_CROPS 4

const char *cv_scale_name(cv_scale scale);
const char *cv_crop_name(cv_crop crop);
/* Return false for an unknown name. */
bool cv_scale_parse(cv_scale *out, const char *name);
bool cv_crop_parse(cv_crop *out, const char *name);

/* out [3][out_height][out_width] from RGB pixels [height][width][3]. PIL's kinds give whole numbers. Sizes are those of
 * a frame (media/frame.h). */
cogvideo_status cv_scale_u8(float *out, int out_height, int out_width, const uint8_t *pixels, int height, int width,
                            cv_scale scale, cogvideo_error *err);
/* The same from planes [3][height][width] of any numbers; PIL's kinds want whole numbers, 0 .. 255. */
cogvideo_status cv_scale_planes(float *out, int out_height, int out_width, const float *planes, int height, int width,
                                cv_scale scale, cogvideo_error *err);

/* The whole way to a square: out [3][side][side] by `scale` and `crop`. */
cogvideo_status cv_scale_to_square(float *out, int side, const uint8_t *pixels, int height, int width, cv_scale scale,
                                   cv_crop crop, cogvideo_error *err);
cogvideo_status cv_scale_planes_to_square(float *out, int side, const float *planes, int height, int width,
                                          cv_scale scale, cv_crop crop, cogvideo_error *err);

#endif
