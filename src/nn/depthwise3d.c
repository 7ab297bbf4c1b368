#include "nn/depthwise3d.h"

#include <stdio.h>
#include <string.h>

cogvideo_status cv_depthwise3d_bind(cv_depthwise3d *out, cv_store *store, const char *name, int C, bool causal,
                                    cogvideo_error *err)
{
    const size_t shape[] = { (size_t)C, 1, 3, 3, 3 };
    cogvideo_status status;
    char full[200];

    *out = (cv_depthwise3d){ .C = C, .causal = causal };
    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim_numbers(store, &out->weight, full, 5, shape, err));
    snprintf(full, sizeof full, "%s.bias", name);
    CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)C, err));
done:
    return status;
}

#define TAPS 27
/* Places, and channels, that are in work at once: blocks depend on the shape alone. The weights of so many channels are
 * laid out tap by tap once for so many places. */
#define PLACES 64
#define CHANNELS 256

/* How taps read, the same at every place. */
typedef struct reach {
    bool time_last, mirrored; /* mirrored: from the rows whose results read a place by those taps */
    int size[3], before[3]; /* along time, rows and columns: of the box, and taps before the one at the place itself */
    ptrdiff_t distance[TAPS]; /* numbers from a place to the one that a tap reads */
} reach;

static reach reach_of(const cv_depthwise3d *conv, const cv_box *box, bool mirrored)
{
    const ptrdiff_t T = box->T, plane = (ptrdiff_t)box->h * box->w;
    const ptrdiff_t stride[] = { box->time_last ? 1 : plane, box->time_last ? box->w * T : box->w,
                                 box->time_last ? T : 1 };
    reach r = { box->time_last, mirrored, { box->T, box->h, box->w }, { conv->causal ? 2 : 1, 1, 1 }, { 0 } };

    for (int tap = 0; tap < TAPS; tap++) {
        const int at[] = { tap / 9, tap / 3 % 3, tap % 3 };

        for (int axis = 0; axis < 3; axis++)
            r.distance[tap] += stride[axis] * (at[axis] - r.before[axis]) * (mirrored ? -1 : 1) * conv->C;
    }
    return r;
}

/* The taps that read within the box at a place: a bit for each. */
static uint32_t taps_inside(const reach *r, int row)
{
    /* by their number along an axis */
    static const uint32_t masks[3][3] = { { 0x00001ff, 0x003fe00, 0x7fc0000 },
                                          { 0x01c0e07, 0x0e07038, 0x70381c0 },
                                          { 0x1249249, 0x2492492, 0x4924924 } };
    const int plane = r->size[1] * r->size[2], place = r->time_last ? row / r->size[0] : row % plane;
    const int at[] = { r->time_last ? row % r->size[0] : row / plane, place / r->size[2], place % r->size[2] };
    uint32_t inside = (1u << TAPS) - 1;

    for (int axis = 0; axis < 3; axis++)
        for (int i = 0; i < 3; i++) {
            const int to = at[axis] + (r->mirrored ? r->before[axis] - i : i - r->before[axis]);

            if (to < 0 || to >= r->size[axis])
                inside &= ~masks[axis][i];
        }
    return inside;
}

static int min(int a, int b)
{
    return a < b ? a : b;
}

/* Adds to `count` channels of places first .. last - 1 of an item. */
static void add_block(const cv_exec *exec, const cv_depthwise3d *conv, const cv_box *box, float *out, const float *x,
                      bool mirrored, int first, int last, int channel, int count)
{
    const size_t C = (size_t)conv->C;
    const reach all = reach_of(conv, box, mirrored);
    float weights[TAPS][CHANNELS], bias[CHANNELS] = { 0 };

    for (int c = 0; c < count; c++) {
        for (int tap = 0; tap < TAPS; tap++)
            weights[tap][c] = conv->weight[TAPS * (channel + c) + tap];
        bias[c] = mirrored ? 0 : conv->bias[channel + c];
    }
    for (int row = first; row < last; row++) {
        const size_t at = (size_t)row * C + (size_t)channel;
        const float *in[TAPS], *by[TAPS];
        int number = 0;

        for (uint32_t inside = taps_inside(&all, row); inside; inside &= inside - 1, number++) {
            const int tap = __builtin_ctz(inside);

            in[number] = x + at + all.distance[tap];
            by[number] = weights[tap];
        }
        for (int c = 0; c < count; c++)
            out[at + (size_t)c] += bias[c];
        exec->kernels.depthwise(out + at, in, by, number, count);
    }
}

/* out += conv(x), or its gradient of x where `mirrored`, without the bias. */
static void convolve(const cv_exec *exec, const cv_depthwise3d *conv, const cv_box *box, int items, float *out,
                     const float *x, bool mirrored)
{
    const int places = cv_box_places(box), C = conv->C;

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(3)
    for (int item = 0; item < items; item++)
        for (int first = 0; first < places; first += PLACES)
            for (int channel = 0; channel < C; channel += CHANNELS) {
                const size_t at = (size_t)item * (size_t)places * (size_t)C;

                add_block(exec, conv, box, out + at, x + at, mirrored, first, min(first + PLACES, places), channel,
                          min(CHANNELS, C - channel));
            }
}

void cv_depthwise3d_add(const cv_exec *exec, const cv_depthwise3d *conv, const cv_box *box, int items, float *residual,
                        const float *x)
{
    convolve(exec, conv, box, items, residual, x, false);
}

/* --- backward ----------------------------------------------------------------------------------------------------- */

#define SUMMED 32 /* channels whose gradients one thread sums */

/* The gradients of the weights of `count` channels: sums over blocks of places, added in order. */
static void weights_backward(const cv_exec *exec, const cv_depthwise3d *conv, const cv_depthwise3d *grad,
                             const cv_box *box, int items, const float *dy, const float *x, int channel, int count)
{
    const int places = cv_box_places(box);
    const size_t C = (size_t)conv->C;
    const reach all = reach_of(conv, box, false);
    double total[TAPS + 1][SUMMED] = { { 0 } }; /* the last one of the bias */

    for (int item = 0; item < items; item++)
        for (int first = 0; first < places; first += PLACES) {
            float sums[TAPS + 1][SUMMED] = { { 0 } };

            for (int row = first; row < min(first + PLACES, places); row++) {
                const size_t at = ((size_t)item * (size_t)places + (size_t)row) * C + (size_t)channel;
                const float *in[TAPS];
                float *to[TAPS];
                int number = 0;

                for (uint32_t inside = taps_inside(&all, row); inside; inside &= inside - 1, number++) {
                    const int tap = __builtin_ctz(inside);

                    in[number] = x + at + all.distance[tap];
                    to[number] = sums[tap];
                }
                exec->kernels.depthwise_gradients(to, dy + at, in, number, count);
                for (int c = 0; c < count; c++)
                    sums[TAPS][c] += dy[at + (size_t)c];
            }
            for (int tap = 0; tap <= TAPS; tap++)
                for (int c = 0; c < count; c++)
                    total[tap][c] += (double)sums[tap][c];
        }
    for (int c = 0; c < count; c++) {
        for (int tap = 0; tap < TAPS; tap++)
            ((float *)grad->weight)[TAPS * (channel + c) + tap] += (float)total[tap][c];
        ((float *)grad->bias)[channel + c] += (float)total[TAPS][c];
    }
}

void cv_depthwise3d_backward(const cv_exec *exec, const cv_depthwise3d *conv, const cv_depthwise3d *grad,
                             const cv_box *box, int items, float *dx, const float *dy, const float *x)
{
    convolve(exec, conv, box, items, dx, dy, true);
    if (!grad)
        return;
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int channel = 0; channel < conv->C; channel += SUMMED)
        weights_backward(exec, conv, grad, box, items, dy, x, channel, min(SUMMED, conv->C - channel));
}
