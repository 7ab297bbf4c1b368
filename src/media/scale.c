#include "media/scale.h"

#include "media/frame.h"

#include <math.h>
#include <string.h>

#define PIL_BITS 22 /* after the point of PIL's weights */

static const char *const scale_names[CV_SCALES] = {
    [CV_SCALE_NONE] = "none",
    [CV_SCALE_PIL_BICUBIC] = "pil-bicubic",
    [CV_SCALE_PIL_BILINEAR] = "pil-bilinear",
    [CV_SCALE_PIL_LANCZOS] = "pil-lanczos",
    [CV_SCALE_TORCH_BILINEAR] = "torch-bilinear",
    [CV_SCALE_TORCH_ANTIALIAS] = "torch-antialias",
    [CV_SCALE_TF1] = "tf1",
    [CV_SCALE_ALIGN_CORNERS] = "align-corners",
};
static const char *const crop_names[CV_CROPS] = {
    [CV_CROP_SQUASH] = "squash",
    [CV_CROP_SHORT_EVEN] = "short-even",
    [CV_CROP_SHORT_CEIL] = "short-ceil",
    [CV_CROP_CENTRE_SQUARE] = "centre-square",
};

const char *cv_scale_name(cv_scale scale)
{
    return scale_names[scale];
}

const char *cv_crop_name(cv_crop crop)
{
    return crop_names[crop];
}

static bool find(int *out, const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return true;
        }
    return false;
}

bool cv_scale_parse(cv_scale *out, const char *name)
{
    int found;

    if (!find(&found, scale_names, CV_SCALES, name))
        return false;
    *out = (cv_scale)found;
    return true;
}

bool cv_crop_parse(cv_crop *out, const char *name)
{
    int found;

    if (!find(&found, crop_names, CV_CROPS, name))
        return false;
    *out = (cv_crop)found;
    return true;
}

/* --- one side ---------------------------------------------------------------------------------------------------- */

/* How `size` results come from the `in` values of one side: the results first .. first + size - 1 of `whole`, to which
 * all of them are resized. */
typedef struct extent {
    int in, whole, first, size;
} extent;

/* Where each result comes from: the `count` values from `first` on. */
typedef struct axis {
    cv_scale scale;
    int size;
    bool same; /* a pass that changes nothing is left out */
    int room;  /* for a result's weights */
    int *first, *count;
    float *weights; /* [size][room] */
    int32_t *fixed; /* the same of PIL, times 2^PIL_BITS */
} axis;

static bool is_pil(cv_scale scale)
{
    return scale == CV_SCALE_PIL_BICUBIC || scale == CV_SCALE_PIL_BILINEAR || scale == CV_SCALE_PIL_LANCZOS;
}

static void axis_free(axis *a)
{
    cv_free(a->first);
    cv_free(a->count);
    cv_free(a->weights);
    cv_free(a->fixed);
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI);
}

/* The kernels of PIL's resampling. */
static double kernel(cv_scale scale, double x)
{
    const double a = -0.5;

    if (scale == CV_SCALE_PIL_LANCZOS)
        return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    x = fabs(x);
    if (scale == CV_SCALE_PIL_BILINEAR)
        return x < 1 ? 1 - x : 0;
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double radius(cv_scale scale)
{
    return scale == CV_SCALE_PIL_LANCZOS ? 3 : scale == CV_SCALE_PIL_BICUBIC ? 2 : 1;
}

/* Result i as PIL weighs it: `k` [room] is the room of its weights before they are rounded. */
static void taps_pil(axis *a, int place, const extent *s, int i, double *k)
{
    double step = (double)s->in / s->whole, stretch = fmax(step, 1), reach = radius(a->scale) * stretch;
    double centre = (i + 0.5) * step, narrow = 1 / stretch, sum = 0;
    int first = (int)(centre - reach + 0.5), end = (int)(centre + reach + 0.5);
    int32_t *fixed = a->fixed + (size_t)place * (size_t)a->room;

    first = first < 0 ? 0 : first;
    end = end > s->in ? s->in : end;
    for (int j = first; j < end; j++) {
        k[j - first] = kernel(a->scale, (j - centre + 0.5) * narrow);
        sum += k[j - first];
    }
    for (int j = 0; j < end - first; j++) {
        double weight = (sum != 0 ? k[j] / sum : k[j]) * (1 << PIL_BITS);

        fixed[j] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    a->first[place] = first;
    a->count[place] = end - first;
}

/* Torch's antialiasing: PIL's bilinear weights in f32. */
static void taps_antialias(axis *a, int place, const extent *s, int i)
{
    float step = (float)s->in / (float)s->whole, reach = step >= 1 ? step : 1, narrow = step >= 1 ? 1 / step : 1;
    float centre = step * ((float)i + 0.5f), sum = 0, *weights = a->weights + (size_t)place * (size_t)a->room;
    int first = (int)(centre - reach + 0.5f), end = (int)(centre + reach + 0.5f);

    first = first < 0 ? 0 : first;
    end = end > s->in ? s->in : end;
    for (int j = 0; j < end - first; j++) {
        float x = fabsf(((float)(j + first) - centre + 0.5f) * narrow);

        weights[j] = x < 1 ? 1 - x : 0;
        sum += weights[j];
    }
    for (int j = 0; j < end - first; j++)
        weights[j] /= sum;
    a->first[place] = first;
    a->count[place] = end - first;
}

/* Two neighbours of a place between the values; the border is repeated. */
static void taps_linear(axis *a, int place, const extent *s, int i)
{
    float *weights = a->weights + (size_t)place * (size_t)a->room, step = (float)s->in / (float)s->whole;
    double at;

    if (a->scale == CV_SCALE_TORCH_BILINEAR)
        at = fmax((double)step * (i + 0.5) - 0.5, 0); /* the scale alone is rounded to f32 there */
    else if (a->scale == CV_SCALE_TF1)
        at = (double)((float)i * step);
    else
        at = s->whole > 1 ? i * (double)(s->in - 1) / (s->whole - 1) : 0;
    a->first[place] = at < s->in - 1 ? (int)at : s->in - 1;
    a->count[place] = a->first[place] < s->in - 1 ? 2 : 1;
    weights[1] = a->count[place] == 2 ? (float)(at - a->first[place]) : 0;
    weights[0] = 1 - weights[1];
}

static cogvideo_status axis_init(axis *a, cv_scale scale, const extent *s, cogvideo_error *err)
{
    double *k = NULL;
    cogvideo_status status = COGVIDEO_OK;

    a->scale = scale;
    a->size = s->size;
    a->same = s->in == s->whole && s->size == s->in;
    a->room = is_pil(scale) || scale == CV_SCALE_TORCH_ANTIALIAS
                  ? 2 * (int)ceil(radius(scale) * fmax((double)s->in / s->whole, 1)) + 2
                  : 2;
    if (a->room > s->in + 2)
        a->room = s->in + 2;
    CV_NEW(a->first, s->size, err);
    CV_NEW(a->count, s->size, err);
    CV_NEW(k, a->room, err);
    if (is_pil(scale))
        CV_NEW(a->fixed, (size_t)s->size * (size_t)a->room, err);
    else
        CV_NEW(a->weights, (size_t)s->size * (size_t)a->room, err);
    for (int i = 0; i < s->size; i++)
        if (is_pil(scale))
            taps_pil(a, i, s, s->first + i, k);
        else if (scale == CV_SCALE_TORCH_ANTIALIAS)
            taps_antialias(a, i, s, s->first + i);
        else
            taps_linear(a, i, s, s->first + i);
done:
    cv_free(k);
    return status;
}

/* --- the two passes ---------------------------------------------------------------------------------------------- */

static float to_8_bits(int32_t sum)
{
    int32_t value = sum >> PIL_BITS; /* of a negative number, too: GCC and Clang shift its sign in */

    return (float)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* out [axis size] from a row of one colour. */
static void along(float *out, const axis *a, const float *row)
{
    for (int i = 0; i < a->size; i++) {
        const float *x = row + a->first[i], *weights = a->weights + (size_t)i * (size_t)a->room;
        int count = a->count[i];

        if (a->fixed) {
            const int32_t *fixed = a->fixed + (size_t)i * (size_t)a->room;
            int32_t sum = 1 << (PIL_BITS - 1);

            for (int j = 0; j < count; j++)
                sum += (int32_t)x[j] * fixed[j];
            out[i] = to_8_bits(sum);
        } else if (a->scale == CV_SCALE_TF1) {
            out[i] = count == 2 ? x[0] + (x[1] - x[0]) * weights[1] : x[0];
        } else {
            float sum = x[0] * weights[0];

            for (int j = 1; j < count; j++)
                sum += x[j] * weights[j];
            out[i] = sum;
        }
    }
}

/* out [width], row i of the result, from rows [..][width] of one colour; `sums` [width]. */
static void across(float *out, const axis *a, int i, const float *rows, int width, int32_t *sums)
{
    const float *x = rows + (size_t)a->first[i] * (size_t)width, *weights = a->weights + (size_t)i * (size_t)a->room;
    int count = a->count[i];

    if (a->fixed) {
        const int32_t *fixed = a->fixed + (size_t)i * (size_t)a->room;

        for (int c = 0; c < width; c++)
            sums[c] = 1 << (PIL_BITS - 1);
        for (int j = 0; j < count; j++)
            for (int c = 0; c < width; c++)
                sums[c] += (int32_t)x[(size_t)j * (size_t)width + (size_t)c] * fixed[j];
        for (int c = 0; c < width; c++)
            out[c] = to_8_bits(sums[c]);
    } else if (a->scale == CV_SCALE_TF1) {
        const float *below = count == 2 ? x + width : x;

        for (int c = 0; c < width; c++)
            out[c] = x[c] + (below[c] - x[c]) * weights[1];
    } else {
        for (int c = 0; c < width; c++)
            out[c] = x[c] * weights[0];
        for (int j = 1; j < count; j++)
            for (int c = 0; c < width; c++)
                out[c] += x[(size_t)j * (size_t)width + (size_t)c] * weights[j];
    }
}

/* A frame as bytes or as planes, or a part of it. */
typedef struct source {
    const uint8_t *pixels;
    const float *planes;
    int height, width; /* of the whole frame */
    int top, left, rows, columns;
} source;

/* The values of one colour of a row: a pointer to them, or into `row`. */
static const float *read_row(const source *from, int colour, int y, float *row)
{
    size_t at = (size_t)(from->top + y) * (size_t)from->width + (size_t)from->left;

    if (from->planes)
        return from->planes + (size_t)colour * (size_t)from->height * (size_t)from->width + at;
    for (int i = 0; i < from->columns; i++)
        row[i] = from->pixels[(at + (size_t)i) * 3 + (size_t)colour];
    return row;
}

/* Only the rows that results are made from are resized along. */
static cogvideo_status resize(float *out, const source *from, cv_scale scale, const extent *vertical,
                              const extent *horizontal, cogvideo_error *err)
{
    axis x = { 0 }, y = { 0 };
    float *row = NULL, *middle = NULL;
    int32_t *sums = NULL;
    int width = horizontal->size, begin, end;
    cogvideo_status status;

    CV_TRY(axis_init(&x, scale, horizontal, err));
    CV_TRY(axis_init(&y, scale, vertical, err));
    begin = y.first[0];
    end = y.first[y.size - 1] + y.count[y.size - 1];
    CV_NEW(row, from->columns, err);
    CV_NEW(sums, width, err);
    if (!y.same)
        CV_NEW(middle, (size_t)(end - begin) * (size_t)width, err);
    for (int i = 0; i < y.size; i++)
        y.first[i] -= begin;
    for (int colour = 0; colour < 3; colour++) {
        float *plane = out + (size_t)colour * (size_t)y.size * (size_t)width;

        for (int r = begin; r < end; r++) {
            float *result = y.same ? plane + (size_t)r * (size_t)width : middle + (size_t)(r - begin) * (size_t)width;
            const float *values = read_row(from, colour, r, row);

            if (x.same)
                memcpy(result, values, (size_t)width * sizeof *result);
            else
                along(result, &x, values);
        }
        for (int i = 0; i < y.size && !y.same; i++)
            across(plane + (size_t)i * (size_t)width, &y, i, middle, width, sums);
    }
done:
    axis_free(&x);
    axis_free(&y);
    cv_free(row);
    cv_free(middle);
    cv_free(sums);
    return status;
}

/* --- shapes ------------------------------------------------------------------------------------------------------ */

static cogvideo_status check(const source *from, int out_height, int out_width, cv_scale scale, cogvideo_error *err)
{
    cogvideo_status status = cv_frame_check_size(from->width, from->height, err);

    if (status == COGVIDEO_OK)
        status = cv_frame_check_size(out_width, out_height, err);
    if (status == COGVIDEO_OK && scale == CV_SCALE_NONE && (from->rows != out_height || from->columns != out_width))
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "frames of %d x %d pixels must be resized to %d x %d; choose how to instead of '%s'",
                         from->columns, from->rows, out_width, out_height, cv_scale_name(scale));
    return status;
}

static cogvideo_status resize_whole(float *out, int out_height, int out_width, const source *from, cv_scale scale,
                                    cogvideo_error *err)
{
    const extent vertical = { from->rows, out_height, 0, out_height };
    const extent horizontal = { from->columns, out_width, 0, out_width };
    cogvideo_status status = check(from, out_height, out_width, scale, err);

    return status == COGVIDEO_OK ? resize(out, from, scale, &vertical, &horizontal, err) : status;
}

/* (whole - part) / 2, rounded half to even as Python rounds. */
static int centre_even(int whole, int part)
{
    int spare = whole - part, half = spare / 2;

    return spare % 2 == 1 && half % 2 == 1 ? half + 1 : half;
}

/* Sets what the side `in` is resized to, and which `size` results of that are kept, where `shorter` is the frame's
 * shorter side. */
static extent shorten(int in, int shorter, bool is_short, int size, cv_crop crop)
{
    extent s = { .in = in, .whole = size, .size = size };

    if (crop == CV_CROP_SHORT_EVEN) {
        s.whole = (int)((int64_t)size * in / shorter);
        s.first = centre_even(s.whole, size);
    } else if (!is_short) {
        /* The scale is rounded to a double first, as in the original: a long side may be a pixel longer by that. */
        s.whole = (int)ceil(in * ((double)size / shorter));
        s.first = (s.whole - size) / 2;
    }
    return s;
}

static cogvideo_status to_square(float *out, int size, source *from, cv_scale scale, cv_crop crop, cogvideo_error *err)
{
    int shorter = from->height < from->width ? from->height : from->width;
    extent vertical, horizontal;
    cogvideo_status status;

    if (crop == CV_CROP_CENTRE_SQUARE) {
        from->top = centre_even(from->height, shorter);
        from->left = centre_even(from->width, shorter);
        from->rows = from->columns = shorter;
    }
    if (crop == CV_CROP_SQUASH || crop == CV_CROP_CENTRE_SQUARE)
        return resize_whole(out, size, size, from, scale, err);
    if ((status = check(from, size, size, scale, err)) != COGVIDEO_OK)
        return status;
    vertical = shorten(from->height, shorter, from->height < from->width, size, crop);
    horizontal = shorten(from->width, shorter, from->width <= from->height, size, crop);
    return resize(out, from, scale, &vertical, &horizontal, err);
}

static source of_pixels(const uint8_t *pixels, int height, int width)
{
    return (source){ .pixels = pixels, .height = height, .width = width, .rows = height, .columns = width };
}

static source of_planes(const float *planes, int height, int width)
{
    return (source){ .planes = planes, .height = height, .width = width, .rows = height, .columns = width };
}

cogvideo_status cv_scale_u8(float *out, int out_height, int out_width, const uint8_t *pixels, int height, int width,
                            cv_scale scale, cogvideo_error *err)
{
    const source from = of_pixels(pixels, height, width);

    return resize_whole(out, out_height, out_width, &from, scale, err);
}

cogvideo_status cv_scale_planes(float *out, int out_height, int out_width, const float *planes, int height, int width,
                                cv_scale scale, cogvideo_error *err)
{
    const source from = of_planes(planes, height, width);

    return resize_whole(out, out_height, out_width, &from, scale, err);
}

cogvideo_status cv_scale_to_square(float *out, int side, const uint8_t *pixels, int height, int width, cv_scale scale,
                                   cv_crop crop, cogvideo_error *err)
{
    source from = of_pixels(pixels, height, width);

    return to_square(out, side, &from, scale, crop, err);
}

cogvideo_status cv_scale_planes_to_square(float *out, int side, const float *planes, int height, int width,
                                          cv_scale scale, cv_crop crop, cogvideo_error *err)
{
    source from = of_planes(planes, height, width);

    return to_square(out, side, &from, scale, crop, err);
}
