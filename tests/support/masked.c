#include "support/masked.h"

#include "support/phenaki_golden.h"

cv_masked_config masked_golden_config(bool critic)
{
    return (cv_masked_config){ .layers = critic ? 1 : 2,
                               .width = 32,
                               .heads = 4,
                               .head_width = 12,
                               .inner = cv_blocks_inner(32),
                               .text_width = 24,
                               .codes = 256,
                               .places = 60,
                               .cosine = true,
                               .critic = critic };
}

static cogvideo_status bind_masked(cv_store *plan, const void *config, cogvideo_error *err)
{
    cv_masked *network = NULL;
    cogvideo_status status = cv_masked_open(&network, config, plan, err);

    cv_masked_close(&network);
    return status;
}

static cogvideo_status bind_self_critic(cv_store *plan, const void *width, cogvideo_error *err)
{
    cv_self_critic critic;

    return cv_self_critic_bind(&critic, plan, *(const int *)width, err);
}

static cogvideo_status bind_both(cv_store *plan, const void *config, cogvideo_error *err)
{
    const cv_masked_config *masked = config;
    cogvideo_status status = bind_masked(plan, config, err);

    return status ? status : bind_self_critic(plan, &masked->width, err);
}

cv_store *masked_store(const cv_masked_config *config, bool self, int seed)
{
    return phenaki_seeded_store(self ? bind_both : bind_masked, config, seed);
}

cv_masked *masked_seeded(const cv_masked_config *config, int seed, cv_store **store)
{
    cogvideo_error err;
    cv_masked *network;

    *store = masked_store(config, false, seed);
    CHECK_OK(cv_masked_open(&network, config, *store, &err), err);
    return network;
}

cv_self_critic masked_self_critic(int width, int seed, cv_store **store)
{
    cogvideo_error err;
    cv_self_critic critic;

    *store = phenaki_seeded_store(bind_self_critic, &width, seed);
    CHECK_OK(cv_self_critic_bind(&critic, *store, width, &err), err);
    return critic;
}
