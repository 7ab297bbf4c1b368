/* window.h - how the kernel of a convolution or a pool moves over a volume [T][H][W] of frames, rows and columns. A
 * picture is a volume of one frame. */
#ifndef CV_NN_WINDOW_H
#define CV_NN_WINDOW_H

/* The zeros around a volume. */
typedef enum cv_padding {
    CV_PAD_EVEN, /* `pad` of them on both sides of each axis; 0 = none */
    /* TensorFlow's SAME: the result has ceil(size / stride) places; where the zeros are an odd number, the one more is
     * behind */
    CV_PAD_SAME,
    /* none in front, and behind as many as windows need that together cover the volume: chainer's `cover_all` */
    CV_PAD_COVER,
} cv_padding;

/* Axes are frames, rows, columns. */
typedef struct cv_window {
    int kernel[3], stride[3];
    cv_padding padding;
    int pad[3]; /* of CV_PAD_EVEN */
} cv_window;

/* A window on a volume of a certain size. */
typedef struct cv_places {
    int in[3], out[3]; /* sizes; `out` is 0 along an axis where the window is larger than the padded volume */
    int front[3];      /* zeros before the first number of each axis */
} cv_places;

/* Where the window stands on a volume of this size. */
cv_places cv_window_places(const cv_window *window, const int in[3]);
/* Frames times rows times columns. */
static inline int cv_volume_count(const int size[3])
{
    return size[0] * size[1] * size[2];
}

#endif
