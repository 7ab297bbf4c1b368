/* hash.h - a number for a text, or for bytes. */
#ifndef CV_BASE_HASH_H
#define CV_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define CV_HASH_START 0xcbf29ce484222325u

/* FNV-1a of 64 bits (draft-eastlake-fnv), going on from `hash`, which begins as CV_HASH_START. Who wants to can make two
 * inputs with the same number: it tells apart what was not meant to deceive. */
static inline uint64_t cv_hash_bytes(uint64_t hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return hash;
}

/* Of the bytes before the NUL. */
static inline uint64_t cv_hash_text(const char *text)
{
    uint64_t hash = CV_HASH_START;

    for (; *text; text++)
        hash = cv_hash_bytes(hash, text, 1);
    return hash;
}

#endif
