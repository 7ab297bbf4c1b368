/* masked_speed SIZE [THREADS [ROUNDS]] - seconds that the masked transformer of Phenaki takes for a guided step: logits
 * of one box, under a text and under none. Random weights. SIZE: shapes (that of weights/phenaki-shapes), readme
 * (phenaki-pytorch's own example) or paper, of which one layer of 24 is computed. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/clock.h"
#include "family/phenaki/network/masked.h"
#include "nn/blas.h"

typedef struct size {
    const char *name;
    int layers, width, heads, head_width, text_width, codes, T, h, w, text_rows;
} size;

static const size sizes[] = {
    { "shapes", 6, 192, 6, 32, 96, 512, 9, 8, 8, 16 },
    { "readme", 6, 512, 8, 64, 768, 65536, 6, 8, 8, 16 },
    { "paper", 1, 2048, 32, 64, 4096, 8192, 6, 16, 16, 16 },
};

static cv_store *weights_of(const cv_masked_config *config)
{
    cogvideo_error err;
    cv_masked *network;
    cv_store *plan, *store;

    CHECK_OK(cv_store_plan(&plan, "weights", &err), err);
    CHECK_OK(cv_masked_open(&network, config, plan, &err), err);
    CHECK_OK(cv_store_create_like(&store, "weights", plan, &err), err);
    cv_masked_close(&network);
    cv_store_close(&plan);
    for (size_t t = 0; t < cv_store_count(store); t++) {
        const cv_tensor *tensor = cv_store_at(store, t);
        float *values = cv_tensor_values(tensor);
        const float scale = tensor->rank > 1 ? 1 / sqrtf((float)tensor->shape[tensor->rank - 1]) : 1;

        for (size_t i = 0; i < tensor->count; i++)
            values[i] = scale * (float)((int)(i * 2654435761u >> 12 & 1023) - 512) / 512;
    }
    return store;
}

static void measure(const size *s, int threads, int rounds)
{
    const cv_masked_config config = {
        s->layers,     s->width, s->heads,           s->head_width, cv_blocks_inner(s->width),
        s->text_width, s->codes, s->T * s->h * s->w, true,          false
    };
    const int places = config.places;
    int32_t *ids = calloc((size_t)(2 * places), sizeof *ids);
    float *text = calloc((size_t)(2 * s->text_rows * s->text_width), sizeof *text),
          *out = calloc((size_t)(2 * places) * (size_t)s->codes, sizeof *out);
    uint8_t *mask = calloc((size_t)(2 * s->text_rows), 1);
    const cv_masked_input input = { 2, s->T, s->h, s->w, ids, NULL, text, mask, s->text_rows };
    cv_exec exec = { .threads = threads };
    double best = INFINITY;
    cogvideo_error err;
    cv_masked *network;
    cv_store *store;
    cv_arena arena;

    assert_true(ids && text && out && mask);
    memset(mask, 1, (size_t)s->text_rows);
    for (int i = 0; i < 2 * s->text_rows * s->text_width; i++)
        text[i] = seeded_unit(1, "text", (uint64_t)i);
    check_kernels(&exec.kernels);
    store = weights_of(&config);
    CHECK_OK(cv_masked_open(&network, &config, store, &err), err);
    CHECK_OK(cv_arena_create(&arena, cv_masked_scratch(&exec, network, &input), &err), err);
    for (int round = 0; round < rounds; round++) {
        const double start = cv_clock();

        cv_masked_run(&exec, network, NULL, &input, out, NULL, NULL, &arena);
        best = fmin(best, cv_clock() - start);
    }
    printf("%s: %.4f s a guided step on %d threads, %.0f MB of scratch\n", s->name, best, threads,
           (double)arena.capacity / 1e6);
    cv_arena_free(&arena);
    cv_masked_close(&network);
    cv_store_close(&store);
    free(ids);
    free(text);
    free(out);
    free(mask);
}

int main(int argc, char **argv)
{
    const int threads = argc > 2 ? atoi(argv[2]) : 2, rounds = argc > 3 ? atoi(argv[3]) : 5;

    cv_blas_init();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (argc > 1 && strcmp(argv[1], sizes[i].name) == 0) {
            measure(&sizes[i], threads, rounds);
            return 0;
        }
    fprintf(stderr, "usage: masked_speed shapes|readme|paper [THREADS [ROUNDS]]\n");
    return 2;
}
