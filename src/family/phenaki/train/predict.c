#include "family/phenaki/train/predict.h"

#include "base/hash.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { DRAW_CODE = 0x6364 };

/* The code at which the sum of probabilities passes u of 1. */
static int32_t draw(const float *logits, int codes, double u)
{
    float largest = logits[0];
    double sum = 0, passed = 0;

    for (int code = 1; code < codes; code++)
        largest = fmaxf(largest, logits[code]);
    for (int code = 0; code < codes; code++)
        sum += exp((double)logits[code] - (double)largest);
    for (int code = 0; code < codes - 1; code++) {
        passed += exp((double)logits[code] - (double)largest);
        if (passed > u * sum)
            return code;
    }
    return codes - 1;
}

void cv_predict(const cv_boxes *boxes, const float *logits, uint64_t seed, uint64_t index, int32_t *out)
{
    for (int i = 0; i < cv_boxes_tokens(boxes); i++) {
        const uint32_t counter[4] = { (uint32_t)index, (uint32_t)(index >> 32), (uint32_t)i, DRAW_CODE };
        uint32_t bits[4];

        out[i] = boxes->ids[i];
        if (boxes->labels[i] < 0)
            continue;
        cv_rng_block(bits, seed, counter);
        out[i] = draw(logits + (size_t)i * (size_t)boxes->codes, boxes->codes, cv_rng_unit(bits[0], bits[1]));
    }
}

void cv_predict_stands_on(char out[24], const cogvideo_model *model)
{
    for (int i = 0; i < model->file_count; i++) {
        const cv_tensor *logits = model->files[i].store ? cv_store_find(model->files[i].store, "to_logits.bias") : NULL;

        if (logits) /* which differ in any two trainings */
            snprintf(out, 24, "%016" PRIx64,
                     cv_hash_bytes(CV_HASH_START, logits->data, logits->count * cv_dtype_size(logits->dtype)));
    }
}
