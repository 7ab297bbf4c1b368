/* vec.h - the vocabulary in which bodies of kernels are written once for all instruction sets: the file that is
 * compiled with a set's flags gets that set's words. All are functions that vanish into their callers, and their
 * arguments named type, R, C, V and whole are constants there.
 *
 *     vec        LANES numbers in f32
 *     ivec       sums in 32 bits
 *     bytes      BYTES inputs in 8 bits, signed and within +-127
 *     q8_weights as many q8 weights, made ready for the set's byte product; any byte may be one
 *     q4_weights, q4_input   a group of CV_Q4_GROUP: its nibbles, and inputs in 8 bits
 *
 * Words that end in _some take only the first `count` elements, at least one and fewer than there is room for: nothing
 * behind them is read or written, and zeros stand in their place. */
#ifndef CV_KERNELS_VEC_H
#define CV_KERNELS_VEC_H

#include "kernels/kernels.h"

#define INLINE static inline __attribute__((always_inline))

/* Loops over the cells of a tile must be unrolled before registers are allocated, or the cells live in memory. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { MOST_R = 4, MOST_C = 6 }; /* rows and batch entries of a tile */

/* Repeats a statement for each i below `count`, a constant of the caller of at most MOST_C. Clang optimizes a function
 * before it inlines it and spoils a loop of unknown length: this loop always has so many turns, and inlining removes
 * those that are too many. */
#define EACH(i, count)               \
    UNROLL                           \
    for (int i = 0; i < MOST_C; i++) \
        if (i < (count))

#if defined(__AVX512F__)
#include "kernels/vec_avx512.h"
#elif defined(__AVX2__)
#include "kernels/vec_avx2.h"
#else
#include "kernels/vec_neon.h"
#endif

/* Tiles of at most WIDEST entries for so many. */
INLINE int tiles_of(int entries)
{
    return (entries + WIDEST - 1) / WIDEST;
}

/* Entries of the next tile where `left` are left, which the tiles share out evenly. */
INLINE int tile_width(int left)
{
    return (left + tiles_of(left) - 1) / tiles_of(left);
}

/* Makes a call for each tile of B entries: for entries b and so on, C of them, a constant. */
#define EACH_TILE(b, C, B, call)                          \
    for (int b = 0, b##_width; b < (B); b += b##_width) { \
        b##_width = tile_width((B)-b);                    \
        switch (b##_width) {                              \
            TILE_OF(1, C, call)                           \
            TILE_OF(2, C, call)                           \
            TILE_OF(3, C, call)                           \
            TILE_OF(4, C, call)                           \
            TILE_OF(5, C, call)                           \
            TILE_OF(6, C, call)                           \
        }                                                 \
    }
#define TILE_OF(width, C, call) \
    case width:                 \
        if (width <= WIDEST) {  \
            enum { C = width }; \
            call;               \
        }                       \
        break;

#endif
