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

enum { MOST_R = 4, MOST_C = 4 }; /* rows and batch entries of a tile */

/* Repeats a statement for each i below `count`, a constant of the caller of at most 4. Clang optimizes a function
 * before it inlines it and spoils a loop of unknown length: this loop always has four turns, and inlining removes
 * those that are too many. */
#define EACH(i, count)               \
    UNROLL                           \
    for (int i = 0; i < MOST_R; i++) \
        if (i < (count))

#if defined(__AVX512F__)
#include "kernels/vec_avx512.h"
#elif defined(__AVX2__)
#include "kernels/vec_avx2.h"
#else
#include "kernels/vec_neon.h"
#endif

#endif
