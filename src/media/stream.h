/* stream.h - where readers put their frames: each is decoded into room that the stream gives, then turned upright and handed on, so
 * that memory holds one. */
#ifndef CV_MEDIA_STREAM_H
#define CV_MEDIA_STREAM_H

#include "media/frame.h"

typedef struct cv_stream {
    const char *name;              /* of the file, starts errors */
    cogvideo_read_options options;
    cogvideo_frame_fn *take;
    void *user;                    /* of `take` */
    bool timeless;                 /* frames are of different files, so that their times mean nothing */
    double fps;                    /* that the file claims; 0 = none, as of pictures */
    int expected;                  /* frames in all, as the file claims; 0 = unknown */
    int frames;                    /* handed on */
    int width, height;             /* of the frame under way */
    uint8_t *pixels, *turned;
    size_t room, turned_room;      /* bytes */
} cv_stream;

/* What is known of a frame besides its pixels; all zero but `time` is right for a plain picture. */
typedef struct cv_frame_facts {
    int orientation;       /* turn.h; 0 = as it lies */
    double aspect;         /* of a pixel as the file has it; 0 = 1 */
    double time, duration; /* seconds; a negative time where there is none */
    bool gap;
} cv_frame_facts;

/* Whether all frames that were asked for have come. */
bool cv_stream_is_full(const cv_stream *stream);
/* COGVIDEO_ERROR_CANCELLED where the caller wants no more. */
cogvideo_status cv_stream_poll(const cv_stream *stream, cogvideo_error *err);
/* Pixels for a frame of the size that a file claims, [height][width][3], to be filled before it is handed on; COGVIDEO_ERROR_FORMAT
 * where the size is past the limits. */
cogvideo_status cv_stream_room(cv_stream *stream, int64_t width, int64_t height, uint8_t **pixels, cogvideo_error *err);
cogvideo_status cv_stream_hand_on(cv_stream *stream, const cv_frame_facts *facts, cogvideo_error *err);
void cv_stream_free(cv_stream *stream);

#endif
