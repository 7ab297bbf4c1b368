/* heads.h - from rows of channels to the memories that attention reads (attention.h). */
#ifndef CV_NN_HEADS_H
#define CV_NN_HEADS_H

#include "nn/exec.h"

/* memory [H][places][D], head_stride = places * D: places first .. first + rows - 1 = x [rows, H * D], whose rows are
 * x_stride apart. */
void cv_heads_store(const cv_exec *exec, float *memory, size_t head_stride, int first, const float *x,
                    size_t x_stride, int rows, int H, int D);

/* out [rows, C] = x [rows, C] of rows x_stride apart. */
void cv_rows_copy(const cv_exec *exec, float *out, const float *x, size_t x_stride, int rows, int C);

#endif
