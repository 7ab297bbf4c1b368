/* machine.c - measures the machine's limits, the linear layers and convolutions in turn. */
#include "bench/machine.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "bench/convolutions.h"
#include "bench/limits.h"
#include "bench/linears.h"
#include "nn/blas.h"

#include <stdio.h>
#include <string.h>

#define LIMITS 3
#define MOST_ROWS 512

static const char *const limit_names[LIMITS] = { "read bandwidth", "f32 peak", "8-bit peak" };

/* The measurements: each type at each of these numbers of rows, as a share of `limit`. */
static const struct shape {
    cv_weight_type type;
    int rows;
    bool step;
    int limit;
} shapes[] = {
    { CV_WEIGHT_F32, 1, true, 0 },   { CV_WEIGHT_F16, 1, true, 0 },    { CV_WEIGHT_Q8, 1, true, 0 },
    { CV_WEIGHT_Q4, 1, true, 0 },    { CV_WEIGHT_F16, 8, true, 1 },    { CV_WEIGHT_F16, 16, true, 1 },
    { CV_WEIGHT_Q8, 8, true, 2 },    { CV_WEIGHT_Q8, 16, true, 2 },    { CV_WEIGHT_Q4, 8, true, 2 },
    { CV_WEIGHT_Q4, 16, true, 2 },   { CV_WEIGHT_F16, 512, false, 1 }, { CV_WEIGHT_Q8, 512, false, 1 },
    { CV_WEIGHT_Q4, 512, false, 1 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes, ITEMS = LIMITS + SHAPES + CV_CONVOLUTIONS };

typedef struct bench {
    cv_exec exec;
    int hidden;
    void *buffer, *scales, *inputs;
    cv_arena arena; /* for products of many rows */
    float *x, *out;
    cv_limits limits;
    cv_linears linears[SHAPES];
    cv_convolution convolutions[CV_CONVOLUTIONS];
    cv_arena clips; /* for convolutions */
    cv_bench_item items[ITEMS];
} bench;

/* Returns how many bytes of weights a run needs: at the default width 540 MB, more than any cache of a small server;
 * never less than 4 MiB. */
static size_t least_bytes(int hidden)
{
    size_t bytes = (size_t)57 * (size_t)hidden * (size_t)hidden, least = (size_t)4 << 20;

    return bytes > least ? bytes / least * least : least;
}

static int copies_of(cv_weight_type type, int hidden)
{
    return (int)(least_bytes(hidden) / cv_linears_bytes(type, hidden)) + 1;
}

/* Fills with half-precision numbers of moderate size, which are ordinary numbers when read as any other type, too. */
static void fill(void *buffer, size_t bytes)
{
    uint64_t *words = buffer;

    for (size_t i = 0; i < bytes / sizeof *words; i++)
        words[i] = ((i + 1) * 0x9e3779b97f4a7c15u & 0x8fff8fff8fff8fffu) | 0x2000200020002000u;
}

static cogvideo_status take_memory(bench *b, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    size_t bytes = 0, scales = 0, K = 4 * (size_t)b->hidden;
    cv_arena arena = { 0 };

    for (int i = 0; i < SHAPES; i++) {
        size_t all = (size_t)copies_of(shapes[i].type, b->hidden) * cv_linears_bytes(shapes[i].type, b->hidden);

        bytes = all > bytes ? all : bytes;
        all = (size_t)copies_of(shapes[i].type, b->hidden) * 9 * (size_t)b->hidden *
              cv_weight_scale_bytes(shapes[i].type, K);
        scales = all > scales ? all : scales;
    }
    cv_step_input_take(&b->linears[0].input, &arena, &b->exec, 16, (int)K);
    CV_NEW(b->x, MOST_ROWS * K, err);
    CV_NEW(b->out, MOST_ROWS * K, err);
    if (!(b->inputs = cv_alloc(arena.peak, 1, err)) || !(b->buffer = cv_alloc(bytes, 1, err)) ||
        !(b->scales = cv_alloc(scales, 1, err)) ||
        cv_arena_create(&b->arena, cv_linear_scratch(&b->exec, (int)K), err) != COGVIDEO_OK)
        return COGVIDEO_ERROR_MEMORY;
    fill(b->buffer, bytes);
    fill(b->scales, scales);
    for (size_t i = 0; i < MOST_ROWS * K; i++)
        b->x[i] = (float)(i % 17) / 17 - 0.5f;
    b->limits = (cv_limits){ &b->exec, b->buffer, least_bytes(b->hidden) };
    arena = cv_arena_over(b->inputs, arena.peak);
    cv_step_input_take(&b->linears[0].input, &arena, &b->exec, 16, (int)K);
done:
    return status;
}

static void list_items(bench *b)
{
    static cv_bench_run *const limits[LIMITS] = { cv_limit_read, cv_limit_f32, cv_limit_int8 };
    static const char *const units[LIMITS] = { "GB/s", "GFLOP/s", "GOP/s" };
    const cv_step_input input = b->linears[0].input;

    for (int i = 0; i < LIMITS; i++) {
        cv_bench_item *item = &b->items[i];

        *item = (cv_bench_item){ .run = limits[i], .user = &b->limits };
        snprintf(item->row.name, sizeof item->row.name, "%s", limit_names[i]);
        snprintf(item->row.unit, sizeof item->row.unit, "%s", units[i]);
    }
    for (int i = 0; i < SHAPES; i++) {
        const struct shape *shape = &shapes[i];
        cv_bench_item *item = &b->items[LIMITS + i];
        int copies = shape->step ? copies_of(shape->type, b->hidden) : 1;

        b->linears[i] = (cv_linears){ .exec = &b->exec,
                                      .type = shape->type,
                                      .hidden = b->hidden,
                                      .copies = copies,
                                      .rows = shape->rows,
                                      .step = shape->step,
                                      .count_bytes = shape->limit == 0,
                                      .weights = b->buffer,
                                      .scales = b->scales,
                                      .x = b->x,
                                      .out = b->out,
                                      .input = input,
                                      .arena = &b->arena };
        *item = (cv_bench_item){ .run = cv_linears_run, .user = &b->linears[i] };
        snprintf(item->row.name, sizeof item->row.name, "%s, %s %d", cv_weight_type_name(shape->type),
                 shape->step ? "batch" : "rows", shape->rows);
        snprintf(item->row.unit, sizeof item->row.unit, "%s", units[shape->limit]);
        snprintf(item->row.limit, sizeof item->row.limit, "%s", limit_names[shape->limit]);
    }
}

static void list_convolutions(bench *b)
{
    for (int i = 0; i < CV_CONVOLUTIONS; i++) {
        cv_bench_item *item = &b->items[LIMITS + SHAPES + i];

        *item = (cv_bench_item){ .run = cv_convolution_run, .user = &b->convolutions[i] };
        snprintf(item->row.name, sizeof item->row.name, "%s", b->convolutions[i].name);
        snprintf(item->row.unit, sizeof item->row.unit, "%s", b->items[1].row.unit);
        snprintf(item->row.limit, sizeof item->row.limit, "%s", limit_names[1]);
    }
}

static void bench_close(bench *b)
{
    cv_convolutions_close(b->convolutions, &b->clips);
    cv_free(b->buffer);
    cv_free(b->scales);
    cv_arena_free(&b->arena);
    cv_free(b->inputs);
    cv_free(b->x);
    cv_free(b->out);
    cv_free(b);
}

cogvideo_status cv_bench_machine(const cogvideo_bench_options *options, cogvideo_bench_report *out, cogvideo_error *err)
{
    int hidden = options->hidden ? options->hidden : 3072, rounds = options->rounds ? options->rounds : 5;
    cogvideo_status status;
    bench *b = NULL;

    if (hidden < 64 || hidden > 16384 || hidden % 64 != 0 || rounds < 1 || rounds > 1000 || options->threads < 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "hidden must be a multiple of 64 up to 16384 and rounds 1 to 1000, not %d and %d", hidden,
                       rounds);
    CV_NEW(b, 1, err);
    b->exec = (cv_exec){ .threads = cv_exec_threads(options->threads, NULL), .q8_inputs = true };
    b->hidden = hidden;
    CV_TRY(cv_kernels_choose(&b->exec.kernels, options->kernels, err));
    cv_blas_init();
    CV_TRY(cv_exec_prepare(&b->exec, err));
    CV_TRY(take_memory(b, err));
    CV_TRY(cv_convolutions_open(b->convolutions, &b->exec, &b->clips, err));
    list_items(b);
    list_convolutions(b);
    CV_TRY(cv_bench_rounds(b->items, ITEMS, rounds, options, err));
    *out = (cogvideo_bench_report){ .threads = b->exec.threads, .rounds = rounds, .hidden = hidden, .count = ITEMS };
    snprintf(out->kernels, sizeof out->kernels, "%s", b->exec.kernels.name);
    for (int i = 0; i < ITEMS; i++)
        out->rows[i] = b->items[i].row;
done:
    if (b)
        bench_close(b);
    return status;
}
