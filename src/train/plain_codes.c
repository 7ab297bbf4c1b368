#include "train/plain_codes.h"

#include <stdlib.h>

cogvideo_status cv_plain_codes_add(cv_plain_codes *plain, const uint8_t colour[3], int32_t code, cogvideo_error *err)
{
    uint64_t *larger;

    if (plain->count == plain->room) {
        if (!(larger = cv_realloc(plain->pairs, plain->room, 2 * plain->room + 1024, sizeof *larger, err)))
            return COGVIDEO_ERROR_MEMORY;
        plain->pairs = larger;
        plain->room = 2 * plain->room + 1024;
    }
    plain->pairs[plain->count++] = (uint64_t)(colour[0] << 16 | colour[1] << 8 | colour[2]) << 32 | (uint32_t)code;
    return COGVIDEO_OK;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void cv_plain_codes_tidy(cv_plain_codes *plain)
{
    size_t kept = 0;

    if (plain->count == 0)
        return;
    qsort(plain->pairs, plain->count, sizeof *plain->pairs, compare);
    plain->colours = 0;
    for (size_t i = 0; i < plain->count; i++) {
        if (kept > 0 && plain->pairs[kept - 1] == plain->pairs[i])
            continue;
        plain->colours += kept == 0 || plain->pairs[kept - 1] >> 32 != plain->pairs[i] >> 32;
        plain->pairs[kept++] = plain->pairs[i];
    }
    plain->count = kept;
    plain->codes = (long long)kept;
}

void cv_plain_codes_free(cv_plain_codes *plain)
{
    cv_free(plain->pairs);
    *plain = (cv_plain_codes){ 0 };
}
