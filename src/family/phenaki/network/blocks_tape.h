/* blocks_tape.h - what blocks compute on the way, for their way back; private to both. */
#ifndef CV_FAMILY_PHENAKI_NETWORK_BLOCKS_TAPE_H
#define CV_FAMILY_PHENAKI_NETWORK_BLOCKS_TAPE_H

#include "family/phenaki/network/blocks.h"

/* Rows of all boxes, or of all texts; inference has no x, and the context in place of the queries. */
typedef struct cv_attention_tape {
    float *x, *normed; /* [rows, width]: before it, and its norm */
    float *q;          /* [rows, heads * head_width] */
    float *kv;         /* [rows or text rows, 2 heads * head_width] */
    float *context;    /* [rows, heads * head_width]: what the keys gave */
    float *source;     /* [text rows, text_width]: the norm of the text; NULL in self attention */
} cv_attention_tape;

typedef struct cv_block_tape {
    float *peg_in; /* [rows, width] */
    cv_attention_tape self, text;
    float *ff_x, *ff_normed; /* [rows, width] */
    float *ff_wide;          /* [rows, 2 inner]: values, then gates */
    float *ff_gated;         /* [rows, inner] */
} cv_block_tape;

struct cv_blocks_tape {
    float *out_x; /* [rows, width]: before the last norm; training only */
    cv_block_tape layers[];
};

/* Rows of all boxes, and of all texts. */
size_t cv_blocks_rows(const cv_blocks_pass *pass);
size_t cv_blocks_text_rows(const cv_blocks_pass *pass);
cv_box cv_blocks_peg_box(const cv_blocks_pass *pass);
cv_cosine_attention cv_blocks_self_attention(const cv_blocks_pass *pass, int layer);
cv_cosine_attention cv_blocks_text_attention(const cv_blocks_pass *pass, int layer);
/* Reserves what the way back takes: blocks_backward.c. */
void cv_blocks_reserve_backward(const cv_blocks_pass *pass, cv_arena *arena);

#endif
