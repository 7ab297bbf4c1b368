#include "media/exif.h"

#include "media/turn.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ORIENTATION 0x0112 /* the tag */
#define SHORT 3            /* its type */

static uint32_t number(const unsigned char *at, int bytes, bool big)
{
    uint32_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)at[i] << 8 * (big ? bytes - 1 - i : i);
    return value;
}

int cv_exif_orientation(const unsigned char *data, size_t size)
{
    const bool big = size >= 8 && memcmp(data, "MM\0*", 4) == 0;
    size_t at, count;

    if (size < 8 || (!big && memcmp(data, "II*\0", 4) != 0))
        return CV_TURN_NONE;
    at = number(data + 4, 4, big);
    if (at > size - 2)
        return CV_TURN_NONE;
    count = number(data + at, 2, big);
    at += 2;
    for (; count > 0 && size - at >= 12; count--, at += 12)
        if (number(data + at, 2, big) == ORIENTATION && number(data + at + 2, 2, big) == SHORT)
            return (int)number(data + at + 8, 2, big);
    return CV_TURN_NONE;
}

/* Returns the data of the first chunk of a name, of chunks that begin at `at`; NULL where there is none. PNG: length
 * (high byte first), name, data, checksum of `tail` bytes. RIFF: name, length (low byte first), data, padded to an
 * even length. */
static const unsigned char *chunk(const unsigned char *data, size_t size, size_t at, const char *name, bool png,
                                  size_t tail, size_t *length)
{
    while (at <= size && size - at >= 8) {
        const unsigned char *head = data + at;

        *length = number(head + (png ? 0 : 4), 4, png);
        at += 8;
        if (*length > size - at)
            return NULL;
        if (memcmp(head + (png ? 4 : 0), name, 4) == 0)
            return data + at;
        at += *length + tail + (png ? 0 : *length & 1);
    }
    return NULL;
}

int cv_exif_in_file(const unsigned char *data, size_t size)
{
    const unsigned char *exif = data;
    size_t length = size;

    if (size >= 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0)
        exif = chunk(data, size, 8, "eXIf", true, 4, &length);
    else if (size >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0)
        exif = chunk(data, size, 12, "EXIF", false, 0, &length);
    if (exif && length >= 6 && memcmp(exif, "Exif\0", 6) == 0) /* some writers keep JPEG's mark */
        return cv_exif_orientation(exif + 6, length - 6);
    return exif ? cv_exif_orientation(exif, length) : CV_TURN_NONE;
}
