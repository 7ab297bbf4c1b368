#include "bench/seeded_store.h"

#include "base/hash.h"
#include "import/narrow.h"
#include "tensor/store_write.h"

#include <math.h>
#include <string.h>

#define ROWS 64 /* that differ: they follow each other again and again */

/* Uniform numbers: matrices keep the size of their inputs, gains are near 1. */
static void fill(float *row, size_t K, const cv_tensor *tensor, size_t n)
{
    bool gain = strstr(tensor->name, "norm") && tensor->rank == 1 && strstr(tensor->name, ".weight");
    float scale = tensor->rank >= 2 ? sqrtf(3.0f / (float)K) : 0.1f;
    uint64_t state = cv_hash_text(tensor->name) + n;

    for (size_t k = 0; k < K; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        row[k] = scale * ((float)(state >> 40) * 0x1p-23f - 1) + (gain ? 1 : 0);
    }
}

static cogvideo_status write_part(cv_store_writer *writer, const char *block, size_t row, size_t N, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (size_t n = 0; n < N; n += ROWS)
        CV_TRY(cv_store_writer_data(writer, block, (N - n < ROWS ? N - n : ROWS) * row, err));
done:
    return status;
}

static cogvideo_status write_tensor(cv_store_writer *writer, const cv_tensor *tensor, cv_weight_type type,
                                    cogvideo_error *err)
{
    size_t N = tensor->rank >= 2 ? tensor->shape[0] : 1, K = N ? tensor->count / N : 0;
    size_t row = cv_weight_row_bytes(type, K), scale = cv_weight_scale_bytes(type, K);
    cogvideo_status status = COGVIDEO_OK;
    float *wide = NULL;
    char *data = NULL, *scales = NULL;

    if (tensor->count == 0)
        return COGVIDEO_OK;
    CV_NEW(wide, K, err);
    CV_NEW(data, ROWS * row, err);
    CV_NEW(scales, ROWS * scale + 1, err);
    for (size_t n = 0; n < ROWS && n < N; n++) {
        fill(wide, K, tensor, n);
        cv_weight_narrow(data + n * row, scales + n * scale, type, wide, K);
    }
    if (scale > 0)
        CV_TRY(write_part(writer, scales, scale, N, err));
    CV_TRY(write_part(writer, data, row, N, err));
done:
    cv_free(wide);
    cv_free(data);
    cv_free(scales);
    return status;
}

cogvideo_status cv_bench_write_store(const cv_store *plan, cv_weight_type type, const char *path, cogvideo_error *err)
{
    const cv_narrowing narrowing = { .type = type };
    cogvideo_status status;
    cv_store_writer *writer = NULL;

    CV_TRY(cv_store_writer_create(&writer, path, err));
    for (int turn = 0; turn < 2 * CV_NARROW_ORDERS; turn++)
        for (size_t i = 0; i < cv_store_count(plan); i++) {
            const cv_tensor *tensor = cv_store_at(plan, i);
            cv_weight_type own =
                tensor->rank == 2 ? cv_narrow_type(&narrowing, tensor->name, 2, tensor->shape, CV_F32) : CV_WEIGHT_F32;

            if (cv_narrow_order(own) != turn % CV_NARROW_ORDERS)
                continue;
            if (turn < CV_NARROW_ORDERS) /* all are declared before the first is written */
                CV_TRY(cv_narrow_declare(writer, tensor->name, own, tensor->rank, tensor->shape, err));
            else
                CV_TRY(write_tensor(writer, tensor, own, err));
        }
    CV_TRY(cv_store_writer_commit(&writer, err));
done:
    cv_store_writer_abandon(&writer);
    return status;
}
