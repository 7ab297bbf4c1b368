/* embedding.h - the gradient of a table whose rows were looked up. */
#ifndef CV_NN_EMBEDDING_H
#define CV_NN_EMBEDDING_H

#include "nn/exec.h"

/* table [.., C]: row ids[r] += row r of dx [rows, C], whose rows are dx_stride apart, r in order. A negative id is none. */
void cv_embedding_backward(const cv_exec *exec, float *table, const float *dx, size_t dx_stride, const int32_t *ids,
                           int rows, int C);

#endif
