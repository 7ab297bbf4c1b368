/* fast_math.h - exp in plain C that compilers turn into vector code: no calls, no branches, no tables.
 *
 * Every operation is a correctly rounded f32 one and nothing is contracted, so that a vector lane and a scalar give the
 * same bits on every processor. */
#ifndef CV_KERNELS_FAST_MATH_H
#define CV_KERNELS_FAST_MATH_H

#include <stdint.h>
#include <string.h>

/* condition ? a : b, by bits: a conditional may become a branch, which keeps compilers from vectorizing the loop
 * around it. */
static inline float cv_select(int condition, float a, float b)
{
    uint32_t mask = 0u - (uint32_t)condition, a_bits, b_bits;

    memcpy(&a_bits, &a, sizeof a_bits);
    memcpy(&b_bits, &b, sizeof b_bits);
    a_bits = (a_bits & mask) | (b_bits & ~mask);
    memcpy(&a, &a_bits, sizeof a);
    return a;
}

/* e^x within 2 units in the last place. Below -87.3 it is 0, above 88.3 it stays at 2.2e38; NaN gives NaN.
 * x = n log 2 + r, |r| <= log 2 / 2; e^r by a polynomial (Cephes' coefficients for f32), 2^n by its bits. */
static inline float cv_fast_exp(float x)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer, which is then in the low bits */
    float capped = cv_select(x > 88.3f, 88.3f, x), shifted, n, r, p, power;
    uint32_t bits;

    capped = cv_select(x < -87.3f, -87.3f, capped);
    shifted = capped * 1.44269504f + shift;
    n = shifted - shift;
    r = capped - n * 0.693359375f; /* log 2 in two parts; the first has few bits, so its product with n is exact */
    r = r - n * -2.12194440e-4f;
    p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3F800000u;
    memcpy(&power, &bits, sizeof power);
    return cv_select(x < -87.3f, 0.0f, p * power);
}

#endif
