/* network.h - what an opened upscaler is made of; for the files of this folder. */
#ifndef CV_FAMILY_COGVIDEO_UPSCALER_NETWORK_H
#define CV_FAMILY_COGVIDEO_UPSCALER_NETWORK_H

#include "family/cogvideo/trunk/trunk.h"
#include "family/cogvideo/upscaler/upscaler.h"

/* What the places of the result use in place of the trunk layer's own. */
typedef struct cv_upscaler_plus {
    cv_linear qkv;   /* [3C, C] */
    cv_linear dense; /* [C, C] */
} cv_upscaler_plus;

struct cv_upscaler {
    cv_upscaler_config config;
    cv_trunk trunk;
    cv_upscaler_plus *plus;           /* [layers] */
    const cv_tensor *extra_positions; /* [upscaled_grid^2, C] */
};

#endif
