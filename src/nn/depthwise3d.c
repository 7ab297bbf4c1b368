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

/* A place of a box. */
typedef struct place {
    int t, y, x;
} place;

static place place_at(const cv_box *box, int row)
{
    if (box->time_last)
        return (place){ row % box->T, row / box->T / box->w, row / box->T % box->w };
    return (place){ row / (box->h * box->w), row / box->w % box->h, row % box->w };
}

/* The row that stands `tap` of 27 from a place, tap 13 being the place itself unless causal; -1 outside of the box.
 * `mirrored`: the row whose result reads this place by that tap. */
static int row_at(const cv_depthwise3d *conv, const cv_box *box, place p, int tap, bool mirrored)
{
    const int sign = mirrored ? -1 : 1, t = p.t + sign * (tap / 9 - (conv->causal ? 2 : 1)),
              y = p.y + sign * (tap / 3 % 3 - 1), x = p.x + sign * (tap % 3 - 1);

    if (t < 0 || t >= box->T || y < 0 || y >= box->h || x < 0 || x >= box->w)
        return -1;
    return box->time_last ? (y * box->w + x) * box->T + t : (t * box->h + y) * box->w + x;
}

void cv_depthwise3d_add(const cv_exec *exec, const cv_depthwise3d *conv, const cv_box *box, int items, float *residual,
                        const float *x)
{
    const int places = cv_box_places(box), C = conv->C;

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int item = 0; item < items; item++)
        for (int row = 0; row < places; row++) {
            const float *from = x + (size_t)item * (size_t)places * (size_t)C;
            float *to = residual + ((size_t)item * (size_t)places + (size_t)row) * (size_t)C;
            const place p = place_at(box, row);

            for (int c = 0; c < C; c++)
                to[c] += conv->bias[c];
            for (int tap = 0; tap < 27; tap++) {
                const int other = row_at(conv, box, p, tap, false);
                const float *in = from + (size_t)other * (size_t)C, *weight = conv->weight + tap;

                for (int c = 0; c < C && other >= 0; c++)
                    to[c] += weight[27 * c] * in[c];
            }
        }
}

/* --- backward ----------------------------------------------------------------------------------------------------- */

#define CHANNELS 16 /* that are summed together */

size_t cv_depthwise3d_backward_scratch(const cv_exec *exec, const cv_depthwise3d *conv, const cv_box *box, int items)
{
    (void)exec, (void)conv, (void)box, (void)items;
    return 0;
}

/* The gradients of the weights of channels first .. first + count - 1, over all places in order. */
static void weights_backward(const cv_depthwise3d *conv, const cv_depthwise3d *grad, const cv_box *box, int items,
                             const float *dy, const float *x, int first, int count)
{
    const int places = cv_box_places(box), C = conv->C;
    double sums[28][CHANNELS] = { { 0 } }; /* the last one of the bias */

    for (int item = 0; item < items; item++)
        for (int row = 0; row < places; row++) {
            const size_t base = (size_t)item * (size_t)places;
            const float *d = dy + (base + (size_t)row) * (size_t)C + first;
            const place p = place_at(box, row);

            for (int c = 0; c < count; c++)
                sums[27][c] += (double)d[c];
            for (int tap = 0; tap < 27; tap++) {
                const int other = row_at(conv, box, p, tap, false);
                const float *in = x + (base + (size_t)(other < 0 ? 0 : other)) * (size_t)C + first;

                for (int c = 0; c < count && other >= 0; c++)
                    sums[tap][c] += (double)(d[c] * in[c]);
            }
        }
    for (int c = 0; c < count; c++) {
        for (int tap = 0; tap < 27; tap++)
            ((float *)grad->weight)[27 * (first + c) + tap] += (float)sums[tap][c];
        ((float *)grad->bias)[first + c] += (float)sums[27][c];
    }
}

void cv_depthwise3d_backward(const cv_exec *exec, const cv_depthwise3d *conv, const cv_depthwise3d *grad,
                             const cv_box *box, int items, float *dx, const float *dy, const float *x, cv_arena *arena)
{
    const int places = cv_box_places(box), C = conv->C;

    (void)arena;
#pragma omp parallel num_threads(exec->threads)
    {
#pragma omp for schedule(static) collapse(2)
        for (int item = 0; item < items; item++)
            for (int row = 0; row < places; row++) {
                const float *from = dy + (size_t)item * (size_t)places * (size_t)C;
                float *to = dx + ((size_t)item * (size_t)places + (size_t)row) * (size_t)C;
                const place p = place_at(box, row);

                for (int tap = 0; tap < 27; tap++) {
                    const int other = row_at(conv, box, p, tap, true);
                    const float *in = from + (size_t)(other < 0 ? 0 : other) * (size_t)C, *weight = conv->weight + tap;

                    for (int c = 0; c < C && other >= 0; c++)
                        to[c] += weight[27 * c] * in[c];
                }
            }
#pragma omp for schedule(static)
        for (int first = 0; first < C; first += CHANNELS)
            if (grad)
                weights_backward(conv, grad, box, items, dy, x, first, C - first < CHANNELS ? C - first : CHANNELS);
    }
}
