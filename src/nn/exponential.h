/* exponential.h - e^x in a form that compilers make vector code of. */
#ifndef CV_NN_EXPONENTIAL_H
#define CV_NN_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

/* x, or the end of -87 .. 87 beyond which it lies. On the bits, because compilers make vector code of that. */
static inline float cv_exp_bounded(float x)
{
    const int32_t end = 0x42ae0000;
    int32_t bits, size;

    memcpy(&bits, &x, sizeof bits);
    size = bits & INT32_MAX;
    size = size > end ? end : size;
    bits = (bits & INT32_MIN) | size;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* e^x to 3e-7 of itself, for x bounded as above: 2^n e^r with |r| <= ln 2 / 2 and a Taylor polynomial. */
static inline float cv_exp_fast(float x)
{
    float shifted = x * 0x1.715476p+0f + 0x1.8p+23f; /* its low bits hold n */
    float n = shifted - 0x1.8p+23f, power;
    float r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
    float p = 1.0f / 720;
    uint32_t bits;

    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

#endif
