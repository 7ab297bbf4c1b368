/* resize.c - resizes frames: cuts them to shape and averages or interpolates, or takes the nearest neighbour. */
#include "media/frame.h"

#include <math.h>

/* The source of one output pixel along an axis: `count` input pixels from `first` on. */
typedef struct tap {
    int first, count;
    float *weights; /* their sum is 1 */
} tap;

typedef struct axis {
    tap *taps;
    float *weights;
} axis;

static void axis_free(axis *a)
{
    cv_free(a->taps);
    cv_free(a->weights);
}

/* Output pixel i covers [begin, begin + scale) of the input: each input pixel is weighted by the covered part of it. */
static void tap_area(tap *t, double begin, double scale, int in)
{
    double end = fmin(begin + scale, in);
    int last = (int)ceil(end) - 1;

    t->first = (int)begin;
    if (last < t->first)
        last = t->first;
    if (last > in - 1)
        last = in - 1;
    t->count = last - t->first + 1;
    for (int k = 0; k < t->count; k++) {
        double left = fmax(begin, t->first + k), right = fmin(end, t->first + k + 1);

        t->weights[k] = (float)((right - left) / (end - begin));
    }
}

/* The output pixel's centre lies between the centres of two input pixels; the border pixel is repeated. */
static void tap_linear(tap *t, double begin, double scale, int in)
{
    double centre = fmin(fmax(begin + 0.5 * scale - 0.5, 0), in - 1);

    t->first = (int)centre;
    t->count = t->first + 1 < in ? 2 : 1;
    t->weights[0] = t->count == 1 ? 1.0f : (float)(1 - (centre - t->first));
    t->weights[1] = 1.0f - t->weights[0];
}

/* Maps input [begin, begin + length) to `out` pixels. */
static cogvideo_status axis_init(axis *a, double begin, double length, int in, int out, cogvideo_error *err)
{
    double scale = length / out;
    int room = (int)ceil(scale) + 2;
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(a->taps, out, err);
    CV_NEW(a->weights, (size_t)out * (size_t)room, err);
    for (int i = 0; i < out; i++) {
        a->taps[i].weights = a->weights + (size_t)i * (size_t)room;
        if (scale > 1)
            tap_area(&a->taps[i], fmin(begin + i * scale, in - 1e-6), scale, in);
        else
            tap_linear(&a->taps[i], begin + i * scale, scale, in);
    }
done:
    return status;
}

/* Computes one row of the result: sums input rows into `sums` ([in_width][3]), then resizes along the row. */
static void resize_row(uint8_t *out, const uint8_t *in, int in_width, int out_width, const tap *row, const axis *x,
                       float *sums)
{
    size_t stride = (size_t)in_width * 3;

    for (size_t i = 0; i < stride; i++)
        sums[i] = 0;
    for (int k = 0; k < row->count; k++) {
        const uint8_t *source = in + (size_t)(row->first + k) * stride;

        for (size_t i = 0; i < stride; i++)
            sums[i] += row->weights[k] * source[i];
    }
    for (int i = 0; i < out_width; i++) {
        const tap *t = &x->taps[i];

        for (int c = 0; c < 3; c++) {
            float value = 0.5f;

            for (int k = 0; k < t->count; k++)
                value += t->weights[k] * sums[(size_t)(t->first + k) * 3 + (size_t)c];
            out[(size_t)i * 3 + (size_t)c] = (uint8_t)fminf(value, 255);
        }
    }
}

cogvideo_status cogvideo_frame_fit(uint8_t *pixels, const cogvideo_frame *in, int width, int height,
                                   cogvideo_error *err)
{
    const double aspect = cv_aspect(in->aspect);
    const double shape_width = fmin(in->width, (double)in->height * width / height / aspect);
    const double shape_height = fmin(in->height, (double)in->width * height / width * aspect);
    axis x = { 0 }, y = { 0 };
    float *sums = NULL;
    cogvideo_status status;

    CV_TRY(cv_frame_check_size(in->width, in->height, err));
    CV_TRY(cv_frame_check_size(width, height, err));
    CV_TRY(axis_init(&x, (in->width - shape_width) / 2, shape_width, in->width, width, err));
    CV_TRY(axis_init(&y, (in->height - shape_height) / 2, shape_height, in->height, height, err));
    CV_NEW(sums, (size_t)in->width * 3, err);
    for (int row = 0; row < height; row++)
        resize_row(pixels + (size_t)row * (size_t)width * 3, in->pixels, in->width, width, &y.taps[row], &x, sums);
done:
    axis_free(&x);
    axis_free(&y);
    cv_free(sums);
    return status;
}

cogvideo_status cogvideo_video_fit(cogvideo_video *out, const cogvideo_video *in, int width, int height,
                                   cogvideo_error *err)
{
    cogvideo_frame frame = { .width = in->width, .height = in->height, .aspect = in->aspect };
    cogvideo_video video = { 0 };
    cogvideo_status status;

    CV_TRY(cv_video_check(in, err));
    CV_TRY(cogvideo_video_alloc(&video, width, height, in->frames, in->fps, err));
    for (int f = 0; f < in->frames; f++) {
        frame.pixels = in->pixels + (size_t)f * cv_frame_bytes(in->width, in->height);
        CV_TRY(
            cogvideo_frame_fit(video.pixels + (size_t)f * cv_frame_bytes(width, height), &frame, width, height, err));
    }
    *out = video;
    return COGVIDEO_OK;
done:
    cogvideo_video_free(&video);
    return status;
}

void cv_frame_nearest(uint8_t *out, int out_width, int out_height, const uint8_t *in, int in_width, int in_height)
{
    for (int y = 0; y < out_height; y++) {
        const uint8_t *row = in + (size_t)y * (size_t)in_height / (size_t)out_height * (size_t)in_width * 3;

        for (int x = 0; x < out_width; x++) {
            const uint8_t *pixel = row + (size_t)x * (size_t)in_width / (size_t)out_width * 3;

            for (int c = 0; c < 3; c++)
                *out++ = pixel[c];
        }
    }
}

cogvideo_status cogvideo_video_nearest(cogvideo_video *out, const cogvideo_video *in, int width, int height,
                                       cogvideo_error *err)
{
    cogvideo_video video;
    cogvideo_status status = cv_video_check(in, err);

    if (status != COGVIDEO_OK)
        return status;
    if ((status = cogvideo_video_alloc(&video, width, height, in->frames, in->fps, err)) != COGVIDEO_OK)
        return status;
    video.aspect = in->aspect;
    for (int f = 0; f < in->frames; f++)
        cv_frame_nearest(video.pixels + (size_t)f * cv_frame_bytes(width, height), width, height,
                         in->pixels + (size_t)f * cv_frame_bytes(in->width, in->height), in->width, in->height);
    *out = video;
    return COGVIDEO_OK;
}
