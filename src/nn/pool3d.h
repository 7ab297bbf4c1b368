/* pool3d.h - pools over volumes [C][T][H][W]. */
#ifndef CV_NN_POOL3D_H
#define CV_NN_POOL3D_H

#include "nn/exec.h"
#include "nn/window.h"

#include <stdbool.h>
#include <stdint.h>

/* out [C][places.out] = the largest number in each window. The zeros around the volume count where `zeros` (I3D, whose
 * inputs are never negative); otherwise only what is inside does. `largest`, where not NULL, [C][places.out]: the index
 * of the first largest number in its volume, in the order of frames, rows, columns; -1 = a zero outside. */
void cv_max_pool3d(const cv_exec *exec, const cv_window *window, float *out, const float *x, int C, const int size[3],
                   bool zeros, int32_t *largest);
/* dx += dy at the places in `largest`; those of channel c in channel c. */
void cv_max_pool3d_backward(const cv_exec *exec, float *dx, const float *dy, const int32_t *largest, int C,
                            const int in[3], const int out[3]);
/* The mean of each window over what is inside the volume alone. */
void cv_mean_pool3d(const cv_exec *exec, const cv_window *window, float *out, const float *x, int C, const int size[3]);

#endif
