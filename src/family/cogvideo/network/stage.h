/* stage.h - one stage's network: the shared trunk and the stage's own second attention channel. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_STAGE_H
#define CV_FAMILY_COGVIDEO_NETWORK_STAGE_H

#include "family/cogvideo/network/config.h"
#include "family/cogvideo/network/visibility.h"
#include "family/cogvideo/trunk/trunk.h"

/* The plus channel of one layer. */
typedef struct cv_plus_layer {
    cv_linear qkv;    /* [3C, C] */
    cv_linear dense;  /* [C, C] */
    const float *mix; /* [C], attn_distribution: its sigmoid alpha is the base channel's share */
} cv_plus_layer;

typedef struct cv_stage {
    const cv_cogvideo_config *config;
    cv_stage_kind kind;
    const cv_trunk *trunk;
    const cv_tensor *extra_positions; /* [extra_positions, C] */
    cv_plus_layer *plus;              /* [layers] */
    cv_linear head;                   /* logits of the image codes: a view of the word embeddings */
} cv_stage;

/* Claims every "mixins.*" tensor of `own`. Config and trunk must live longer. */
cogvideo_status cv_stage_bind(cv_stage *out, cv_stage_kind kind, const cv_cogvideo_config *config,
                              const cv_trunk *trunk, cv_store *own, cogvideo_error *err);
void cv_stage_close(cv_stage *stage);

#endif
