/* plain_codes.h - which codes a tokenizer gives to patches of one colour: each colour once, and each pair of a colour
 * and a code. */
#ifndef CV_TRAIN_PLAIN_CODES_H
#define CV_TRAIN_PLAIN_CODES_H

#include "base/mem.h"

#include <stdint.h>

/* Starts as zeros. */
typedef struct cv_plain_codes {
    uint64_t *pairs; /* colour << 32 | code */
    size_t count, room;
    long long colours, codes; /* different colours, and different pairs; set by _tidy */
} cv_plain_codes;

cogvideo_status cv_plain_codes_add(cv_plain_codes *plain, const uint8_t colour[3], int32_t code, cogvideo_error *err);
/* Sorts what was added and leaves each once, so that it takes little memory. */
void cv_plain_codes_tidy(cv_plain_codes *plain);
void cv_plain_codes_free(cv_plain_codes *plain);

#endif
