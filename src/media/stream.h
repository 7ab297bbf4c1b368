/* stream.h - receives the frames of readers: each frame is decoded into memory that the stream provides, then turned
 * upright and passed on, so that only one is in memory. */
#ifndef CV_MEDIA_STREAM_H
#define CV_MEDIA_STREAM_H

#include "media/frame.h"

typedef struct cv_stream {
    const char *name; /* of the file; starts errors */
    cogvideo_read_options options;
    cogvideo_frame_fn *take;
    void *user;        /* argument of `take` */
    bool timeless;     /* frames come from different files, so that their times mean nothing */
    double fps;        /* that the file claims; 0 = none, as for pictures */
    int expected;      /* frames in all, as the file claims; 0 = unknown */
    int frames;        /* passed on so far */
    int width, height; /* of the current frame */
    uint8_t *pixels, *turned;
    size_t room, turned_room; /* bytes */
} cv_stream;

/* The properties of a frame besides its pixels; all zero except `time` is right for a plain picture. */
typedef struct cv_frame_facts {
    int orientation;       /* turn.h; 0 = upright */
    double aspect;         /* of a pixel as the file states it; 0 = 1 */
    double time, duration; /* in seconds; a negative time means none */
    bool gap;
} cv_frame_facts;

/* Whether all requested frames have been passed on. */
bool cv_stream_is_full(const cv_stream *stream);
/* COGVIDEO_ERROR_CANCELLED if the caller wants no more frames. */
cogvideo_status cv_stream_poll(const cv_stream *stream, cogvideo_error *err);
/* Returns memory for a frame of the size that a file claims, [height][width][3], to be filled before it is passed
 * on; COGVIDEO_ERROR_FORMAT where the size exceeds the limits. */
cogvideo_status cv_stream_room(cv_stream *stream, int64_t width, int64_t height, uint8_t **pixels, cogvideo_error *err);
cogvideo_status cv_stream_hand_on(cv_stream *stream, const cv_frame_facts *facts, cogvideo_error *err);
void cv_stream_free(cv_stream *stream);

#endif
