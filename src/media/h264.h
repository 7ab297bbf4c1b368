/* h264.h - whether decoding of H.264 can begin at a packet, which FFmpeg does not say. */
#ifndef CV_MEDIA_H264_H
#define CV_MEDIA_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a key frame is an instantaneous refresh (IDR): nothing after it refers to frames before it. After other
 * key frames (recovery points, where recordings and broadcasts are cut) some frames do. `extra` is the stream's
 * configuration: it begins with 1 if units follow their lengths and not start codes. */
bool cv_h264_is_idr(const uint8_t *data, size_t size, const uint8_t *extra, size_t extra_size);

#endif
