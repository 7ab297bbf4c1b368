#include "media/picture.h"

#include <string.h>

/* Reads the next whole number of a header, after white space and comments; returns -1 where there is none or it
 * exceeds `limit`. */
static long read_number(const unsigned char *data, size_t size, size_t *at, long limit)
{
    long value = -1;
    size_t i = *at;

    while (i < size && (strchr(" \t\r\n\v\f", data[i]) || data[i] == '#') && data[i]) {
        if (data[i] == '#')
            while (i < size && data[i] != '\n')
                i++;
        else
            i++;
    }
    for (; i < size && data[i] >= '0' && data[i] <= '9'; i++) {
        value = (value < 0 ? 0 : value) * 10 + (data[i] - '0');
        if (value > limit)
            return -1;
    }
    *at = i;
    return value;
}

/* Scales samples of 0 .. maxval to 0 .. 255; returns false where one is larger than maxval. */
static bool copy_scaled(uint8_t *out, const unsigned char *in, size_t count, int maxval)
{
    uint8_t table[256] = { 0 };

    if (maxval == 255) {
        memcpy(out, in, count);
        return true;
    }
    for (int v = 0; v <= maxval; v++)
        table[v] = (uint8_t)((v * 255 + maxval / 2) / maxval);
    for (size_t i = 0; i < count; i++) {
        if (in[i] > maxval)
            return false;
        out[i] = table[in[i]];
    }
    return true;
}

cogvideo_status cv_ppm_decode(cv_stream *stream, const unsigned char *data, size_t size, size_t *used,
                              cogvideo_error *err)
{
    const char *path = stream->name;
    size_t at = 2, bytes;
    long width, height, maxval;
    uint8_t *pixels;
    cogvideo_status status;

    if (size < 2 || memcmp(data, "P6", 2) != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is not a PPM picture (P6)", path);
    width = read_number(data, size, &at, 1000000000);
    height = width < 0 ? -1 : read_number(data, size, &at, 1000000000);
    maxval = height < 0 ? -1 : read_number(data, size, &at, 65535);
    if (maxval < 1 || at >= size || !data[at] || !strchr(" \t\r\n\v\f", data[at]))
        return cv_fail(
            err, COGVIDEO_ERROR_FORMAT,
            "%s: the PPM header must be 'P6 width height maxval' and white space; it is cut short or damaged", path);
    if (maxval > 255)
        return cv_fail(
            err, COGVIDEO_ERROR_UNSUPPORTED,
            "%s: is a PPM picture of 16 bits (maxval %ld); only 8 bits are supported; convert it with 'pnmdepth 255'",
            path, maxval);
    at++;
    /* Checked before the pixels are allocated: the file must have as many bytes as the header claims. */
    if (width > 0 && height > 0 && width <= CV_MEDIA_MAX_SIDE && height <= CV_MEDIA_MAX_SIDE) {
        bytes = cv_frame_bytes((int)width, (int)height);
        if (size - at < bytes)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                           "%s: is cut short: %ld x %ld pixels need %zu bytes, but it has %zu", path, width, height,
                           bytes, size - at);
    }
    if ((status = cv_stream_room(stream, width, height, &pixels, err)) != COGVIDEO_OK)
        return status;
    bytes = cv_frame_bytes((int)width, (int)height);
    if (!copy_scaled(pixels, data + at, bytes, (int)maxval))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has samples above its maxval of %ld", path, maxval);
    *used = at + bytes;
    return cv_stream_hand_on(stream, &cv_plain_picture, err);
}

/* Writes each line of the comment after "# ". */
static cogvideo_status append_comment(cv_buffer *out, const char *comment, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    while (*comment && status == COGVIDEO_OK) {
        size_t length = strcspn(comment, "\r\n");

        status = cv_buffer_printf(out, err, "# %.*s\n", (int)(length < 60000 ? length : 60000), comment);
        comment += length;
        comment += strspn(comment, "\r\n");
    }
    return status;
}

cogvideo_status cv_ppm_encode(cv_buffer *out, const cv_picture *picture, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_buffer_append(out, "P6\n", 3, err));
    if (picture->comment)
        CV_TRY(append_comment(out, picture->comment, err));
    CV_TRY(cv_buffer_printf(out, err, "%d %d\n255\n", picture->width, picture->height));
    CV_TRY(cv_buffer_append(out, picture->pixels, cv_frame_bytes(picture->width, picture->height), err));
done:
    return status;
}
