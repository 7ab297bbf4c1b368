/* hash.h - a number for a text. */
#ifndef CV_BASE_HASH_H
#define CV_BASE_HASH_H

#include <stdint.h>

/* FNV-1a of 64 bits over the bytes before the NUL (draft-eastlake-fnv). */
static inline uint64_t cv_hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

#endif
