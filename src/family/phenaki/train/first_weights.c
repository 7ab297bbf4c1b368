#include "family/phenaki/train/first_weights.h"

#include "train/init.h"

#include <math.h>

#define FAN 0.57735027f /* the deviation of what is uniform in -1 .. 1 */
#define SMALL 0.05f     /* the same where a sublayer ends: what it first adds hardly hides the residual */
#define GAINS                                                                                                        \
    { "*.gamma", CV_INIT_CONSTANT, 1 }, { "*_scale", CV_INIT_CONSTANT, 1 }, { "*.3.0.weight", CV_INIT_CONSTANT, 1 }, \
        { "*.bias", CV_INIT_CONSTANT, 0 }, { "*.to_out.weight", CV_INIT_FAN_IN, SMALL },                             \
        { "*.3.4.weight", CV_INIT_FAN_IN, SMALL },                                                                   \
    {                                                                                                                \
        "*.dsconv.weight", CV_INIT_FAN_IN, SMALL                                                                     \
    }
#define REST                     \
    {                            \
        "*", CV_INIT_FAN_IN, FAN \
    }
#define COUNT(rules) (sizeof(rules) / sizeof *(rules))

void cv_first_cvivit(cv_store *store, const cv_cvivit_config *config, uint64_t seed)
{
    static const cv_init_rule rules[] = { { "to_patch_emb*.1.weight", CV_INIT_CONSTANT, 1 }, /* of two norms */
                                          { "to_patch_emb*.3.weight", CV_INIT_CONSTANT, 1 },
                                          { "vq._codebook.embed", CV_INIT_NORMAL, 1 },
                                          GAINS,
                                          REST };
    const size_t norms = config->patch_norm ? 0 : 2;

    cv_init_store(store, seed, rules + norms, COUNT(rules) - norms);
}

void cv_first_masked(cv_store *store, double embeddings, uint64_t seed)
{
    const cv_init_rule rules[] = { { "token_emb.weight", CV_INIT_NORMAL, (float)embeddings },
                                   { "pos_emb.weight", CV_INIT_NORMAL, (float)embeddings },
                                   { "*.null_kv", CV_INIT_NORMAL, 1 },
                                   GAINS,
                                   REST };

    cv_init_store(store, seed, rules, COUNT(rules));
}

void cv_first_t5(cv_store *store, const cv_t5_config *c, uint64_t seed)
{
    const float in = 1 / sqrtf((float)c->width);
    const cv_init_rule rules[] = { { "shared.weight", CV_INIT_NORMAL, 1 },
                                   { "*norm.weight", CV_INIT_CONSTANT, 1 },
                                   { "*.q.weight", CV_INIT_NORMAL, in / sqrtf((float)c->head_width) },
                                   { "*.o.weight", CV_INIT_NORMAL, 1 / sqrtf((float)(c->heads * c->head_width)) },
                                   { "*.wo.weight", CV_INIT_NORMAL, 1 / sqrtf((float)c->inner) },
                                   { "*", CV_INIT_NORMAL, in } };

    cv_init_store(store, seed, rules, COUNT(rules));
}
