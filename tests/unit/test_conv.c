/* The layers of the picture networks against naive loops, at sizes that fill no block. */
#include "support/check.h"
#include "support/seeded.h"

#include "nn/attention2d.h"
#include "nn/blas.h"
#include "nn/conv2d.h"
#include "nn/group_norm.h"
#include "nn/nearest.h"
#include "nn/resample.h"
#include "nn/resblock.h"

#define SEED 5

/* What one layer runs on: weights in a file, some threads, memory as large as was measured. */
typedef struct bench {
    cv_store *store;
    cv_exec exec;
    cv_arena arena;
} bench;

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

/* Writes the listed weights and opens them; the list is freed. */
static bench bench_open(seeded_list *list, cv_dtype dtype, int threads)
{
    bench b = { .exec = { .threads = threads } };
    const char *path = check_temp_path("layer.safetensors");
    cogvideo_error err;

    cv_kernels_plain(&b.exec.kernels);
    seeded_write(list, path, dtype);
    seeded_list_free(list);
    CHECK_OK(cv_store_open(&b.store, path, &err), err);
    return b;
}

static void *room(size_t count, size_t size)
{
    cogvideo_error err;
    void *block = cv_alloc(count, size, &err);

    if (!block)
        fail_msg("%s", err.message);
    return block;
}

/* After a measuring run: memory for the real one, to the byte. */
static void bench_arm(bench *b)
{
    assert_int_equal(b->arena.used, 0);
    assert_int_equal(b->arena.peak % 64, 0);
    b->arena = cv_arena_over(aligned_alloc(64, b->arena.peak + 64), b->arena.peak);
    assert_non_null(b->arena.base);
}

static void bench_close(bench *b)
{
    assert_true(b->arena.peak <= b->arena.capacity);
    free(b->arena.base);
    cv_store_close(&b->store);
}

static float *numbers(const char *name, size_t count)
{
    float *values = room(count, sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i] = seeded_unit(SEED, name, i);
    return values;
}

/* A weight as written, in f32. */
static float weight_at(const bench *b, const char *name, size_t i)
{
    const cv_tensor *tensor = check_tensor(b->store, name);
    float value;

    cv_to_f32(&value, (const char *)tensor->data + i * cv_dtype_size(tensor->dtype), tensor->dtype, 1);
    return value;
}

static double naive_conv(const bench *b, const cv_conv2d *conv, const float *x, int height, int width, int channel,
                         int row, int column)
{
    double sum = (double)weight_at(b, "c.bias", (size_t)channel);
    int pad = conv->kernel == 3 && conv->stride == 1 ? 1 : 0;

    for (int c = 0; c < conv->in; c++)
        for (int i = 0; i < conv->kernel; i++)
            for (int j = 0; j < conv->kernel; j++) {
                int y = row * conv->stride - pad + i, z = column * conv->stride - pad + j;
                size_t w = (size_t)(((channel * conv->in + c) * conv->kernel + i) * conv->kernel + j);

                if (y >= 0 && y < height && z >= 0 && z < width)
                    sum += (double)weight_at(b, "c.weight", w) * (double)x[(c * height + y) * width + z];
            }
    return sum;
}

static void check_conv(int in, int out, int kernel, int stride, int height, int width, cv_dtype dtype, int threads)
{
    seeded_list list = { 0 };
    bench b;
    cogvideo_error err;
    cv_conv2d conv;
    int rows = height / stride, columns = width / stride;
    size_t count = (size_t)(out * rows * columns);
    float *x = numbers("x", (size_t)(in * height * width)), *y = numbers("y", count), *before = numbers("y", count);

    seeded_add(&list, SEED, "c.weight", 4, out, in, kernel, kernel);
    seeded_add(&list, SEED, "c.bias", 1, out);
    b = bench_open(&list, dtype, threads);
    CHECK_OK(cv_conv2d_bind(&conv, b.store, "c", in, out, kernel, stride, &err), err);
    cv_conv2d_apply(&b.exec, &conv, NULL, NULL, height, width, false, &b.arena);
    bench_arm(&b);
    for (int add = 1; add >= 0; add--) {
        cv_conv2d_apply(&b.exec, &conv, y, x, height, width, add, &b.arena);
        for (int c = 0; c < out; c++)
            for (int i = 0; i < rows * columns; i++) {
                size_t at = (size_t)(c * rows * columns + i);

                CHECK_CLOSE(y[at],
                            naive_conv(&b, &conv, x, height, width, c, i / columns, i % columns) +
                                (add ? (double)before[at] : 0),
                            2e-5);
            }
    }
    bench_close(&b);
    cv_free(x);
    cv_free(y);
    cv_free(before);
}

static void convolutions_match(void **state)
{
    (void)state;
    for (cv_dtype dtype = CV_F32; dtype <= CV_BF16; dtype++) {
        check_conv(5, 7, 3, 1, 9, 13, dtype, 3);
        check_conv(5, 7, 3, 2, 9, 14, dtype, 2);
        check_conv(6, 3, 1, 1, 7, 11, dtype, 2);
    }
    check_conv(1, 1, 3, 1, 1, 1, CV_F32, 1);
    check_conv(3, 2, 3, 1, 1, 5, CV_F32, 2);
    check_conv(3, 2, 3, 1, 5, 1, CV_F32, 2);
    check_conv(3, 2, 3, 2, 2, 2, CV_F32, 2);
    check_conv(2, 3, 3, 1, 37, 61, CV_F32, 3);
    check_conv(2, 3, 3, 2, 75, 63, CV_F32, 3);
    check_conv(40, 2, 1, 1, 31, 41, CV_F16, 3);
}

/* Enough channels for tiles; sides that are no multiples of a tile's, several blocks, rows of tiles split between
 * them. */
static void tiled_convolutions_match(void **state)
{
    static const int sides[][2] = { { 1, 1 },  { 1, 5 },   { 6, 1 },   { 2, 2 },   { 9, 13 },
                                    { 8, 14 }, { 37, 61 }, { 75, 64 }, { 3, 1100 } };

    (void)state;
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        check_conv(17, 19, 3, 1, sides[i][0], sides[i][1], CV_F32, 1 + (int)i % 3);
    check_conv(16, 600, 3, 1, 18, 16, CV_F16, 2);
}

/* A norm over all of a group, or over its channels at one position; of inputs around `mean_in`: far from zero a
 * one-pass variance would fail. */
static void check_group_norm(bool per_position, float mean_in)
{
    enum { C = 12, GROUPS = 3, PIXELS = 77, WIDTH = C / GROUPS, IN_GROUP = WIDTH * PIXELS };
    const int count = per_position ? WIDTH : IN_GROUP, apart = per_position ? PIXELS : 1;
    seeded_list list = { 0 };
    bench b;
    cogvideo_error err;
    cv_group_norm norm;
    float *x = numbers("x", C * PIXELS), *y = room(C * PIXELS, sizeof *y);

    seeded_add(&list, SEED, "norm.weight", 1, C);
    seeded_add(&list, SEED, "norm.bias", 1, C);
    b = bench_open(&list, CV_F32, 2);
    CHECK_OK(cv_group_norm_bind(&norm, b.store, "norm", C, GROUPS, 1e-6f, &err), err);
    norm.per_position = per_position;
    for (int i = 0; i < C * PIXELS; i++)
        x[i] += mean_in;
    for (int swish = 0; swish < 2; swish++) {
        cv_group_norm_apply(&b.exec, &norm, y, x, PIXELS, swish);
        for (int i = 0; i < C * PIXELS; i++) {
            const float *first = x + i / IN_GROUP * IN_GROUP + (per_position ? i % PIXELS : 0);
            double mean = 0, variance = 0, expected;

            for (int j = 0; j < count; j++)
                mean += (double)first[j * apart] / count;
            for (int j = 0; j < count; j++)
                variance += pow((double)first[j * apart] - mean, 2) / count;
            expected = ((double)x[i] - mean) / sqrt(variance + 1e-6) * (double)norm.weight[i / PIXELS] +
                       (double)norm.bias[i / PIXELS];
            CHECK_CLOSE(y[i], swish ? expected / (1 + exp(-expected)) : expected, 3e-5);
        }
    }
    cv_group_norm_apply(&b.exec, &norm, x, x, PIXELS, true);
    assert_memory_equal(x, y, C * PIXELS * sizeof *x);
    bench_close(&b);
    cv_free(x);
    cv_free(y);
}

static void group_norms_match(void **state)
{
    (void)state;
    check_group_norm(false, 50);
}

/* Over the channels of a group at one position. */
static void norms_per_position_match(void **state)
{
    (void)state;
    check_group_norm(true, 5);
}

/* Rows and columns that fill no patch are left out. */
static void patches_match(void **state)
{
    enum { C = 2, H = 7, W = 9, SIDE = 3, ROWS = H / SIDE, COLUMNS = W / SIDE };
    cv_exec exec = { .threads = 2 };
    float *x = numbers("x", C * H * W), out[C * SIDE * SIDE * ROWS * COLUMNS], back[C * (H - 1) * W];

    (void)state;
    cv_patches(&exec, out, x, C, H, W, SIDE);
    for (int i = 0; i < C * SIDE * SIDE * ROWS * COLUMNS; i++) {
        int plane = i / (ROWS * COLUMNS), row = i / COLUMNS % ROWS, column = i % COLUMNS;
        int c = plane / (SIDE * SIDE), dy = plane / SIDE % SIDE, dx = plane % SIDE;

        assert_true(out[i] == x[(c * H + row * SIDE + dy) * W + column * SIDE + dx]);
    }
    cv_unpatch(&exec, back, out, C, H - 1, W, SIDE);
    for (int i = 0; i < C * (H - 1) * W; i++)
        assert_true(back[i] == x[i + i / ((H - 1) * W) * W]);
    cv_free(x);
}

static void resampling_matches(void **state)
{
    enum { C = 3, H = 5, W = 7 };
    cv_exec exec = { .threads = 2 };
    float *x = numbers("x", C * H * W), large[C * 4 * H * W], half[C * (H / 2) * (W / 2)];

    (void)state;
    cv_upsample_nearest(&exec, large, x, C, H, W);
    for (int c = 0; c < C; c++)
        for (int i = 0; i < 2 * H; i++)
            for (int j = 0; j < 2 * W; j++)
                assert_true(large[(c * 2 * H + i) * 2 * W + j] == x[(c * H + i / 2) * W + j / 2]);
    cv_average_pool(&exec, half, x, C, H, W);
    for (int c = 0; c < C; c++)
        for (int i = 0; i < H / 2; i++)
            for (int j = 0; j < W / 2; j++) {
                const float *from = x + (c * H + 2 * i) * W + 2 * j;

                CHECK_CLOSE(half[(c * (H / 2) + i) * (W / 2) + j], (from[0] + from[1] + from[W] + from[W + 1]) / 4,
                            1e-6);
            }
    cv_free(x);
}

static void add_conv(seeded_list *list, const char *name, int in, int out, int kernel)
{
    char full[64];

    snprintf(full, sizeof full, "%s.weight", name);
    seeded_add(list, SEED, full, 4, out, in, kernel, kernel);
    snprintf(full, sizeof full, "%s.bias", name);
    seeded_add(list, SEED, full, 1, out);
}

static void add_norm(seeded_list *list, const char *name, int channels)
{
    char full[64];

    snprintf(full, sizeof full, "%s.weight", name);
    seeded_add(list, SEED, full, 1, channels);
    snprintf(full, sizeof full, "%s.bias", name);
    seeded_add(list, SEED, full, 1, channels);
}

/* y [C][positions] = a 1x1 convolution, in f64 */
static void naive_linear(const bench *b, double *y, const char *name, const double *x, int C, int positions)
{
    char weight[64], bias[64];

    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    for (int o = 0; o < C; o++)
        for (int i = 0; i < positions; i++) {
            double sum = (double)weight_at(b, bias, (size_t)o);

            for (int c = 0; c < C; c++)
                sum += (double)weight_at(b, weight, (size_t)(o * C + c)) * x[c * positions + i];
            y[o * positions + i] = sum;
        }
}

static void attention_matches(void **state)
{
    enum { C = 8, GROUPS = 4, H = 7, W = 11, P = H * W };
    static const char *const parts[] = { "a.q", "a.k", "a.v", "a.proj_out" };
    static double normed[C * P], q[C * P], k[C * P], v[C * P], mixed[C * P];
    seeded_list list = { 0 };
    bench b;
    cogvideo_error err;
    cv_attention2d attention;
    float *x = numbers("x", C * P), *y = numbers("x", C * P);

    (void)state;
    add_norm(&list, "a.norm", C);
    for (int i = 0; i < 4; i++)
        add_conv(&list, parts[i], C, C, 1);
    b = bench_open(&list, CV_F16, 3);
    CHECK_OK(cv_attention2d_bind(&attention, b.store, "a", C, GROUPS, 1e-6f, &err), err);
    cv_attention2d_apply(&b.exec, &attention, NULL, H, W, &b.arena);
    bench_arm(&b);
    cv_group_norm_apply(&b.exec, &attention.norm, y, x, P, false);
    for (int i = 0; i < C * P; i++)
        normed[i] = (double)y[i];
    naive_linear(&b, q, parts[0], normed, C, P);
    naive_linear(&b, k, parts[1], normed, C, P);
    naive_linear(&b, v, parts[2], normed, C, P);
    memset(mixed, 0, sizeof mixed);
    for (int i = 0; i < P; i++) {
        double weights[P], sum = 0;

        for (int j = 0; j < P; j++) {
            double score = 0;

            for (int c = 0; c < C; c++)
                score += q[c * P + i] * k[c * P + j];
            sum += weights[j] = exp(score / sqrt(C));
        }
        for (int j = 0; j < P; j++)
            for (int c = 0; c < C; c++)
                mixed[c * P + i] += weights[j] / sum * v[c * P + j];
    }
    naive_linear(&b, normed, parts[3], mixed, C, P);
    memcpy(y, x, C * P * sizeof *y);
    cv_attention2d_apply(&b.exec, &attention, y, H, W, &b.arena);
    for (int i = 0; i < C * P; i++)
        CHECK_CLOSE(y[i], (double)x[i] + normed[i], 2e-5);
    bench_close(&b);
    cv_free(x);
    cv_free(y);
}

/* The block is its parts in their order, in place or over its scratch. */
static void check_resblock(int in, int out)
{
    enum { H = 5, W = 9, MOST = 12 * H * W };
    seeded_list list = { 0 };
    bench b;
    cogvideo_error err;
    cv_resblock block = { 0 };
    float *x = numbers("x", MOST), *first = room(MOST, sizeof *first), *inner = room(MOST, sizeof *inner);
    float *middle = room(MOST, sizeof *middle), *expected = numbers("x", MOST), *result = in == out ? x : inner;

    add_norm(&list, "b.norm1", in);
    add_conv(&list, "b.conv1", in, out, 3);
    add_norm(&list, "b.norm2", out);
    add_conv(&list, "b.conv2", out, out, 3);
    if (in != out)
        add_conv(&list, "b.nin_shortcut", in, out, 1);
    b = bench_open(&list, CV_F32, 2);
    CHECK_OK(cv_resblock_bind(&block, b.store, "b", in, out, 2, 1e-6f, &err), err);
    CHECK_OK(cv_store_check_claimed(b.store, &err), err);
    cv_resblock_apply(&b.exec, &block, NULL, NULL, NULL, NULL, NULL, H, W, &b.arena);
    bench_arm(&b);
    cv_group_norm_apply(&b.exec, &block.norm1, first, x, H * W, true);
    cv_conv2d_apply(&b.exec, &block.conv1, middle, first, H, W, false, &b.arena);
    cv_group_norm_apply(&b.exec, &block.norm2, middle, middle, H * W, true);
    cv_conv2d_apply(&b.exec, &block.conv2, first, middle, H, W, false, &b.arena);
    if (in != out)
        cv_conv2d_apply(&b.exec, &block.shortcut, expected, x, H, W, false, &b.arena);
    memset(middle, 0, MOST * sizeof *middle);
    cv_resblock_apply(&b.exec, &block, result, x, inner, middle, NULL, H, W, &b.arena);
    for (size_t i = 0; i < (size_t)out * H * W; i++)
        CHECK_CLOSE(result[i], expected[i] + first[i], 1e-5);
    bench_close(&b);
    cv_free(x);
    cv_free(first);
    cv_free(inner);
    cv_free(middle);
    cv_free(expected);
}

static void residual_blocks_match(void **state)
{
    (void)state;
    check_resblock(8, 8);
    check_resblock(8, 12);
    check_resblock(12, 8);
}

static int32_t naive_nearest(const float *x, const float *codes, int N, int K)
{
    int32_t best = 0;
    double least = INFINITY;

    for (int n = 0; n < N; n++) {
        double sum = 0;

        for (int k = 0; k < K; k++)
            sum += ((double)x[k] - (double)codes[n * K + k]) * ((double)x[k] - (double)codes[n * K + k]);
        if (sum < least) {
            least = sum;
            best = n;
        }
    }
    return best;
}

/* Rows come in near copies that an f32 product cannot tell apart, and in exact ones. */
static void nearest_rows_are_exact(void **state)
{
    enum { N = 1300, K = 19, ROWS = 150 };
    float *codes = numbers("codes", N * K), *x = numbers("rows", ROWS * K);
    cv_weight book = { .data = codes, .type = CV_WEIGHT_F32, .N = N, .K = K };
    cv_exec exec = { .threads = 3 };
    cv_arena arena = { 0 };
    int32_t found[ROWS];
    void *scratch;

    (void)state;
    for (int n = 700; n < N; n++)
        for (int k = 0; k < K; k++)
            codes[n * K + k] = codes[(n - 700) * K + k] + (n % 2 && k == n % K ? 0x1p-22f : 0.0f);
    for (int i = 0; i < N * K; i++)
        codes[i] += 100;
    for (int i = 0; i < ROWS * K; i++)
        x[i] = i / K % 3 == 0 ? codes[(i / K + 600) * K + i % K] : x[i] + 100;
    cv_nearest(&exec, NULL, NULL, ROWS, &book, &arena);
    scratch = aligned_alloc(64, arena.peak);
    assert_non_null(scratch);
    arena = cv_arena_over(scratch, arena.peak);
    cv_nearest(&exec, found, x, ROWS, &book, &arena);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(found[i], naive_nearest(x + i * K, codes, N, K));
    for (int i = 0; i < ROWS * K; i++)
        x[i] = NAN;
    cv_nearest(&exec, found, x, ROWS, &book, &arena);
    for (int i = 0; i < ROWS; i++)
        assert_in_range(found[i], 0, N - 1);
    free(scratch);
    cv_free(codes);
    cv_free(x);
}

/* Codebooks of every type are searched as they are in f32, by all kernels and any number of threads. */
static void nearest_rows_of_any_type(void **state)
{
    enum { N = 1300, K = 64, ROWS = 70 };
    float *codes = numbers("codes", N * K), *x = numbers("rows", ROWS * K);
    static char data[N * K * 4], scales[N * 4];
    static float wide[N * K];
    static int32_t found[ROWS], wanted[ROWS];

    (void)state;
    for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++) {
        cv_weight book = { data, type < CV_WEIGHT_Q8 ? NULL : scales, type, N, K };
        cv_exec exec;

        for (int n = 0; n < N; n++)
            cv_weight_narrow(data + (size_t)n * cv_weight_row_bytes(type, K),
                             scales + (size_t)n * cv_weight_scale_bytes(type, K), type, codes + (size_t)n * K, K);
        for (int n = 0; n < N; n++)
            cv_weight_widen(wide + (size_t)n * K, &book, n);
        for (int i = 0; i < ROWS; i++)
            wanted[i] = naive_nearest(x + (size_t)i * K, wide, N, K);
        for (int set = 0; cv_kernels_usable(set, &exec.kernels); set++)
            for (exec.threads = 1; exec.threads < 4; exec.threads++) {
                cv_arena measured = { 0 }, arena = { 0 };

                cv_nearest(&exec, NULL, NULL, ROWS, &book, &measured);
                assert_int_equal(cv_arena_create(&arena, measured.peak, NULL), COGVIDEO_OK);
                cv_nearest(&exec, found, x, ROWS, &book, &arena);
                assert_memory_equal(found, wanted, sizeof found);
                cv_arena_free(&arena);
            }
    }
    cv_free(codes);
    cv_free(x);
}

static void arenas_measure_what_they_carve(void **state)
{
    _Alignas(64) char memory[256];
    cv_arena arena = { 0 };
    size_t mark;

    (void)state;
    assert_null(cv_arena_take(&arena, 3, 1));
    mark = cv_arena_mark(&arena);
    assert_null(cv_arena_take(&arena, 100, 1));
    cv_arena_rewind(&arena, mark);
    assert_null(cv_arena_take(&arena, 0, 8));
    assert_int_equal(arena.used, 64);
    assert_int_equal(arena.peak, 192);
    cv_arena_take(&arena, SIZE_MAX, 2);
    assert_int_equal(arena.peak, SIZE_MAX);
    cv_arena_take(&arena, 1, 1);
    assert_int_equal(arena.peak, SIZE_MAX);
    arena = cv_arena_over(memory, sizeof memory);
    assert_ptr_equal(cv_arena_take(&arena, 65, 1), memory);
    assert_ptr_equal(cv_arena_take(&arena, 16, 8), memory + 128);
    assert_int_equal(arena.used, 256);
#ifdef NDEBUG /* elsewhere to take more than was planned is an assertion's */
    assert_null(cv_arena_take(&arena, 1, 1));
    assert_int_equal(arena.used, 256);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_match),
        cmocka_unit_test(tiled_convolutions_match),
        cmocka_unit_test(group_norms_match),
        cmocka_unit_test(norms_per_position_match),
        cmocka_unit_test(patches_match),
        cmocka_unit_test(resampling_matches),
        cmocka_unit_test(attention_matches),
        cmocka_unit_test(residual_blocks_match),
        cmocka_unit_test(nearest_rows_are_exact),
        cmocka_unit_test(nearest_rows_of_any_type),
        cmocka_unit_test(arenas_measure_what_they_carve),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
