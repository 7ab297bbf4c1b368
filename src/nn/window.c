#include "nn/window.h"

static int larger(int a, int b)
{
    return a > b ? a : b;
}

cv_places cv_window_places(const cv_window *window, const int in[3])
{
    cv_places places = { { 0 }, { 0 }, { 0 } };

    for (int axis = 0; axis < 3; axis++) {
        int size = in[axis], kernel = window->kernel[axis], stride = window->stride[axis], out = 0, front = 0;

        if (size > 0 && window->padding == CV_PAD_SAME) {
            out = (size - 1) / stride + 1;
            front = larger((out - 1) * stride + kernel - size, 0) / 2;
        } else if (size > 0 && window->padding == CV_PAD_COVER) {
            out = (larger(size - kernel, 0) + stride - 1) / stride + 1;
        } else if (size > 0) {
            front = window->pad[axis];
            out = size + 2 * front < kernel ? 0 : (size + 2 * front - kernel) / stride + 1;
        }
        places.in[axis] = size;
        places.out[axis] = out;
        places.front[axis] = front;
    }
    return places;
}
