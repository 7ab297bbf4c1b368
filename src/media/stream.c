#include "media/stream.h"

#include "media/turn.h"

#include <limits.h>

static int most(const cv_stream *stream)
{
    return stream->options.max_frames > 0 ? stream->options.max_frames : INT_MAX;
}

bool cv_stream_is_full(const cv_stream *stream)
{
    return stream->frames >= most(stream);
}

cogvideo_status cv_stream_poll(const cv_stream *stream, cogvideo_error *err)
{
    if (stream->options.poll && stream->options.poll(stream->options.user) != 0)
        return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "reading was stopped after %d frames", stream->frames);
    return COGVIDEO_OK;
}

/* Makes sure that a block has at least `size` bytes; its contents are lost. */
static cogvideo_status make_room(uint8_t **block, size_t *room, size_t size, cogvideo_error *err)
{
    if (*room >= size)
        return COGVIDEO_OK;
    cv_free(*block);
    *room = 0;
    if (!(*block = cv_alloc(size, 1, err)))
        return COGVIDEO_ERROR_MEMORY;
    *room = size;
    return COGVIDEO_OK;
}

cogvideo_status cv_stream_room(cv_stream *stream, int64_t width, int64_t height, uint8_t **pixels, cogvideo_error *err)
{
    cogvideo_status status = cv_stream_poll(stream, err);

    if (status != COGVIDEO_OK)
        return status;
    if (width < 1 || width > CV_MEDIA_MAX_SIDE || height < 1 || height > CV_MEDIA_MAX_SIDE ||
        width * height > CV_MEDIA_MAX_PIXELS)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: claims to be %lld x %lld pixels; at most %d on a side and %lld in all are supported",
                       stream->name, (long long)width, (long long)height, CV_MEDIA_MAX_SIDE,
                       (long long)CV_MEDIA_MAX_PIXELS);
    if (stream->frames >= CV_MEDIA_MAX_FRAMES)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has more than the %d frames that are supported; read fewer frames", stream->name,
                       CV_MEDIA_MAX_FRAMES);
    stream->width = (int)width;
    stream->height = (int)height;
    status = make_room(&stream->pixels, &stream->room, cv_frame_bytes(stream->width, stream->height), err);
    *pixels = stream->pixels;
    return status;
}

cogvideo_status cv_stream_hand_on(cv_stream *stream, const cv_frame_facts *facts, cogvideo_error *err)
{
    cogvideo_frame frame = {
        .width = stream->width,
        .height = stream->height,
        .pixels = stream->pixels,
        .aspect = cv_aspect(facts->aspect),
        .time = stream->timeless ? -1 : facts->time,
        .duration = facts->duration,
        .index = stream->frames,
        .gap = facts->gap,
        .expected = stream->timeless                  ? 0
                    : stream->expected < most(stream) ? stream->expected
                                                      : most(stream),
    };

    if (facts->orientation > CV_TURN_NONE) {
        cogvideo_status status =
            make_room(&stream->turned, &stream->turned_room, cv_frame_bytes(frame.width, frame.height), err);

        if (status != COGVIDEO_OK)
            return status;
        cv_turn(stream->turned, stream->pixels, stream->width, stream->height, facts->orientation);
        frame.pixels = stream->turned;
        if (cv_turn_swaps(facts->orientation)) {
            frame.width = stream->height;
            frame.height = stream->width;
            frame.aspect = 1 / frame.aspect;
        }
    }
    stream->frames++;
    if (stream->take(stream->user, &frame) != 0)
        return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "reading was stopped after %d frames", stream->frames);
    return COGVIDEO_OK;
}

void cv_stream_free(cv_stream *stream)
{
    cv_free(stream->pixels);
    cv_free(stream->turned);
    stream->pixels = stream->turned = NULL;
    stream->room = stream->turned_room = 0;
}
