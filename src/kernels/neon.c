/* neon.c - the kernels for 64-bit ARM with the byte dot product. Built with that flag; called only where the processor has it. */
#include "kernels/kernels.h"

#if !defined(__ARM_NEON) || !defined(__ARM_FEATURE_DOTPROD)
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include <arm_neon.h>
#include <string.h>

/* Eight numbers: two registers. */
typedef struct lanes {
    float32x4_t low, high;
} lanes;

static inline lanes all(float value)
{
    return (lanes){ vdupq_n_f32(value), vdupq_n_f32(value) };
}

static inline lanes multiply(lanes a, lanes b)
{
    return (lanes){ vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high) };
}

/* sum + a b */
static inline lanes multiply_add(lanes sum, lanes a, lanes b)
{
    return (lanes){ vfmaq_f32(sum.low, a.low, b.low), vfmaq_f32(sum.high, a.high, b.high) };
}

static inline float total(lanes v)
{
    return vaddvq_f32(vaddq_f32(v.low, v.high));
}

static inline void store(float *out, lanes v)
{
    vst1q_f32(out, v.low);
    vst1q_f32(out + 4, v.high);
}

static inline void store_some(float *out, lanes v, int count)
{
    float eight[8];

    store(eight, v);
    memcpy(out, eight, (size_t)count * sizeof *out);
}

/* Eight weights from element k of a row, widened. */
static inline lanes load_f32(const void *row, int k)
{
    const float *at = (const float *)row + k;

    return (lanes){ vld1q_f32(at), vld1q_f32(at + 4) };
}

static inline lanes load_f16(const void *row, int k)
{
    uint16x8_t half = vld1q_u16((const uint16_t *)row + k);

    return (lanes){ vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(half))), vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(half))) };
}

static inline lanes load_bf16(const void *row, int k)
{
    uint16x8_t half = vld1q_u16((const uint16_t *)row + k);

    return (lanes){ vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(half), 16)),
                    vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(half), 16)) };
}

static inline lanes widen_bytes(int8x8_t bytes)
{
    int16x8_t half = vmovl_s8(bytes);

    return (lanes){ vcvtq_f32_s32(vmovl_s16(vget_low_s16(half))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(half))) };
}

static inline lanes load_q8(const void *row, int k)
{
    return widen_bytes(vld1_s8((const int8_t *)row + k));
}

/* The last 1..7 of a row, zeros behind them. */
#define LOAD_TAIL(LOAD, row, k, count) \
    (memcpy(tail, (const char *)(row) + (size_t)(k) * size, (size_t)(count) * size), LOAD(tail, 0))

static inline lanes load_some(const float *x, int count)
{
    const size_t size = sizeof *x;
    uint32_t tail[8] = { 0 };

    return count >= 8 ? load_f32(x, 0) : LOAD_TAIL(load_f32, x, 0, count);
}

/* Scale of a row, 1 where its type has none. */
static inline float scale_of(const cv_weight *w, int n)
{
    return w->scales ? ((const float *)w->scales)[n] : 1;
}

/* --- inputs in f32 ------------------------------------------------------------------------------------ */

/* A register tile of R rows by C batch entries. Each cell has one accumulator of eight lanes that walks K in order, so its
 * value is the same in every tile shape. */
#define TILE(R, C, LOAD)                                                                                          \
    do {                                                                                                          \
        lanes sum[R][C];                                                                                          \
        int k = 0;                                                                                                \
        for (int r = 0; r < R; r++)                                                                               \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = all(0);                                                                               \
        for (; k + 8 <= K; k += 8)                                                                                \
            for (int r = 0; r < R; r++) {                                                                         \
                lanes row = LOAD(w + (size_t)r * row_bytes, k);                                                   \
                for (int c = 0; c < C; c++)                                                                       \
                    sum[r][c] = multiply_add(sum[r][c], row, load_f32(x + (size_t)(b + c) * x_stride, k));        \
            }                                                                                                     \
        for (int r = 0; r < R && k < K; r++) {                                                                    \
            lanes row = LOAD_TAIL(LOAD, w + (size_t)r * row_bytes, k, K - k);                                     \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = multiply_add(sum[r][c], row, load_some(x + (size_t)(b + c) * x_stride + k, K - k));   \
        }                                                                                                         \
        for (int c = 0; c < C; c++)                                                                               \
            for (int r = 0; r < R; r++)                                                                           \
                out[(size_t)(b + c) * out_stride + (size_t)(n + r)] = total(sum[r][c]) * scale_of(weight, n + r); \
    } while (0)

/* Rows from n on, every entry of the batch from b on, in the widest tiles that fit. */
#define EACH_TILE(TILE, ...)                                                                                      \
    do {                                                                                                          \
        int b = 0;                                                                                                \
        for (; b + 2 <= B && rows == 4; b += 2)                                                                   \
            TILE(4, 2, ##__VA_ARGS__);                                                                            \
        for (; b < B && rows == 4; b++)                                                                           \
            TILE(4, 1, ##__VA_ARGS__);                                                                            \
        for (; b < B; b++)                                                                                        \
            TILE(1, 1, ##__VA_ARGS__);                                                                            \
    } while (0)

#define DEFINE_LINEAR(NAME, LOAD, SIZE)                                                                           \
    static void NAME(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *weight, int B) \
    {                                                                                                             \
        const size_t size = SIZE, row_bytes = (size_t)weight->K * size;                                           \
        const int K = weight->K;                                                                                  \
        uint32_t tail[8] = { 0 };                                                                                 \
        for (int n = 0, rows; n < weight->N; n += rows) {                                                         \
            const char *w = (const char *)weight->data + (size_t)n * row_bytes;                                   \
            rows = weight->N - n >= 4 ? 4 : 1;                                                                    \
            EACH_TILE(TILE, LOAD);                                                                                \
        }                                                                                                         \
    }

DEFINE_LINEAR(linear_f32, load_f32, 4)
DEFINE_LINEAR(linear_f16, load_f16, 2)
DEFINE_LINEAR(linear_bf16, load_bf16, 2)
DEFINE_LINEAR(linear_q8, load_q8, 1)

#define DEFINE_WIDEN(NAME, LOAD, SIZE)                                                                            \
    static void NAME(float *out, const cv_weight *w)                                                              \
    {                                                                                                             \
        const size_t size = SIZE;                                                                                 \
        uint32_t tail[8] = { 0 };                                                                                 \
        for (int n = 0; n < w->N; n++, out += w->K) {                                                             \
            const char *row = (const char *)w->data + (size_t)n * (size_t)w->K * size;                            \
            const lanes scale = all(scale_of(w, n));                                                              \
            int k = 0;                                                                                            \
            for (; k + 8 <= w->K; k += 8)                                                                         \
                store(out + k, multiply(LOAD(row, k), scale));                                        \
            if (k < w->K)                                                                                         \
                store_some(out + k, multiply(LOAD_TAIL(LOAD, row, k, w->K - k), scale), w->K - k);    \
        }                                                                                                         \
    }

DEFINE_WIDEN(widen_f16, load_f16, 2)
DEFINE_WIDEN(widen_bf16, load_bf16, 2)
DEFINE_WIDEN(widen_q8, load_q8, 1)

/* Sixteen columns at a time, in four registers. */
#define DEFINE_MIX(NAME, LOAD, SIZE)                                                                              \
    static void NAME(float *out, const float *weights, const cv_weight *w)                                        \
    {                                                                                                             \
        const size_t size = SIZE, row_bytes = (size_t)w->K * size;                                                \
        uint32_t tail[8] = { 0 };                                                                                 \
        int k = 0;                                                                                                \
        for (; k + 16 <= w->K; k += 16) {                                                                         \
            const char *row = w->data;                                                                            \
            lanes first = load_f32(out, k), second = load_f32(out, k + 8);                                        \
            for (int n = 0; n < w->N; n++, row += row_bytes) {                                                    \
                const lanes weight = all(weights[n] * scale_of(w, n));                                            \
                first = multiply_add(first, weight, LOAD(row, k));                                                \
                second = multiply_add(second, weight, LOAD(row, k + 8));                                          \
            }                                                                                                     \
            store(out + k, first);                                                                                \
            store(out + k + 8, second);                                                                           \
        }                                                                                                         \
        for (; k < w->K; k += 8) {                                                                                \
            const int count = w->K - k < 8 ? w->K - k : 8;                                                        \
            const char *row = w->data;                                                                            \
            lanes sum = load_some(out + k, count);                                                                \
            for (int n = 0; n < w->N; n++, row += row_bytes)                                                      \
                sum = multiply_add(sum, all(weights[n] * scale_of(w, n)), LOAD_TAIL(LOAD, row, k, count));        \
            store_some(out + k, sum, count);                                                                      \
        }                                                                                                         \
    }

DEFINE_MIX(mix_f32, load_f32, 4)
DEFINE_MIX(mix_f16, load_f16, 2)
DEFINE_MIX(mix_q8, load_q8, 1)

static void spread(float *keys, const float *weights, const float *x, int n, int D)
{
    for (int d = 0; d < D; d += 8) {
        const int count = D - d < 8 ? D - d : 8;
        const lanes part = load_some(x + d, count);

        for (int i = 0; i < n; i++) {
            float *at = keys + (size_t)i * (size_t)D + d;

            store_some(at, multiply_add(load_some(at, count), all(weights[i]), part), count);
        }
    }
}

/* --- inputs in 8 bits ---------------------------------------------------------------------------------- */

static inline int8x16_t load_bytes(const int8_t *from, int count)
{
    int8_t bytes[16] = { 0 };

    if (count >= 16)
        return vld1q_s8(from);
    memcpy(bytes, from, (size_t)count);
    return vld1q_s8(bytes);
}

#define TILE_Q8(R, C)                                                                                             \
    do {                                                                                                          \
        int32x4_t sum[R][C];                                                                                      \
        for (int r = 0; r < R; r++)                                                                               \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = vdupq_n_s32(0);                                                                       \
        for (int k = 0; k < K; k += 16)                                                                           \
            for (int r = 0; r < R; r++) {                                                                         \
                int8x16_t row = load_bytes(w + (size_t)r * (size_t)K + k, K - k);                                 \
                for (int c = 0; c < C; c++)                                                                       \
                    sum[r][c] = vdotq_s32(sum[r][c], row, load_bytes(x->values + (size_t)(b + c) * x->stride + k, K - k)); \
            }                                                                                                     \
        for (int c = 0; c < C; c++)                                                                               \
            for (int r = 0; r < R; r++)                                                                           \
                out[(size_t)(b + c) * out_stride + (size_t)(n + r)] =                                             \
                    (float)vaddvq_s32(sum[r][c]) * (scale_of(weight, n + r) * x->scales[b + c]);                  \
    } while (0)

static void linear_q8_q8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *weight, int B)
{
    const int K = weight->K;

    for (int n = 0, rows; n < weight->N; n += rows) {
        const int8_t *w = (const int8_t *)weight->data + (size_t)n * (size_t)K;

        rows = weight->N - n >= 4 ? 4 : 1;
        EACH_TILE(TILE_Q8);
    }
}

static inline float half_to_float(uint16_t half)
{
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

/* Sixteen nibbles less 8: of bytes 16 i and on of a group, low or high ones. */
static inline int8x16_t nibbles(const uint8_t *group, int i, int high)
{
    uint8x16_t bytes = vld1q_u8(group + 16 * i);

    return vsubq_s8(vreinterpretq_s8_u8(high ? vshrq_n_u8(bytes, 4) : vandq_u8(bytes, vdupq_n_u8(15))), vdupq_n_s8(8));
}

#define TILE_Q4(R, C)                                                                                             \
    do {                                                                                                          \
        float32x4_t sum[R][C];                                                                                    \
        for (int r = 0; r < R; r++)                                                                               \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = vdupq_n_f32(0);                                                                       \
        for (int g = 0; g < groups; g++)                                                                          \
            for (int r = 0; r < R; r++) {                                                                         \
                const uint8_t *group = w + ((size_t)r * (size_t)groups + (size_t)g) * (CV_Q4_GROUP / 2);          \
                const float scale = half_to_float(scales[r * groups + g]);                                        \
                for (int c = 0; c < C; c++) {                                                                     \
                    const int8_t *in = x->values + (size_t)(b + c) * x->stride + (size_t)g * CV_Q4_GROUP;         \
                    int32x4_t whole = vdupq_n_s32(0);                                                             \
                    for (int i = 0; i < 4; i++) /* weights 16 i and on */                                         \
                        whole = vdotq_s32(whole, nibbles(group, i & 1, i >= 2), vld1q_s8(in + 16 * i));           \
                    sum[r][c] = vfmaq_n_f32(sum[r][c], vcvtq_f32_s32(whole), scale);                              \
                }                                                                                                 \
            }                                                                                                     \
        for (int c = 0; c < C; c++)                                                                               \
            for (int r = 0; r < R; r++)                                                                           \
                out[(size_t)(b + c) * out_stride + (size_t)(n + r)] = vaddvq_f32(sum[r][c]) * x->scales[b + c];   \
    } while (0)

static void linear_q8_q4(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *weight, int B)
{
    const int groups = weight->K / CV_Q4_GROUP;

    for (int n = 0, rows; n < weight->N; n += rows) {
        const uint8_t *w = (const uint8_t *)weight->data + (size_t)n * (size_t)groups * (CV_Q4_GROUP / 2);
        const uint16_t *scales = (const uint16_t *)weight->scales + (size_t)n * (size_t)groups;

        rows = weight->N - n >= 4 ? 4 : 1;
        EACH_TILE(TILE_Q4);
    }
}

static void widen_q4(float *out, const cv_weight *w)
{
    const uint16_t *scales = w->scales;
    const uint8_t *group = w->data;
    size_t groups = (size_t)w->N * (size_t)(w->K / CV_Q4_GROUP);

    for (size_t g = 0; g < groups; g++, group += CV_Q4_GROUP / 2) {
        const lanes scale = all(half_to_float(scales[g]));

        for (int i = 0; i < 4; i++, out += 16) {
            int8x16_t bytes = nibbles(group, i & 1, i >= 2);

            store(out, multiply(widen_bytes(vget_low_s8(bytes)), scale));
            store(out + 8, multiply(widen_bytes(vget_high_s8(bytes)), scale));
        }
    }
}

static void quantise(int8_t *values, float *scale, int32_t *sums, const float *x, int K)
{
    float32x4_t most4 = vdupq_n_f32(0);
    float most, by;

    for (int k = 0; k < K; k += 8) {
        lanes v = load_some(x + k, K - k);

        most4 = vmaxq_f32(most4, vmaxq_f32(vabsq_f32(v.low), vabsq_f32(v.high)));
    }
    most = vmaxvq_f32(most4);
    *scale = most / 127;
    by = most > 0 ? 127 / most : 0;
    for (int k = 0; k < K; k += 8) {
        const int count = K - k < 8 ? K - k : 8;
        lanes v = multiply(load_some(x + k, count), all(by));
        int32x4_t low = vcvtnq_s32_f32(v.low), high = vcvtnq_s32_f32(v.high);
        int8_t bytes[8];

        vst1_s8(bytes, vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high))));
        memcpy(values + k, bytes, (size_t)count);
        sums[k / CV_Q4_GROUP] = (k % CV_Q4_GROUP ? sums[k / CV_Q4_GROUP] : 0) + vaddvq_s32(vaddq_s32(low, high));
    }
}

/* --- the processor's own limits ------------------------------------------------------------------------ */

/* Four streams, as the linear kernels read four rows at a time. */
static float read_all(const void *buffer, size_t bytes)
{
    const uint8_t *from = buffer;
    size_t quarter = bytes / 4;
    uint8x16_t sums[4] = { vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0) };

    for (size_t i = 0; i < quarter; i += 64)
        for (size_t j = 0; j < 4; j++)
            for (size_t part = 0; part < 64; part += 16)
                sums[j] = veorq_u8(sums[j], vld1q_u8(from + j * quarter + i + part));
    for (int j = 1; j < 4; j++)
        sums[0] = veorq_u8(sums[0], sums[j]);
    return (float)vgetq_lane_u8(sums[0], 0);
}

#define CHAINS 16 /* independent sums: more than the latency of an instruction times how many begin in a cycle */

static double peak_f32(long rounds, float *sink)
{
    float32x4_t sums[CHAINS], x = vdupq_n_f32(*sink), y = vdupq_n_f32(0.5f);

    for (int i = 0; i < CHAINS; i++)
        sums[i] = vdupq_n_f32((float)i);
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = vfmaq_f32(x, sums[i], y);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = vaddq_f32(sums[0], sums[i]);
    *sink += vgetq_lane_f32(sums[0], 0);
    return 2.0 * 4 * CHAINS * (double)rounds;
}

static double peak_int8(long rounds, float *sink)
{
    int32x4_t sums[CHAINS];
    int8x16_t x = vdupq_n_s8((int8_t)*sink), y = vdupq_n_s8(3);

    for (int i = 0; i < CHAINS; i++)
        sums[i] = vdupq_n_s32(i);
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = vdotq_s32(sums[i], x, y);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = vaddq_s32(sums[0], sums[i]);
    *sink += (float)vgetq_lane_s32(sums[0], 0);
    return 2.0 * 16 * CHAINS * (double)rounds;
}

void cv_kernels_neon(cv_kernels *table)
{
    table->linear[CV_WEIGHT_F32] = linear_f32;
    table->linear[CV_WEIGHT_F16] = linear_f16;
    table->linear[CV_WEIGHT_BF16] = linear_bf16;
    table->linear[CV_WEIGHT_Q8] = linear_q8;
    table->linear_q8[CV_WEIGHT_Q8] = linear_q8_q8;
    table->linear_q8[CV_WEIGHT_Q4] = linear_q8_q4;
    table->quantise = quantise;
    table->widen[CV_WEIGHT_F16] = widen_f16;
    table->widen[CV_WEIGHT_BF16] = widen_bf16;
    table->widen[CV_WEIGHT_Q8] = widen_q8;
    table->widen[CV_WEIGHT_Q4] = widen_q4;
    table->mix[CV_WEIGHT_F32] = mix_f32;
    table->mix[CV_WEIGHT_F16] = mix_f16;
    table->mix[CV_WEIGHT_Q8] = mix_q8;
    table->spread = spread;
    table->read = read_all;
    table->peak_f32 = peak_f32;
    table->peak_int8 = peak_int8;
}
