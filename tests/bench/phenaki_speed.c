/* phenaki_speed NETWORK SIZE [THREADS [ROUNDS [FILE]]] - seconds that a network of Phenaki takes, the best of the
 * rounds, with weights that torch_phenaki.py has, too. NETWORK: masked, a guided step of the masked transformer over
 * one box; or decode, C-ViViT from codes to pixels. SIZE: one of the tables below. FILE gets what it gave, in f32. */
#include "support/check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "family/phenaki/network/cvivit.h"
#include "family/phenaki/network/masked.h"
#include "nn/blas.h"

#define GUIDANCE 3

/* --- numbers that both sides have -------------------------------------------------------------------------------- */

static float number(size_t i)
{
    return (float)((int)((uint64_t)i * 2654435761u >> 12 & 1023) - 512) / 512;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), of_end = strlen(end);

    return length >= of_end && strcmp(name + length - of_end, end) == 0;
}

/* Of matrices small enough for sums to stay near 1, of norms near 1. */
static void fill(const cv_tensor *tensor)
{
    const bool norm = ends_in(tensor->name, "gamma") || ends_in(tensor->name, "_scale") ||
                      (ends_in(tensor->name, "weight") && tensor->rank == 1);
    const size_t fan = tensor->rank > 1 ? tensor->count / tensor->shape[0] : 1;
    const float offset = norm ? 1 : 0, scale = tensor->rank > 1 ? 1 / sqrtf((float)fan) : 0.125f;
    float *values = cv_tensor_values(tensor);

    for (size_t i = 0; i < tensor->count; i++)
        values[i] = offset + scale * number(i);
}

static cv_store *plan_new(void)
{
    cogvideo_error err;
    cv_store *plan;

    CHECK_OK(cv_store_plan(&plan, "weights", &err), err);
    return plan;
}

/* Weights for all that was bound to the plan, which is closed. */
static cv_store *weights_of(cv_store *plan)
{
    cogvideo_error err;
    cv_store *store;

    CHECK_OK(cv_store_create_like(&store, "weights", plan, &err), err);
    cv_store_close(&plan);
    for (size_t t = 0; t < cv_store_count(store); t++)
        fill(cv_store_at(store, t));
    return store;
}

static float *floats(size_t count)
{
    float *x = malloc(count * sizeof *x);

    assert_non_null(x);
    return x;
}

/* --- what is measured --------------------------------------------------------------------------------------------- */

typedef struct measured {
    cv_exec exec;
    cv_arena arena;
    float *out;     /* what the network gives */
    size_t numbers; /* of it that are a result */
    double seconds;
} measured;

typedef void run_fn(measured *m, void *user);

static void run_rounds(measured *m, run_fn *run, void *user, int rounds)
{
    m->seconds = INFINITY;
    for (int round = 0; round <= rounds; round++) {
        const double start = cv_clock();

        run(m, user);
        if (round > 0) /* the first one meets its memory for the first time */
            m->seconds = fmin(m->seconds, cv_clock() - start);
    }
}

/* --- the masked transformer --------------------------------------------------------------------------------------- */

static const struct masked_size {
    const char *name;
    int layers, width, heads, head_width, text_width, codes, T, h, w, text_rows;
} masked_sizes[] = {
    { "shapes", 6, 192, 6, 32, 96, 512, 9, 8, 8, 16 },        /* weights/phenaki-shapes */
    { "readme", 6, 512, 8, 64, 768, 65536, 6, 8, 8, 16 },     /* phenaki-pytorch's example */
    { "paper", 4, 2048, 32, 64, 4096, 8192, 6, 16, 16, 16 },  /* four layers of 24 */
    { "whole", 24, 2048, 32, 64, 4096, 8192, 6, 16, 16, 16 }, /* all of them: 8 GB */
};

typedef struct masked_step {
    const cv_masked *network;
    cv_masked_input input;
} masked_step;

static void run_masked(measured *m, void *user)
{
    const masked_step *s = user;

    cv_masked_run(&m->exec, s->network, NULL, &s->input, m->out, NULL, NULL, &m->arena);
}

static bool measure_masked(measured *m, const char *name, int rounds)
{
    const struct masked_size *s = NULL;
    cv_masked_config config;
    masked_step step;
    cogvideo_error err;
    cv_masked *network;
    cv_store *store = plan_new();
    int32_t *ids;
    uint8_t *mask;
    size_t texts;
    float *text;

    for (size_t i = 0; i < sizeof masked_sizes / sizeof *masked_sizes; i++)
        if (strcmp(masked_sizes[i].name, name) == 0)
            s = &masked_sizes[i];
    if (!s)
        return false;
    config = (cv_masked_config){ .layers = s->layers,
                                 .width = s->width,
                                 .heads = s->heads,
                                 .head_width = s->head_width,
                                 .inner = cv_blocks_inner(s->width),
                                 .text_width = s->text_width,
                                 .codes = s->codes,
                                 .places = s->T * s->h * s->w,
                                 .cosine = true };
    CHECK_OK(cv_masked_open(&network, &config, store, &err), err);
    cv_masked_close(&network);
    store = weights_of(store);
    CHECK_OK(cv_masked_open(&network, &config, store, &err), err);
    texts = (size_t)s->text_rows * (size_t)s->text_width;
    ids = malloc(2 * (size_t)config.places * sizeof *ids);
    mask = calloc(2, (size_t)s->text_rows);
    text = floats(2 * texts);
    assert_true(ids && mask);
    for (int i = 0; i < 2 * config.places; i++) /* every other place is masked */
        ids[i] = i % 2 ? s->codes : i % config.places * 7919 % s->codes;
    for (size_t i = 0; i < 2 * texts; i++)
        text[i] = number(i % texts);
    memset(mask, 1, (size_t)s->text_rows);
    m->numbers = (size_t)config.places * (size_t)s->codes;
    m->out = floats(m->numbers);
    step = (masked_step){ network, { 2, s->T, s->h, s->w, ids, NULL, text, mask, s->text_rows, GUIDANCE } };
    CHECK_OK(cv_arena_create(&m->arena, cv_masked_scratch(&m->exec, network, &step.input), &err), err);
    run_rounds(m, run_masked, &step, rounds);
    cv_masked_close(&network);
    cv_store_close(&store);
    free(ids);
    free(mask);
    free(text);
    return true;
}

/* --- C-ViViT ------------------------------------------------------------------------------------------------------ */

static const struct decode_size {
    const char *name;
    cv_cvivit_config config;
    int T, h, w;
} decode_sizes[] = {
    { "shapes", /* weights/phenaki-shapes */
      { .width = 96,
        .heads = 4,
        .head_width = 24,
        .spatial_layers = 2,
        .temporal_layers = 2,
        .patch_height = 8,
        .patch_width = 8,
        .patch_frames = 4,
        .quantizer = CV_QUANTIZER_COSINE,
        .codes = 512,
        .code_width = 12,
        .projected = true,
        .temporal_peg = CV_PEG_TRUE,
        .peg_causal = true,
        .causal = true,
        .cosine = true,
        .std = { 1, 1, 1 } },
      9,
      8,
      8 },
    { "obvious", /* the paper's and obvious-research's */
      { .width = 512,
        .heads = 8,
        .head_width = 64,
        .spatial_layers = 4,
        .temporal_layers = 4,
        .patch_height = 8,
        .patch_width = 8,
        .patch_frames = 2,
        .quantizer = CV_QUANTIZER_COSINE,
        .codes = 8192,
        .code_width = 32,
        .projected = true,
        .patch_norm = true,
        .spatial_peg = CV_PEG_TRUE,
        .temporal_peg = CV_PEG_SCRAMBLED,
        .peg_causal = true,
        .cosine = true,
        .std = { 1, 1, 1 } },
      6,
      16,
      16 },
};

typedef struct decoding {
    const cv_cvivit *network;
    cv_cvivit_box box;
    int32_t *codes;
} decoding;

static void run_decode(measured *m, void *user)
{
    const decoding *d = user;

    cv_cvivit_decode(&m->exec, d->network, &d->box, m->out, d->codes, NULL, NULL, &m->arena);
}

static bool measure_decode(measured *m, const char *name, int rounds)
{
    const struct decode_size *s = NULL;
    cv_store *store = plan_new();
    cogvideo_error err;
    cv_cvivit *network;
    decoding d;

    for (size_t i = 0; i < sizeof decode_sizes / sizeof *decode_sizes; i++)
        if (strcmp(decode_sizes[i].name, name) == 0)
            s = &decode_sizes[i];
    if (!s)
        return false;
    CHECK_OK(cv_cvivit_open(&network, &s->config, store, &err), err);
    cv_cvivit_close(&network);
    store = weights_of(store);
    CHECK_OK(cv_cvivit_open(&network, &s->config, store, &err), err);
    d = (decoding){ network, { 1, s->T, s->h, s->w }, malloc((size_t)(s->T * s->h * s->w) * sizeof *d.codes) };
    assert_non_null(d.codes);
    for (int i = 0; i < s->T * s->h * s->w; i++)
        d.codes[i] = i * 7919 % s->config.codes;
    m->numbers = 3 * (size_t)cv_cvivit_frames(&s->config, s->T) * (size_t)(s->h * s->config.patch_height) *
                 (size_t)(s->w * s->config.patch_width);
    m->out = floats(m->numbers);
    CHECK_OK(cv_arena_create(&m->arena, cv_cvivit_scratch(&m->exec, network, &d.box), &err), err);
    run_rounds(m, run_decode, &d, rounds);
    cv_cvivit_close(&network);
    cv_store_close(&store);
    free(d.codes);
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
    const int rounds = argc > 4 ? atoi(argv[4]) : 5;
    measured m = { .exec = { .threads = argc > 3 ? atoi(argv[3]) : 2 } };
    FILE *file;

    cv_blas_init();
    check_kernels(&m.exec.kernels);
    if (argc < 3 || !(strcmp(argv[1], "masked") == 0   ? measure_masked(&m, argv[2], rounds)
                      : strcmp(argv[1], "decode") == 0 ? measure_decode(&m, argv[2], rounds)
                                                       : false)) {
        fprintf(stderr, "usage: phenaki_speed masked|decode SIZE [THREADS [ROUNDS [FILE]]]\n");
        return 2;
    }
    printf("%.4f s, %s %s on %d threads, %.0f MB of scratch\n", m.seconds, argv[1], argv[2], m.exec.threads,
           (double)m.arena.capacity / 1e6);
    if (argc > 5) {
        file = fopen(argv[5], "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(m.out, sizeof *m.out, m.numbers, file), m.numbers);
        assert_int_equal(fclose(file), 0);
    }
    cv_arena_free(&m.arena);
    free(m.out);
    return 0;
}
