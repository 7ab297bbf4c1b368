#include "family/metrics/train/clip_measure.h"

#include <math.h>
#include <string.h>

static double product(const float *a, const float *b, int width)
{
    double sum = 0;

    for (int i = 0; i < width; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The one attribute in which two combinations differ; -1 where they are equal or differ in several. */
static int difference(const cv_shapes *world, int a, int b)
{
    cv_shapes_combination one = cv_shapes_at(world, a), other = cv_shapes_at(world, b);
    int found = -1;

    for (int i = 0; i < CV_SHAPES_ATTRIBUTES; i++) {
        if (*cv_shapes_value(&one, i) == *cv_shapes_value(&other, i))
            continue;
        if (found >= 0)
            return -1;
        found = i;
    }
    return found;
}

/* Adds one clip in one language. */
static void add(const cv_clip_measure_in *in, int clip, int language, cv_clip_measures *out)
{
    const int count = cv_shapes_count(in->world), own = in->combinations[clip];
    const float *vector = in->clips + (size_t)clip * (size_t)in->width;
    const float *captions = in->captions + (size_t)language * (size_t)in->width;
    const size_t step = CV_SHAPES_LANGUAGES * (size_t)in->width;
    const double truth = product(vector, captions + (size_t)own * step, in->width);
    bool beaten = false, beaten_in[CV_SHAPES_ATTRIBUTES] = { false };
    double sum = 0;

    for (int c = 0; c < count; c++) {
        double value = c == own ? truth : product(vector, captions + (size_t)c * step, in->width);
        int attribute;

        sum += exp(in->scale * (value - truth));
        if (c == own || value < truth)
            continue;
        beaten = true;
        attribute = difference(in->world, own, c);
        if (attribute >= 0)
            beaten_in[attribute] = true;
    }
    out->loss += log(sum);
    out->cosine += truth;
    out->first += !beaten;
    for (int i = 0; i < CV_SHAPES_ATTRIBUTES; i++)
        out->attribute[i] += !beaten_in[i];
}

void cv_clip_measure_captions(const cv_clip_measure_in *in, cv_clip_measures *out)
{
    const double share = 1.0 / (in->count * CV_SHAPES_LANGUAGES);

    memset(out, 0, sizeof *out);
    for (int clip = 0; clip < in->count; clip++)
        for (int language = 0; language < CV_SHAPES_LANGUAGES; language++)
            add(in, clip, language, out);
    out->loss *= share;
    out->cosine *= share;
    out->first *= share;
    for (int i = 0; i < CV_SHAPES_ATTRIBUTES; i++)
        out->attribute[i] *= share;
}
