#include "family/phenaki/train/texts.h"

#include <string.h>

static size_t numbers_of(const cv_train_texts *texts)
{
    return (size_t)texts->most * (size_t)texts->longest * (size_t)texts->width;
}

cogvideo_status cv_train_texts_open(cv_train_texts *out, const cv_exec *exec, const cv_t5_config *config,
                                    const cv_t5 *frozen, cv_store *weights, cv_store *gradients, int most, int longest,
                                    cogvideo_error *err)
{
    cv_t5_batch largest = { .texts = most, .longest = longest };
    cv_arena measure = { 0 };
    cogvideo_status status;

    *out = (cv_train_texts){ .exec = exec, .t5 = frozen, .width = config->width, .most = most, .longest = longest };
    CV_NEW(out->ids, (size_t)most * (size_t)longest, err);
    CV_NEW(out->counts, most, err);
    for (int i = 0; i < most; i++)
        out->counts[i] = longest;
    largest.ids = out->ids;
    largest.counts = out->counts;
    if (weights) {
        CV_TRY(cv_t5_open(&out->own, config, weights, err));
        CV_TRY(cv_t5_open(&out->grad, config, gradients, err));
        out->t5 = out->own;
        cv_t5_tape_take(exec, out->t5, most, longest, &measure);
    }
    cv_arena_reserve(&measure, cv_t5_scratch(exec, out->t5, &largest));
    CV_TRY(cv_arena_create(&out->arena, measure.peak, err));
    if (weights)
        out->tape = cv_t5_tape_take(exec, out->t5, most, longest, &out->arena);
    CV_NEW(out->mask, (size_t)most * (size_t)longest, err);
    CV_NEW(out->vectors, numbers_of(out), err);
    CV_NEW(out->dvectors, numbers_of(out), err);
done:
    return status;
}

void cv_train_texts_close(cv_train_texts *texts)
{
    cv_t5_close(&texts->own);
    cv_t5_close(&texts->grad);
    cv_arena_free(&texts->arena);
    cv_free(texts->ids);
    cv_free(texts->counts);
    cv_free(texts->mask);
    cv_free(texts->vectors);
    cv_free(texts->dvectors);
    *texts = (cv_train_texts){ 0 };
}

void cv_train_texts_begin(cv_train_texts *texts)
{
    texts->batch = (cv_t5_batch){ .texts = 0, .longest = 1, .ids = texts->ids, .counts = texts->counts };
}

void cv_train_texts_add(cv_train_texts *texts, const int32_t *ids, int count)
{
    const int row = texts->batch.texts++;

    memcpy(texts->ids + (size_t)row * (size_t)texts->longest, ids, (size_t)count * sizeof *ids);
    texts->counts[row] = count;
    texts->batch.longest = count > texts->batch.longest ? count : texts->batch.longest;
}

void cv_train_texts_run(cv_train_texts *texts, bool training)
{
    const size_t rows = (size_t)texts->batch.texts, longest = (size_t)texts->batch.longest;

    for (size_t t = 0; t < rows; t++) {
        memmove(texts->ids + t * longest, texts->ids + t * (size_t)texts->longest, longest * sizeof *texts->ids);
        for (size_t i = 0; i < longest; i++)
            texts->mask[t * longest + i] = i < (size_t)texts->counts[t];
    }
    if (training && texts->own)
        cv_t5_forward(texts->exec, texts->t5, &texts->batch, texts->vectors, texts->tape, &texts->arena);
    else
        cv_t5_run(texts->exec, texts->t5, &texts->batch, texts->vectors, NULL, NULL, &texts->arena);
    memset(texts->dvectors, 0, rows * longest * (size_t)texts->width * sizeof *texts->dvectors);
}

void cv_train_texts_backward(cv_train_texts *texts)
{
    if (texts->own)
        cv_t5_backward(texts->exec, texts->t5, texts->grad, &texts->batch, texts->dvectors, texts->tape, &texts->arena);
}
