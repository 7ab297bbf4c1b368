/* Weights: a safetensors file opened, and each tensor read and claimed. */
#include "fuzz/fuzz.h"

#include "tensor/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    cv_store *store = NULL;
    const cv_tensor *claimed;
    const float *vector;
    cv_weight weight;

    if (!fuzz_ok(cv_store_open(&store, fuzz_file(data, size), &err), &err))
        return 0;
    for (size_t i = 0; i < cv_store_count(store); i++) {
        const cv_tensor *t = cv_store_at(store, i);

        fuzz_touch(t->data, t->count * cv_dtype_size(t->dtype));
        fuzz_must(cv_store_find(store, t->name) == t);
        fuzz_ok(cv_store_claim(store, &claimed, t->name, t->rank, t->shape, &err), &err);
        if (t->rank == 1)
            fuzz_ok(cv_store_claim_vector(store, &vector, t->name, t->count, &err), &err);
        if (t->rank == 2)
            fuzz_ok(cv_store_claim_weight(store, &weight, t->name, (int)t->shape[0], (int)t->shape[1], &err), &err);
    }
    fuzz_ok(cv_store_check_claimed(store, &err), &err);
    cv_store_metadata(store, "model");
    cv_store_close(&store);
    return 0;
}
