#include "support/narrowed.h"

#include "support/check.h"

#include "import/narrow.h"

static cogvideo_status rows_of(void *user, size_t first, size_t count, float *out, cogvideo_error *err)
{
    const cv_tensor *tensor = user;
    const size_t K = tensor->count / tensor->shape[0];

    (void)err;
    memcpy(out, (const float *)tensor->data + first * K, count * K * sizeof *out);
    return COGVIDEO_OK;
}

void narrowed_write(const cv_store *store, cv_weight_type type, const char *path)
{
    const cv_narrowing narrowing = { .type = type };
    cv_store_writer *writer;
    cogvideo_error err;

    CHECK_OK(cv_store_writer_create(&writer, path, &err), err);
    for (int writing = 0; writing < 2; writing++)
        for (int order = 0; order < CV_NARROW_ORDERS; order++)
            for (size_t t = 0; t < cv_store_count(store); t++) {
                const cv_tensor *tensor = cv_store_at(store, t);
                const cv_weight_type as =
                    cv_narrow_type(&narrowing, tensor->name, tensor->rank, tensor->shape, tensor->dtype);

                if (cv_narrow_order(as) != order)
                    continue;
                if (!writing)
                    CHECK_OK(cv_narrow_declare(writer, tensor->name, as, tensor->rank, tensor->shape, &err), err);
                else
                    CHECK_OK(cv_narrow_write(writer, tensor->name, as, tensor->shape[0],
                                             tensor->count / tensor->shape[0], rows_of, (void *)tensor, &err),
                             err);
            }
    CHECK_OK(cv_store_writer_commit(&writer, &err), err);
}

void narrowed_widen(cv_store *to, cv_store *file)
{
    cogvideo_error err;

    for (size_t t = 0; t < cv_store_count(to); t++) {
        const cv_tensor *tensor = cv_store_at(to, t);
        const float *numbers;
        cv_weight weight;

        if (tensor->rank != 2) {
            CHECK_OK(cv_store_claim_numbers(file, &numbers, tensor->name, tensor->rank, tensor->shape, &err), err);
            memcpy(cv_tensor_values(tensor), numbers, tensor->count * sizeof *numbers);
            continue;
        }
        CHECK_OK(cv_store_claim_weight(file, &weight, tensor->name, (int)tensor->shape[0], (int)tensor->shape[1], &err),
                 err);
        for (int n = 0; n < weight.N; n++)
            cv_weight_widen(cv_tensor_values(tensor) + (size_t)n * tensor->shape[1], &weight, n);
    }
}
