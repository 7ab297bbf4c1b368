#include "support/masked.h"

#include "support/check.h"
#include "support/phenaki_seeded.h"

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

static cv_store *store_of(cv_store *plan)
{
    cogvideo_error err;
    cv_store *store;

    CHECK_OK(cv_store_create_like(&store, "weights", plan, &err), err);
    cv_store_close(&plan);
    return store;
}

cv_store *masked_store(const cv_masked_config *config, bool self)
{
    cogvideo_error err;
    cv_self_critic critic;
    cv_masked *network;
    cv_store *plan;

    CHECK_OK(cv_store_plan(&plan, "a masked transformer", &err), err);
    CHECK_OK(cv_masked_open(&network, config, plan, &err), err);
    if (self)
        CHECK_OK(cv_self_critic_bind(&critic, plan, config->width, &err), err);
    cv_masked_close(&network);
    return store_of(plan);
}

cv_masked *masked_seeded(const cv_masked_config *config, int seed, cv_store **store)
{
    cogvideo_error err;
    cv_masked *network;

    *store = masked_store(config, false);
    phenaki_seeded_fill(*store, "", seed);
    CHECK_OK(cv_masked_open(&network, config, *store, &err), err);
    return network;
}

cv_self_critic masked_self_critic(int width, int seed, cv_store **store)
{
    cogvideo_error err;
    cv_self_critic critic;
    cv_store *plan;

    CHECK_OK(cv_store_plan(&plan, "a self critic", &err), err);
    CHECK_OK(cv_self_critic_bind(&critic, plan, width, &err), err);
    *store = store_of(plan);
    phenaki_seeded_fill(*store, "", seed);
    CHECK_OK(cv_self_critic_bind(&critic, *store, width, &err), err);
    return critic;
}
