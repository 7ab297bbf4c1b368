/* unfold3d.h - a convolution over volumes as a matrix product: gathers what the taps of its kernel see, place by place,
 * and adds it back.
 *
 * A channel is first spread: copied with the zeros around it, and with the columns of each row sorted by their
 * remainder modulo the stride. Neighbouring places then see neighbouring numbers, whatever the stride, and gathering
 * is copying. */
#ifndef CV_NN_UNFOLD3D_H
#define CV_NN_UNFOLD3D_H

#include "nn/window.h"

#include <stdbool.h>
#include <stddef.h>

/* Places that are gathered at once, at most. */
#define CV_UNFOLD3D_PLACES 512
/* Floats behind spread channels that are read with them, and behind columns that are overwritten with them. */
#define CV_UNFOLD3D_SLACK 8

typedef struct cv_spread {
    cv_window window;
    cv_places places;
    int taps;         /* of the kernel */
    int frames, rows; /* of a spread channel, zeros included */
    int width;        /* numbers of one remainder in a row; remainders follow one another */
    size_t channel;   /* floats of a spread channel */
} cv_spread;

/* How channels of this size are spread. The window has at least one place in them. */
cv_spread cv_spread_plan(const cv_window *window, const int in[3]);
/* Whether each place sees one number and all numbers are seen in order, so that channels are their own columns. */
bool cv_spread_is_plain(const cv_spread *spread);

/* to [spread->channel] = one channel x [in]. */
void cv_spread_channel(const cv_spread *spread, float *to, const float *x);
/* x [in] += what cv_spread_channel would have read for each number of from [spread->channel]. */
void cv_gather_channel(const cv_spread *spread, float *x, const float *from);

/* columns [channels * taps][count]: what each tap sees of spread channels at places first .. first + count - 1. */
void cv_unfold3d(const cv_spread *spread, float *columns, const float *from, int channels, int first, int count);
/* Adds each of the columns where cv_unfold3d would have read it. */
void cv_fold3d(const cv_spread *spread, float *to, const float *columns, int channels, int first, int count);

#endif
