#include "nn/embedding.h"

/* Columns per block: one cache line of floats, so that no two threads write to the same line of an aligned table. */
#define COLUMNS 16

cogvideo_status cv_embedding_bind(const cv_tensor **out, cv_store *store, const char *name, int rows, int C,
                                  cogvideo_error *err)
{
    size_t shape[2] = { (size_t)rows, (size_t)C };

    return cv_store_claim(store, out, name, 2, shape, err);
}

static const void *table_row(const cv_tensor *table, int row, int C)
{
    return (const char *)table->data + (size_t)row * (size_t)C * cv_dtype_size(table->dtype);
}

void cv_embedding_row(float *out, const cv_tensor *table, int row, int C)
{
    cv_to_f32(out, table_row(table, row, C), table->dtype, (size_t)C);
}

void cv_embedding_add(float *out, const cv_tensor *table, int row, int C)
{
    enum { CHUNK = 64 };
    size_t width = cv_dtype_size(table->dtype);
    const char *from = table_row(table, row, C);
    float values[CHUNK];

    for (int first = 0; first < C; first += CHUNK) {
        int count = C - first < CHUNK ? C - first : CHUNK;

        cv_to_f32(values, from + (size_t)first * width, table->dtype, (size_t)count);
        for (int i = 0; i < count; i++)
            out[first + i] += values[i];
    }
}

void cv_embedding_backward(const cv_exec *exec, float *table, const float *dx, size_t dx_stride, const int32_t *ids,
                           int rows, int C)
{
    int blocks = (C + COLUMNS - 1) / COLUMNS;

    /* The same id may occur in many rows, so threads share the columns, not the rows. */
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int first = block * COLUMNS, last = first + COLUMNS < C ? first + COLUMNS : C;

        for (int r = 0; r < rows; r++) {
            if (ids[r] < 0)
                continue;
            for (int i = first; i < last; i++)
                table[(size_t)ids[r] * (size_t)C + (size_t)i] += dx[(size_t)r * dx_stride + (size_t)i];
        }
    }
}
