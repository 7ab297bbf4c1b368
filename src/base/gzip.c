#include "base/gzip.h"

#define ZLIB_CONST
#include <zlib.h>

#define CHUNK ((size_t)1 << 16)
#define GZIP_WINDOW (15 + 16) /* the largest window, and gzip's header instead of zlib's */

bool cv_gzip_is(const void *data, size_t size)
{
    const unsigned char *bytes = data;

    return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static cogvideo_status damaged(const char *path, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is a gzip file that is damaged or cut short; fetch it again", path);
}

/* Whether the stream stands before another member. */
static bool more_members(z_stream *stream)
{
    while (stream->avail_in > 0 && *stream->next_in == 0) {
        stream->next_in++;
        stream->avail_in--;
    }
    return stream->avail_in > 0;
}

static cogvideo_status unpack(z_stream *stream, cv_buffer *out, size_t limit, unsigned char *chunk, const char *path,
                              cogvideo_error *err)
{
    size_t start = out->size;
    cogvideo_status status;

    for (;;) {
        int result;

        stream->next_out = chunk;
        stream->avail_out = CHUNK;
        result = inflate(stream, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR)
            return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: out of memory while it was unpacked", path);
        if (result != Z_OK && result != Z_STREAM_END)
            return damaged(path, err);
        if (CHUNK - stream->avail_out > limit - (out->size - start))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: unpacks to more than the %zu bytes that were expected",
                           path, limit);
        status = cv_buffer_append(out, chunk, CHUNK - stream->avail_out, err);
        if (status != COGVIDEO_OK)
            return status;
        if (result != Z_STREAM_END)
            continue;
        if (!more_members(stream))
            return COGVIDEO_OK;
        if (inflateReset(stream) != Z_OK)
            return damaged(path, err);
    }
}

cogvideo_status cv_gzip_unpack(cv_buffer *out, const void *data, size_t size, size_t limit, const char *path,
                               cogvideo_error *err)
{
    z_stream stream = { .next_in = data, .avail_in = (uInt)size };
    unsigned char *chunk = NULL;
    cogvideo_status status;

    if (size > UINT32_MAX)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s: gzip files of more than 4 GB are not supported", path);
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: out of memory before it could be unpacked", path);
    CV_NEW(chunk, CHUNK, err);
    CV_TRY(unpack(&stream, out, limit, chunk, path, err));
done:
    inflateEnd(&stream);
    cv_free(chunk);
    return status;
}
