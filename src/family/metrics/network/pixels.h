/* pixels.h - frames as networks get them, turned into what networks read. */
#ifndef CV_FAMILY_METRICS_NETWORK_PIXELS_H
#define CV_FAMILY_METRICS_NETWORK_PIXELS_H

#include "family/metrics/network/convnet.h"

/* out [3][T][H][W] = pixels [T][3][H][W] * scale + offset. */
void cv_pixels_volume(const cv_volume *out, const float *pixels, float scale, float offset);

#endif
