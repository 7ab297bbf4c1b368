/* amx.h - what the kernels for AMX share. They are called only where the processor has it and the system allows it. */
#ifndef CV_KERNELS_AMX_H
#define CV_KERNELS_AMX_H

#ifndef __AVX512BF16__ /* GCC and Clang do not agree on the names of the others */
#error "this file needs -mamx-tile -mamx-bf16 -mamx-int8 -mavx512bf16"
#endif

#include "kernels/vec.h"

enum { AMX_SIDE = 16, AMX_ROW_BYTES = 64, AMX_TILE_BYTES = 1024 }; /* rows of a tile register, bytes of each, and all */

/* All eight tiles are whole ones. */
static const struct amx_shape {
    uint8_t palette, start;
    uint8_t unused[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} amx_shape __attribute__((aligned(64))) = { .palette = 1,
                                             .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
                                             .rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };

INLINE int amx_min(int a, int b)
{
    return a < b ? a : b;
}

/* What tiles load next must be stored before: those of GCC 12 do not say that they read memory. */
INLINE void amx_stored(void)
{
    __asm__ volatile("" ::: "memory");
}

/* The first `count` of 16 lanes, which may be none or more. */
INLINE __mmask16 amx_lanes(int count)
{
    return (__mmask16)(count >= 16 ? 0xffff : count > 0 ? (1 << count) - 1 : 0);
}

/* The sums of four tiles are held in tile registers 0 to 3 and lie in memory one behind the other. */
INLINE void amx_sums_load(const void *sums, bool begins)
{
    const char *at = sums;

    if (begins) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, at, AMX_ROW_BYTES);
        _tile_loadd(1, at + AMX_TILE_BYTES, AMX_ROW_BYTES);
        _tile_loadd(2, at + 2 * AMX_TILE_BYTES, AMX_ROW_BYTES);
        _tile_loadd(3, at + 3 * AMX_TILE_BYTES, AMX_ROW_BYTES);
    }
}

INLINE void amx_sums_store(void *sums)
{
    char *at = sums;

    _tile_stored(0, at, AMX_ROW_BYTES);
    _tile_stored(1, at + AMX_TILE_BYTES, AMX_ROW_BYTES);
    _tile_stored(2, at + 2 * AMX_TILE_BYTES, AMX_ROW_BYTES);
    _tile_stored(3, at + 3 * AMX_TILE_BYTES, AMX_ROW_BYTES);
}

/* Turns a matrix of 16 rows of 16 words. */
INLINE void amx_transpose(__m512i rows[AMX_SIDE])
{
    __m512i turned[AMX_SIDE];

    for (int i = 0; i < AMX_SIDE; i += 4) {
        const __m512i a = _mm512_unpacklo_epi32(rows[i], rows[i + 1]), b = _mm512_unpackhi_epi32(rows[i], rows[i + 1]),
                      c = _mm512_unpacklo_epi32(rows[i + 2], rows[i + 3]),
                      d = _mm512_unpackhi_epi32(rows[i + 2], rows[i + 3]);

        turned[i] = _mm512_unpacklo_epi64(a, c);
        turned[i + 1] = _mm512_unpackhi_epi64(a, c);
        turned[i + 2] = _mm512_unpacklo_epi64(b, d);
        turned[i + 3] = _mm512_unpackhi_epi64(b, d);
    }
    /* turned[4 g + j] holds words j, 4 + j, 8 + j and 12 + j of rows 4 g .. 4 g + 3, a quarter each. */
    for (int j = 0; j < 4; j++) {
        const __m512i a = _mm512_shuffle_i32x4(turned[j], turned[4 + j], 0x88),
                      b = _mm512_shuffle_i32x4(turned[j], turned[4 + j], 0xdd),
                      c = _mm512_shuffle_i32x4(turned[8 + j], turned[12 + j], 0x88),
                      d = _mm512_shuffle_i32x4(turned[8 + j], turned[12 + j], 0xdd);

        rows[j] = _mm512_shuffle_i32x4(a, c, 0x88);
        rows[4 + j] = _mm512_shuffle_i32x4(b, d, 0x88);
        rows[8 + j] = _mm512_shuffle_i32x4(a, c, 0xdd);
        rows[12 + j] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
}

/* What each file fills in. */
void cv_amx_bf16(cv_kernels *table);
void cv_amx_int8(cv_kernels *table);

#endif
