/* h264.h - the one thing that FFmpeg does not tell of a packet of H.264: whether all may begin with it. */
#ifndef CV_MEDIA_H264_H
#define CV_MEDIA_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a key frame is an instantaneous refresh (IDR): nothing behind it leans on what is before it. Of other key frames (recovery
 * points, where recordings and broadcasts are cut) some is. `extra` is the stream's configuration: it begins with 1 where lengths and
 * not start codes stand before the units. */
bool cv_h264_begins_anew(const uint8_t *data, size_t size, const uint8_t *extra, size_t extra_size);

#endif
