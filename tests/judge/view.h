/* view.h - what the judge keeps between its two parts: measuring the object in each frame, and what that means. */
#ifndef TESTS_JUDGE_VIEW_H
#define TESTS_JUDGE_VIEW_H

#include "judge/judge.h"

#include <complex.h>

enum {
    BLURS = 3,  /* of the drawn shapes that a clip is compared with: 0, 1 and 3 passes of 1 2 1 */
    ORDERS = 3, /* angular moments of order 3, 4, 5 */
    FEATURES = 1 + ORDERS,
    MOST_FRAMES = 257,
};

/* The object in one frame. */
typedef struct object_view {
    int visible;
    double area, x, y;
    double inertia;
    double complex moment[ORDERS]; /* sum of alpha z^n / area^(1 + n / 2) */
} object_view;

/* The way of one motion from one start. */
typedef struct motion_track {
    int motion;
    cv_shapes_pose pose[MOST_FRAMES];
} motion_track;

struct judge {
    const cv_shapes *world;
    float *alpha, *spare; /* [side][side] */
    uint8_t *mask, *part;
    int *queue;
    double feature[CV_SHAPES_MOST][CV_SHAPES_MOST][BLURS][FEATURES]; /* per shape, size, blur */
    double spread[FEATURES];
    double unit_area[CV_SHAPES_MOST]; /* of a shape with the size's radius 1 */
    int tracks;
    motion_track *track;
    object_view looks[MOST_FRAMES];
};

/* Finds background and colour, and measures the object in every frame (j->looks). Returns in how many it is. */
int judge_frames(judge *j, const uint8_t *pixels, int frames, cv_shapes_combination *seen);
/* Measures the object whose share of each pixel is in j->alpha. */
object_view judge_measure(judge *j);

#endif
