/* Every kernel of every instruction set that runs here, against plain C: odd sizes, unaligned, with canaries. */
#include "support/check.h"
#include "support/seeded.h"

#include "kernels/kernels.h"

#define CANARY 12345.0f

static void fill(float *x, int count, int seed)
{
    for (int i = 0; i < count; i++)
        x[i] = seeded_unit(seed, "x", (uint64_t)i);
}

/* A matrix of a type, its rows aligned to an element only. */
typedef struct matrix {
    unsigned char *data, *scales;
    cv_weight view;
} matrix;

static matrix new_matrix(cv_weight_type type, int N, int K)
{
    size_t row = cv_weight_row_bytes(type, (size_t)K), scales = cv_weight_scale_bytes(type, (size_t)K);
    size_t odd = type < CV_WEIGHT_Q8 ? cv_dtype_size((cv_dtype)type) : 1, odd_scales = type == CV_WEIGHT_Q8 ? 4 : 2;
    matrix m = { malloc(odd + (size_t)N * row),
                 malloc(odd_scales + (size_t)N * scales),
                 { .type = type, .N = N, .K = K } };

    assert_true(m.data && m.scales);
    m.view.data = m.data + odd;
    m.view.scales = type >= CV_WEIGHT_Q8 ? m.scales + odd_scales : NULL;
    return m;
}

static matrix make_matrix(cv_weight_type type, const float *values, int N, int K)
{
    matrix m = new_matrix(type, N, K);

    for (int n = 0; n < N; n++) {
        cv_weight row = cv_weight_rows(&m.view, n, 1);

        cv_weight_narrow((void *)row.data, (void *)row.scales, type, values + (size_t)n * (size_t)K, (size_t)K);
    }
    return m;
}

static void free_matrix(matrix *m)
{
    free(m->data);
    free(m->scales);
}

/* --- shapes --------------------------------------------------------------------------------------------------- */

/* Small sizes are tried all, up to these. */
enum { SWEEP_N = 11, SWEEP_K = 200, SWEEP_B = 9 };
/* Large ones beside whole vectors and tiles, and 16 entries of a batch; rows of 1000 reach far enough apart in memory
 * that kernels walk them in another order. Any two of the values meet once. */
enum { MOST_N = 65, MOST_K = 1024, MOST_B = 17 };
static const struct edge {
    int K, N, B;
} edges[] = {
    { 383, 63, 15 },  { 383, 64, 16 },  { 383, 65, 17 }, { 384, 63, 16 }, { 384, 64, 17 },
    { 384, 65, 15 },  { 385, 63, 17 },  { 385, 64, 15 }, { 385, 65, 16 }, { 1000, 63, 15 },
    { 1000, 64, 17 }, { 1000, 65, 16 }, { 512, 64, 16 },
};
enum { EDGES = sizeof edges / sizeof *edges };

/* K from 1 on, or whole groups where the type wants them. */
static int next_K(cv_weight_type type, int K)
{
    return type == CV_WEIGHT_Q4 ? K + CV_Q4_GROUP : K + 1 + K / 40;
}

/* K, or what fits the type next above it. */
static int fit_K(cv_weight_type type, int K)
{
    return type == CV_WEIGHT_Q4 ? (K + CV_Q4_GROUP - 1) / CV_Q4_GROUP * CV_Q4_GROUP : K;
}

static float x[MOST_B * (MOST_K + 3) + 1], wide[MOST_N * MOST_K];

static int fill_inputs(void **state)
{
    (void)state;
    fill(x, MOST_B * (MOST_K + 3) + 1, 1);
    fill(wide, MOST_N * MOST_K, 2);
    return 0;
}

/* A copy of the first N rows of a matrix that is made once for all shapes of this K, in memory that ends where they
 * end. */
static matrix wide_matrix(cv_weight_type type, int N, int K)
{
    static matrix whole[CV_WEIGHT_TYPES][MOST_K + 1];
    matrix m = new_matrix(type, N, K), *from = &whole[type][K];

    if (!from->data)
        *from = make_matrix(type, wide, MOST_N, K);
    memcpy((void *)m.view.data, from->view.data, (size_t)N * cv_weight_row_bytes(type, (size_t)K));
    if (m.view.scales)
        memcpy((void *)m.view.scales, from->view.scales, (size_t)N * cv_weight_scale_bytes(type, (size_t)K));
    return m;
}

/* Is to try a matrix with each batch from `least` to `most`. */
typedef void try_fn(const cv_kernels *table, const cv_weight *w, int least, int most);

static void try_shape(const cv_kernels *table, cv_weight_type type, int N, int K, int least, int most, try_fn *try)
{
    matrix m = wide_matrix(type, N, K);

    try(table, &m.view, least, most);
    free_matrix(&m);
}

static void try_shapes(const cv_kernels *table, cv_weight_type first_type, try_fn *try)
{
    for (cv_weight_type type = first_type; type < CV_WEIGHT_TYPES; type++) {
        for (int k = next_K(type, 0); k <= SWEEP_K; k = next_K(type, k))
            for (int n = 1; n <= SWEEP_N; n += k % 3 + 1)
                try_shape(table, type, n, k, 1, SWEEP_B, try);
        for (int i = 0; i < EDGES; i++)
            try_shape(table, type, edges[i].N, fit_K(type, edges[i].K), edges[i].B, edges[i].B, try);
    }
}

/* Outputs of plain C and of the set under test, in rows of N and two more. */
typedef struct results {
    float plain[MOST_B * (MOST_N + 2)], tested[MOST_B * (MOST_N + 2)];
} results;

static void results_clear(results *r)
{
    for (int i = 0; i < MOST_B * (MOST_N + 2); i++)
        r->plain[i] = r->tested[i] = CANARY;
}

/* Sums of K products of numbers from -1 to 1 lie near sqrt(K) / 3, and their rounding grows with them; 0: to the
 * bit. */
static void results_compare(const results *r, const cv_weight *w, int B, double tolerance)
{
    for (int i = 0; i < MOST_B * (MOST_N + 2); i++) {
        bool canary = i >= B * (w->N + 2) || i % (w->N + 2) >= w->N;

        CHECK_CLOSE(r->plain[i], canary ? CANARY : r->tested[i], canary ? 0 : tolerance * sqrt(w->K));
        CHECK_CLOSE(r->tested[i], r->plain[i], canary ? 0 : tolerance * sqrt(w->K));
    }
}

#define ROUNDING 5e-7

/* --- inputs in 8 bits ----------------------------------------------------------------------------------------- */

/* As the kernels of both tables make them: the very same. */
enum { MOST_GROUPS = MOST_K / CV_Q4_GROUP + 1 };

typedef struct q8_input {
    int8_t values[MOST_B * (MOST_K + 5) + 1];
    float scales[MOST_B];
    int32_t sums[MOST_B * MOST_GROUPS];
    cv_q8_rows view;
} q8_input;

static void make_input(q8_input *in, const cv_kernels *kernels, const float *from, int K, int B)
{
    memset(in, 77, sizeof *in);
    in->view = (cv_q8_rows){ in->values + 1, in->scales, in->sums, (size_t)K + 5, MOST_GROUPS };
    for (int b = 0; b < B; b++)
        kernels->quantize(in->values + 1 + b * (K + 5), &in->scales[b], in->sums + MOST_GROUPS * b, from + b * K, K);
}

/* Entries from `first` on. */
static cv_q8_rows input_from(const q8_input *in, int first)
{
    cv_q8_rows rows = in->view;

    rows.values += (size_t)first * rows.stride;
    rows.scales += first;
    rows.sums += (size_t)first * rows.sum_stride;
    return rows;
}

static void try_quantizing(const cv_kernels *table, const float *from, int K, int B)
{
    static q8_input a, b;
    cv_kernels plain;

    cv_kernels_plain(&plain);
    make_input(&a, &plain, from, K, B);
    make_input(&b, table, from, K, B);
    assert_memory_equal(a.values, b.values, sizeof a.values);
    assert_memory_equal(a.scales, b.scales, sizeof a.scales);
    assert_memory_equal(a.sums, b.sums, sizeof a.sums);
    for (int i = 0; i < K; i++)
        CHECK_CLOSE(a.scales[0] * (float)a.values[1 + i], from[i], (double)a.scales[0] * 0.51);
}

static void quantizing_matches(void **state)
{
    static float rows[SWEEP_B * SWEEP_K];

    for (int k = 1; k <= SWEEP_K; k++) {
        memcpy(rows, x, sizeof rows);
        for (int i = 0; i < k; i++)
            rows[3 * k + i] = 0; /* a row of nothing */
        try_quantizing(*state, rows, k, SWEEP_B);
    }
    for (int i = 0; i < EDGES; i++)
        try_quantizing(*state, x, edges[i].K, edges[i].B);
}

/* --- linear --------------------------------------------------------------------------------------------------- */

/* What inputs are in: f32, 8 bits or parts, the latter two for the types that have kernels for these. */
enum { IN_F32, IN_Q8, IN_PARTS, KINDS };

static bool takes(const cv_kernels *table, const cv_weight *w, int kind)
{
    return kind == IN_F32 || (kind == IN_Q8 ? table->linear_q8[w->type] != NULL : table->linear_split[w->type] != NULL);
}

/* Parts are as exact as what they are the sum of. */
static void linear_by_parts(const cv_kernels *table, float *out, size_t stride, const float *in, const cv_weight *w,
                            int count)
{
    enum { GROUPS = MOST_B / CV_SPLIT_ROWS + 1 };
    static uint16_t parts[GROUPS * (MOST_K + CV_SPLIT_STEP) * CV_SPLIT_ROWS * CV_SPLIT_PARTS];
    const size_t in_stride = (size_t)w->K + 3;

    memset(parts, 77, sizeof parts);
    for (int b = 0; b < count; b += CV_SPLIT_ROWS)
        table->split(parts + (size_t)(b / CV_SPLIT_ROWS) * cv_split_size(w->K), in + (size_t)b * in_stride, in_stride,
                     count - b < CV_SPLIT_ROWS ? count - b : CV_SPLIT_ROWS, w->K);
    table->linear_split[w->type](out, stride, parts, w, count);
}

/* out = w times entries first .. first + count - 1 of a batch; q8 are these in 8 bits. */
static void linear(const cv_kernels *table, int kind, float *out, size_t stride, const q8_input *q8, int first,
                   int count, const cv_weight *w)
{
    const size_t in_stride = (size_t)w->K + 3;
    const float *in = x + 1 + (size_t)first * in_stride;
    const cv_q8_rows rows = input_from(q8, first);

    if (kind == IN_Q8)
        table->linear_q8[w->type](out, stride, &rows, w, count);
    else if (kind == IN_PARTS)
        linear_by_parts(table, out, stride, in, w, count);
    else
        table->linear_f32[w->type](out, stride, in, in_stride, w, count);
}

static void try_linear(const cv_kernels *table, const cv_weight *w, int least, int most)
{
    static q8_input in;
    static results r;
    cv_kernels plain;

    cv_kernels_plain(&plain);
    make_input(&in, &plain, x, w->K, most);
    for (int kind = 0; kind < KINDS; kind++)
        for (int b = least; b <= most && takes(table, w, kind); b++) {
            results_clear(&r);
            linear(&plain, kind == IN_Q8 ? IN_Q8 : IN_F32, r.plain, (size_t)w->N + 2, &in, 0, b, w);
            linear(table, kind, r.tested, (size_t)w->N + 2, &in, 0, b, w);
            /* whole numbers: to the bit */
            results_compare(&r, w, b, kind == IN_Q8 && w->type == CV_WEIGHT_Q8 ? 0 : ROUNDING);
        }
}

static void linear_matches(void **state)
{
    const cv_kernels *table = *state;

    assert_true(table->linear_q8[CV_WEIGHT_Q8] && table->linear_q8[CV_WEIGHT_Q4]);
    try_shapes(table, CV_WEIGHT_F32, try_linear);
}

/* What reaches further than other shapes do: more rows, numbers and entries than AMX takes at once, and a lone tile. */
static void split_reaches_far(void **state)
{
    enum { N = CV_SPLIT_WEIGHTS + 33, K = 256 + 34, B = CV_SPLIT_INPUTS + 35 };
    static float wide_rows[N * K], in[B * K], expected[B * N], out[B * N], hidden[B * N];
    static uint16_t parts[(B / CV_SPLIT_ROWS + 1) * (K + CV_SPLIT_STEP) * CV_SPLIT_ROWS * CV_SPLIT_PARTS];
    const cv_kernels *table = *state;
    cv_kernels plain;

    if (!table->split)
        skip();
    cv_kernels_plain(&plain);
    fill(wide_rows, N * K, 4);
    fill(in, B * K, 5);
    for (cv_weight_type type = CV_WEIGHT_F16; type <= CV_WEIGHT_BF16; type++) {
        matrix m = make_matrix(type, wide_rows, N, K);

        for (int pass = 0; pass < 2; pass++) {
            if (pass == 1) { /* what is no number stays within its row */
                in[20 * K + 3] = NAN;
                in[40 * K + 5] = INFINITY;
                memcpy(hidden, out, sizeof hidden);
            }
            for (int b = 0; b < B; b += CV_SPLIT_ROWS)
                table->split(parts + (size_t)(b / CV_SPLIT_ROWS) * cv_split_size(K), in + b * K, K,
                             B - b < CV_SPLIT_ROWS ? B - b : CV_SPLIT_ROWS, K);
            table->linear_split[type](out, N, parts, &m.view, B);
            if (pass == 0)
                plain.linear_f32[type](expected, N, in, K, &m.view, B);
            for (int i = 0; i < B * N; i++) {
                if (pass == 1 && (i / N == 20 || i / N == 40))
                    assert_false(isfinite(out[i]));
                else
                    CHECK_CLOSE(out[i], pass ? hidden[i] : expected[i], pass ? 0 : ROUNDING * sqrt(K));
            }
        }
        in[20 * K + 3] = in[40 * K + 5] = 0;
        free_matrix(&m);
    }
}

/* --- every byte that a file may hold -------------------------------------------------------------------------- */

/* Bytes of weights by turns, -128 among them, which our own quantizing never makes; and inputs by turns. All sums are
 * whole numbers that f32 holds, so every order gives the very same, and none on the way may leave its type. */
static const uint8_t byte_pairs[][2] = { { 0x80, 0x80 }, { 0x80, 0x7f }, { 0x80, 0x81 }, { 0x81, 0x81 }, { 0x7f, 0x7f },
                                         { 0x00, 0x00 }, { 0xff, 0xff }, { 0x0f, 0xf0 }, { 0x80, 0x00 } };
static const float input_pairs[][2] = { { 1, 1 }, { -1, -1 }, { 1, -1 }, { -1, 1 } };
enum { BYTES_N = 5, BYTES_B = 5 };

static matrix byte_matrix(cv_weight_type type, int K, const uint8_t pair[2])
{
    matrix m = new_matrix(type, BYTES_N, K);
    const float one = 1;
    const uint16_t half_one = 0x3c00;

    for (size_t i = 0; i < BYTES_N * cv_weight_row_bytes(type, (size_t)K); i++)
        ((uint8_t *)m.view.data)[i] = pair[i % 2];
    for (size_t i = 0; i < BYTES_N * cv_weight_scale_bytes(type, (size_t)K); i++)
        ((uint8_t *)m.view.scales)[i] =
            type == CV_WEIGHT_Q8 ? ((const uint8_t *)&one)[i % 4] : ((const uint8_t *)&half_one)[i % 2];
    return m;
}

/* What the format says, with scales of 1. */
static int byte_weight(const cv_weight *w, int n, int k)
{
    const uint8_t *row = cv_weight_rows(w, n, 1).data;
    int byte = row[k / CV_Q4_GROUP * (CV_Q4_GROUP / 2) + k % (CV_Q4_GROUP / 2)];

    if (w->type == CV_WEIGHT_Q8)
        return (int8_t)row[k];
    return (k % CV_Q4_GROUP < CV_Q4_GROUP / 2 ? byte & 15 : byte >> 4) - 8;
}

static int byte_sum(const cv_weight *w, int n, const float pair[2])
{
    int sum = 0;

    for (int k = 0; k < w->K; k++)
        sum += byte_weight(w, n, k) * (int)pair[k % 2];
    return sum;
}

static void try_bytes(const cv_kernels *table, const cv_weight *w)
{
    static float in[BYTES_B * MOST_K], out[BYTES_N * MOST_K];
    static q8_input q8;

    table->widen[w->type](out, w);
    for (int i = 0; i < w->N * w->K; i++)
        assert_true(out[i] == (float)byte_weight(w, i / w->K, i % w->K));
    memset(out, 0, sizeof out);
    table->mix[w->type](out, (const float[BYTES_N]){ 1, -1, 1, 1, -1 }, w);
    for (int k = 0; k < w->K; k++)
        assert_true(out[k] == (float)(byte_weight(w, 0, k) - byte_weight(w, 1, k) + byte_weight(w, 2, k) +
                                      byte_weight(w, 3, k) - byte_weight(w, 4, k)));
    for (size_t p = 0; p < sizeof input_pairs / sizeof *input_pairs; p++) {
        for (int i = 0; i < BYTES_B * w->K; i++)
            in[i] = input_pairs[p][i % w->K % 2];
        make_input(&q8, table, in, w->K, BYTES_B);
        table->linear_f32[w->type](out, BYTES_N, in, (size_t)w->K, w, BYTES_B);
        for (int i = 0; i < BYTES_B * BYTES_N; i++)
            assert_true(out[i] == (float)byte_sum(w, i % BYTES_N, input_pairs[p]));
        table->linear_q8[w->type](out, BYTES_N, &q8.view, w, BYTES_B);
        for (int i = 0; i < BYTES_B * BYTES_N; i++) {
            float sum = (float)byte_sum(w, i % BYTES_N, input_pairs[p]);

            CHECK_CLOSE(out[i], sum, 1e-6 * (1 + fabs(sum)));
        }
    }
}

static void every_byte_is_met(void **state)
{
    static const int sizes[] = { 1, 33, 64, 200, 1024 };

    for (cv_weight_type type = CV_WEIGHT_Q8; type < CV_WEIGHT_TYPES; type++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t p = 0; p < sizeof byte_pairs / sizeof *byte_pairs; p++) {
                matrix m = byte_matrix(type, fit_K(type, sizes[i]), byte_pairs[p]);

                try_bytes(*state, &m.view);
                free_matrix(&m);
            }
}

/* --- company -------------------------------------------------------------------------------------------------- */

/* Companies of these sizes come to sit in tiles and blocks of every kind. */
static const int companies[] = { 1, 2, 3, 5, 8, 16 };

static void try_companies(const cv_kernels *table, const cv_weight *w, int least, int most)
{
    static float together[MOST_B * MOST_N], apart[MOST_B * MOST_N];
    static q8_input in;
    const size_t N = (size_t)w->N;

    (void)least;
    make_input(&in, table, x, w->K, most);
    for (int kind = 0; kind < KINDS; kind++) {
        if (!takes(table, w, kind))
            continue;
        linear(table, kind, together, N, &in, 0, most, w);
        for (size_t i = 0; i < sizeof companies / sizeof *companies; i++) {
            for (int b = 0, count; b < most; b += count) {
                count = companies[i] < most - b ? companies[i] : most - b;
                linear(table, kind, apart + (size_t)b * N, N, &in, b, count, w);
            }
            assert_memory_equal(apart, together, (size_t)most * N * sizeof *apart);
        }
    }
}

static void try_rows(const cv_kernels *table, const cv_weight *w, int least, int most)
{
    static float all[MOST_B * MOST_N], one[MOST_B];
    static q8_input in;
    const size_t N = (size_t)w->N;

    (void)least;
    make_input(&in, table, x, w->K, most);
    for (int kind = 0; kind < KINDS; kind++) {
        if (!takes(table, w, kind))
            continue;
        linear(table, kind, all, N, &in, 0, most, w);
        for (int n = 0; n < w->N; n += w->N / 16 + 1) {
            cv_weight row = cv_weight_rows(w, n, 1);

            linear(table, kind, one, 1, &in, 0, most, &row);
            for (int b = 0; b < most; b++)
                assert_memory_equal(&one[b], &all[(size_t)b * N + (size_t)n], sizeof *one);
        }
    }
}

/* A batch entry must get the very same bits alone and in any company, in every type. Threads share out the rows of a
 * matrix, so must a row. */
static void linear_ignores_the_company(void **state)
{
    for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++) {
        try_shape(*state, type, SWEEP_N, fit_K(type, 179), SWEEP_B, SWEEP_B, try_companies);
        try_shape(*state, type, SWEEP_N, fit_K(type, 179), SWEEP_B, SWEEP_B, try_rows);
        for (int i = 0; i < EDGES; i++) {
            try_shape(*state, type, edges[i].N, fit_K(type, edges[i].K), edges[i].B, edges[i].B, try_companies);
            try_shape(*state, type, edges[i].N, fit_K(type, edges[i].K), edges[i].B, edges[i].B, try_rows);
        }
    }
}

/* --- the others ----------------------------------------------------------------------------------------------- */

static void try_widening(const cv_kernels *table, const cv_weight *w, int least, int most)
{
    static float out[2][MOST_N * MOST_K + 1];
    cv_kernels plain;

    (void)least;
    (void)most;
    cv_kernels_plain(&plain);
    for (int i = 0; i <= w->N * w->K; i++)
        out[0][i] = out[1][i] = CANARY;
    plain.widen[w->type](out[0], w);
    table->widen[w->type](out[1], w);
    assert_memory_equal(out[0], out[1], ((size_t)w->N * (size_t)w->K + 1) * sizeof **out);
    assert_true(out[0][w->N * w->K] == CANARY);
    for (int i = 0; i < w->N * w->K; i++)
        CHECK_CLOSE(out[0][i], wide[i], w->type == CV_WEIGHT_Q4 ? 0.2 : w->type == CV_WEIGHT_F32 ? 0 : 0.005);
}

static void widening_matches(void **state)
{
    try_shapes(*state, CV_WEIGHT_F32, try_widening);
}

static void mix_matches(void **state)
{
    const cv_kernels *table = *state;
    static float weights[MOST_N], out[2][SWEEP_K + 8];
    cv_kernels plain;

    cv_kernels_plain(&plain);
    fill(weights, MOST_N, 3);
    for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++)
        for (int k = next_K(type, 0); k <= SWEEP_K; k = next_K(type, k))
            for (int n = 0; n <= MOST_N; n += n < SWEEP_N ? 1 : MOST_N - SWEEP_N) {
                matrix m = wide_matrix(type, n, k);

                for (int i = 0; i < SWEEP_K + 8; i++)
                    out[0][i] = out[1][i] = i < k ? 0.5f : CANARY;
                plain.mix[type](out[0], weights, &m.view);
                table->mix[type](out[1], weights, &m.view);
                for (int i = 0; i < SWEEP_K + 8; i++)
                    CHECK_CLOSE(out[1][i], out[0][i], i < k ? 1e-5 : 0);
                free_matrix(&m);
            }
}

static void spread_matches(void **state)
{
    const cv_kernels *table = *state;
    enum { N = 5, D = 67 };
    cv_kernels ref, best;
    float weights[N], a[N * D + 9], b[N * D + 9];

    cv_kernels_plain(&ref);
    best = *table;
    fill(weights, N, 2);
    for (int d = 1; d <= D; d++)
        for (int n = 0; n <= N; n++) {
            for (int i = 0; i < N * D + 9; i++)
                a[i] = b[i] = CANARY + (float)i;
            fill(a + 1, n * d, 3);
            fill(b + 1, n * d, 3);
            ref.spread(a + 1, weights, x + 1, n, d);
            best.spread(b + 1, weights, x + 1, n, d);
            for (int i = 0; i < N * D + 9; i++)
                CHECK_CLOSE(b[i], a[i], 1e-5);
            for (int i = 0; i < n * d; i++)
                CHECK_CLOSE(a[i + 1], seeded_unit(3, "x", (uint64_t)i) + weights[i / d] * x[1 + i % d], 1e-5);
        }
}

/* Rows through a panel of `count` used columns, against sums in f64; and the last row alone, to the bit. */
static void try_panel(const cv_kernels *table, int rows, int K, int count, bool add)
{
    enum { MOST_WIDTH = 64, STRIDE = MOST_WIDTH + 3 };
    static float weights[MOST_K * MOST_WIDTH], out[MOST_B * STRIDE + 1], alone[STRIDE];
    const int width = table->panel_width;

    assert_true(width <= MOST_WIDTH);
    fill(weights, K * width, 7);
    for (int i = 0; i <= rows * STRIDE; i++)
        out[i] = i % STRIDE < count ? 0.5f : CANARY;
    memcpy(alone, out, sizeof alone);
    table->panel(out, STRIDE, x, (size_t)K + 3, rows, weights, K, count, add);
    for (int r = 0; r < rows; r++)
        for (int n = 0; n < STRIDE; n++) {
            double sum = add ? 0.5 : 0;

            for (int k = 0; k < K; k++)
                sum += (double)x[r * (K + 3) + k] * (double)weights[k * width + n % width];
            if (n < count)
                CHECK_CLOSE(out[r * STRIDE + n], sum, 1e-4);
            else
                assert_true(out[r * STRIDE + n] == CANARY);
        }
    table->panel(alone, STRIDE, x + (rows - 1) * (K + 3), (size_t)K + 3, 1, weights, K, count, add);
    assert_memory_equal(alone, out + (rows - 1) * STRIDE, (size_t)count * sizeof *alone);
}

static void panel_matches(void **state)
{
    const cv_kernels *table = *state;
    static const int lengths[] = { 1, 5, 255, 256, 257, 700 };

    for (int rows = 1; rows <= MOST_B; rows++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            for (int add = 0; add < 2; add++) {
                try_panel(table, rows, lengths[i], table->panel_width, add != 0);
                try_panel(table, rows, lengths[i], 1 + (rows * 7 + (int)i) % (table->panel_width - 1), add != 0);
            }
}

/* Matrices as they lie in memory, x also turned, against sums in f64; and the last row alone, to the bit. */
static void try_product(const cv_kernels *table, int rows, int K, int count, bool turned, bool add)
{
    enum { MOST_WIDTH = 5 * CV_PRODUCT_STEP, STRIDE = MOST_WIDTH + 3 };
    static float out[MOST_B * STRIDE + 1], alone[STRIDE];
    const size_t x_stride = turned ? 1 : (size_t)K + 3, x_step = turned ? (size_t)rows + 2 : 1;

    for (int i = 0; i <= rows * STRIDE; i++)
        out[i] = i % STRIDE < count ? 0.5f : CANARY;
    memcpy(alone, out, sizeof alone);
    table->product(out, STRIDE, x, x_stride, x_step, rows, wide, STRIDE, K, count, add);
    for (int r = 0; r < rows; r++)
        for (int n = 0; n < STRIDE; n++) {
            double sum = add ? 0.5 : 0;

            for (int k = 0; k < K && n < count; k++)
                sum += (double)x[(size_t)r * x_stride + (size_t)k * x_step] * (double)wide[k * STRIDE + n];
            if (n < count)
                CHECK_CLOSE(out[r * STRIDE + n], sum, 1e-4);
            else
                assert_true(out[r * STRIDE + n] == CANARY);
        }
    table->product(alone, STRIDE, x + (size_t)(rows - 1) * x_stride, x_stride, x_step, 1, wide, STRIDE, K, count, add);
    assert_memory_equal(alone, out + (rows - 1) * STRIDE, (size_t)count * sizeof *alone);
}

static void product_matches(void **state)
{
    const cv_kernels *table = *state;
    static const int lengths[] = { 1, 5, 127, 128, 129, 300 };

    assert_true(table->product_width % CV_PRODUCT_STEP == 0);
    for (int rows = 1; rows <= MOST_B; rows++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            for (int count = CV_PRODUCT_STEP; count <= 5 * CV_PRODUCT_STEP; count += CV_PRODUCT_STEP)
                for (int way = 0; way < 4; way++)
                    try_product(table, rows, lengths[i], count, way & 1, way & 2);
}

/* Weights and their sum, against those in f64. */
static void weights_are_exponentials(void **state)
{
    const cv_kernels *table = *state;
    static float scores[SWEEP_K + CV_PRODUCT_STEP + 1], bias[SWEEP_K];

    fill(bias, SWEEP_K, 5);
    for (int n = 1; n <= SWEEP_K; n++)
        for (int with = 0; with < 2; with++) {
            const int end = (n + CV_PRODUCT_STEP - 1) / CV_PRODUCT_STEP * CV_PRODUCT_STEP;
            double best = -INFINITY, expected = 0;
            float sum;

            for (int i = 0; i < n; i++) {
                const double score = (double)(20 * x[i]) + (with ? (double)bias[i] : 0);

                best = score > best ? score : best; /* fmax here is an internal error of GCC 12 for arm64 */
            }
            for (int i = 0; i <= end; i++)
                scores[i] = i < n ? 20 * x[i] : CANARY;
            sum = table->weigh(scores, with ? bias : NULL, n);
            for (int i = 0; i < n; i++) {
                const double weight = exp((double)(20 * x[i]) + (with ? (double)bias[i] : 0) - best);

                CHECK_CLOSE(scores[i], weight, 1e-5 * weight);
                expected += weight;
            }
            CHECK_CLOSE(sum, expected, 1e-6 * expected);
            for (int i = n; i <= end; i++)
                assert_true(scores[i] == (i < end ? 0 : CANARY));
        }
}

/* What compilers vectorize by themselves gives the same bits with every instruction set. */
static void loops_give_the_same_bits(void **state)
{
    const cv_kernels *tables[2] = { *state, NULL };
    static float dy[MOST_K], weight[MOST_K], bias[MOST_K], out[2][6][MOST_K];
    const float *const in[3] = { x, dy, weight }, *const by[3] = { bias, x, dy };
    cv_kernels ref;

    cv_kernels_plain(&ref);
    tables[1] = &ref;
    fill(dy, MOST_K, 2);
    fill(weight, MOST_K, 3);
    fill(bias, MOST_K, 4);
    for (int n = 1; n <= MOST_K; n += n < SWEEP_K ? 1 : (MOST_K - SWEEP_K) / 4) {
        for (int t = 0; t < 2; t++) {
            const cv_kernels *k = tables[t];
            cv_norm_row norm = { weight, n % 3 ? bias : NULL, 0, 0, n };

            for (int i = 0; i < 6; i++)
                memcpy(out[t][i], x, sizeof out[t][i]);
            for (int form = 0; form < CV_GELU_FORMS; form++) {
                k->gelu[form](out[t][0], (size_t)n);
                k->gelu_backward[form](out[t][1], dy, out[t][0], (size_t)n);
                for (int i = 0; i < n; i++)
                    out[t][0][i] += out[t][1][i];
            }
            k->softmax(out[t][2], n);
            k->softmax_backward(out[t][3], dy, n);
            out[t][2][n - 1] += k->weigh(out[t][4], n % 3 == 0 ? NULL : bias, n);
            k->unit(out[t][3], n, x, n % 2 == 0 ? weight : NULL, 3, n - n / 5);
            k->norm_stats(x, n, 1e-5f, &norm.mean, &norm.scale);
            k->norm_row(out[t][4], n % 2 == 0, x, &norm);
            k->norm_row_backward(out[t][5], n % 2 == 0, dy, x, &norm);
            k->norm_row_gradients(out[t][4], norm.bias ? out[t][5] : NULL, dy, x, &norm);
            k->depthwise(out[t][0], in, by, 3, n);
            k->depthwise_gradients((float *const[3]){ out[t][1], out[t][2], out[t][3] }, bias, in, 3, n);
        }
        assert_memory_equal(out[0], out[1], sizeof out[0]);
    }
}

/* Every table that runs here. */
int main(void)
{
    int failed = 0;
    cv_kernels table;

    for (int number = 0; cv_kernels_usable(number, &table); number++) {
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(split_reaches_far, &table),
            cmocka_unit_test_prestate(linear_matches, &table),
            cmocka_unit_test_prestate(quantizing_matches, &table),
            cmocka_unit_test_prestate(every_byte_is_met, &table),
            cmocka_unit_test_prestate(widening_matches, &table),
            cmocka_unit_test_prestate(linear_ignores_the_company, &table),
            cmocka_unit_test_prestate(mix_matches, &table),
            cmocka_unit_test_prestate(spread_matches, &table),
            cmocka_unit_test_prestate(panel_matches, &table),
            cmocka_unit_test_prestate(product_matches, &table),
            cmocka_unit_test_prestate(weights_are_exponentials, &table),
            cmocka_unit_test_prestate(loops_give_the_same_bits, &table),
        };

        printf("%s:\n", table.name);
        failed += cmocka_run_group_tests(tests, fill_inputs, NULL);
    }
    return failed;
}
