/* hash.h - a hash of a text or of bytes. */
#ifndef CV_BASE_HASH_H
#define CV_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define CV_HASH_START 0xcbf29ce484222325u

/* FNV-1a of 64 bits (draft-eastlake-fnv), continued from `hash`, which starts as CV_HASH_START. It is not
 * cryptographic: collisions can be made on purpose. */
static inline uint64_t cv_hash_bytes(uint64_t hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return hash;
}

/* Hashes the bytes before the NUL. */
static inline uint64_t cv_hash_text(const char *text)
{
    uint64_t hash = CV_HASH_START;

    for (; *text; text++)
        hash = cv_hash_bytes(hash, text, 1);
    return hash;
}

/* FNV-1a of 32 bits, for checksums that people may read. */
static inline uint32_t cv_hash32_bytes(const void *data, size_t size)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 16777619u;
    return hash;
}

#endif
