#include "media/h264.h"

#define IDR 5 /* the type of a unit with a slice of an IDR frame */

static bool is_idr(const uint8_t *unit)
{
    return (unit[0] & 0x1f) == IDR;
}

/* ISO/IEC 14496-15: each unit follows its length of 1 to 4 bytes. */
static bool find_by_lengths(const uint8_t *data, size_t size, size_t bytes)
{
    for (size_t at = 0; size - at > bytes;) {
        size_t length = 0;

        for (size_t i = 0; i < bytes; i++)
            length = length << 8 | data[at + i];
        at += bytes;
        if (is_idr(data + at))
            return true;
        if (length > size - at)
            return false;
        at += length;
    }
    return false;
}

/* ITU-T H.264, annex B: each unit follows the bytes 00 00 01. */
static bool find_by_codes(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 3 < size; at++)
        if (data[at] == 0 && data[at + 1] == 0 && data[at + 2] == 1 && is_idr(data + at + 3))
            return true;
    return false;
}

bool cv_h264_is_idr(const uint8_t *data, size_t size, const uint8_t *extra, size_t extra_size)
{
    return extra_size > 4 && extra[0] == 1 ? find_by_lengths(data, size, (size_t)(extra[4] & 3) + 1)
                                           : find_by_codes(data, size);
}
