/* embedding.h - tables whose rows are looked up by id, and their gradient. */
#ifndef CV_NN_EMBEDDING_H
#define CV_NN_EMBEDDING_H

#include "nn/exec.h"
#include "tensor/store.h"

/* Claims the table of embeddings `name` [rows, C] and returns a view of it. */
cogvideo_status cv_embedding_bind(const cv_tensor **out, cv_store *store, const char *name, int rows, int C,
                                  cogvideo_error *err);
/* out [C] = row `row` of a table [rows, C]. The row must be within the table. */
void cv_embedding_row(float *out, const cv_tensor *table, int row, int C);
/* out [C] += row `row` of a table [rows, C]. */
void cv_embedding_add(float *out, const cv_tensor *table, int row, int C);

/* table [.., C]: row ids[r] += row r of dx [rows, C], whose rows are dx_stride apart, with r in order. Negative ids
 * are skipped. */
void cv_embedding_backward(const cv_exec *exec, float *table, const float *dx, size_t dx_stride, const int32_t *ids,
                           int rows, int C);

#endif
