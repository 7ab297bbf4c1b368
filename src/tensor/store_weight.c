#include "tensor/store.h"

#include <stdio.h>

static cogvideo_status claim_quantized(cv_store *store, cv_weight *out, const char *name, cogvideo_error *err)
{
    const bool q8 = out->type == CV_WEIGHT_Q8;
    size_t shape[2] = { (size_t)out->N, (size_t)(q8 ? out->K : out->K / 2) };
    size_t scales[2] = { (size_t)out->N, (size_t)(out->K / CV_Q4_GROUP) };
    const cv_tensor *tensor;
    cogvideo_status status;
    char scale_name[300];

    if (!cv_weight_type_fits(out->type, (size_t)out->K))
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "%s: tensor '%s' has rows of %d numbers, which is not a multiple of the %d weights of a q4 group",
            cv_store_path(store), name, out->K, CV_Q4_GROUP);
    CV_TRY(cv_store_claim_as(store, &tensor, name, q8 ? CV_I8 : CV_U8, 2, shape, err));
    out->data = tensor->data;
    snprintf(scale_name, sizeof scale_name, "%s_scale", name);
    CV_TRY(cv_store_claim_as(store, &tensor, scale_name, q8 ? CV_F32 : CV_F16, q8 ? 1 : 2, scales, err));
    out->scales = tensor->data;
done:
    return status;
}

cogvideo_status cv_store_claim_weight(cv_store *store, cv_weight *out, const char *name, int N, int K,
                                      cogvideo_error *err)
{
    const cv_tensor *there = cv_store_find(store, name);
    cv_weight weight = { .N = N, .K = K };
    size_t shape[2] = { (size_t)N, (size_t)K };
    cogvideo_status status;

    if (there && (there->dtype == CV_I8 || there->dtype == CV_U8)) {
        weight.type = there->dtype == CV_I8 ? CV_WEIGHT_Q8 : CV_WEIGHT_Q4;
        CV_TRY(claim_quantized(store, &weight, name, err));
    } else {
        CV_TRY(cv_store_claim(store, &there, name, 2, shape, err));
        weight.type = (cv_weight_type)there->dtype;
        weight.data = there->data;
    }
    *out = weight;
done:
    return status;
}
