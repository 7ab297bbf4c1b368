/* bytes.h - reads and writes 32-bit little-endian numbers on any host. */
#ifndef CV_TOKENS_BYTES_H
#define CV_TOKENS_BYTES_H

#include <stdint.h>

static inline uint32_t cv_get_le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void cv_put_le32(unsigned char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(value >> 8 * i);
}

#endif
