/* masked_network.h - what the files of the masked transformer share: its weights, and boxes as they go through it. */
#ifndef CV_FAMILY_PHENAKI_NETWORK_MASKED_NETWORK_H
#define CV_FAMILY_PHENAKI_NETWORK_MASKED_NETWORK_H

#include "family/phenaki/network/masked.h"

struct cv_masked {
    cv_masked_config config;
    const cv_tensor *tokens; /* [codes + 1][width], in the store */
    const cv_tensor *places; /* [places][width] */
    cv_position_bias bias;   /* not of a critic */
    cv_blocks blocks;
    cv_linear top; /* to logits, or to one score */
};

/* Boxes as they go through the network, up to its last norm. */
typedef struct cv_masked_pass {
    const cv_exec *exec;
    const cv_masked *network;
    cv_masked_input input;
    bool training;
    cv_blocks_observer *observer; /* may be NULL */
    void *user;
    float *x;    /* [batch * T h w][width], set by _take: what the last norm gives */
    float *bias; /* [heads][T h w][T h w], the same; NULL in a critic */
    cv_blocks_pass blocks;
} cv_masked_pass;

static inline int cv_masked_rows(const cv_masked_input *input)
{
    return input->batch * input->T * input->h * input->w;
}

/* Numbers of the bias; 0 of a critic. */
size_t cv_masked_bias_numbers(const cv_masked *network, const cv_masked_input *input);
/* As cv_blocks_pass_take: of the input's pointers only whether they are NULL matters. */
void cv_masked_pass_take(cv_masked_pass *pass, cv_arena *arena);
void cv_masked_pass_run(const cv_masked_pass *pass, cv_arena *arena);

#endif
