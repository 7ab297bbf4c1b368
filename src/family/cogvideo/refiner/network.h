/* network.h - what an opened refiner is made of; for the files of this folder. */
#ifndef CV_FAMILY_COGVIDEO_REFINER_NETWORK_H
#define CV_FAMILY_COGVIDEO_REFINER_NETWORK_H

#include "family/cogvideo/refiner/refiner.h"

struct cv_refiner {
    cv_refiner_config config;
    cv_trunk trunk;
    const cv_tensor *extra_positions; /* [upscaled_grid^2, C] */
};

#endif
