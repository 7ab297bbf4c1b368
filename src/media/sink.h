/* sink.h - what a kind of output is to the writer: four functions that take frames one by one. */
#ifndef CV_MEDIA_SINK_H
#define CV_MEDIA_SINK_H

#include "media/picture.h"

/* How a clip is to be written; outlives the sink that it was given to. */
typedef struct cv_sink_config {
    const char *path;
    const char *container;     /* FFmpeg's name of the container, for the sinks that need one */
    cv_picture_encode *encode; /* for the sinks that write pictures */
    int width, height;
    double fps;                /* > 0 */
    int quality;               /* 1 .. 100 */
    int columns;               /* of a contact sheet; 0 = chosen */
    const char *comment;       /* NULL = none */
} cv_sink_config;

typedef struct cv_sink {
    /* Sets *state on success only. */
    cogvideo_status (*open)(void **state, const cv_sink_config *config, cogvideo_error *err);
    /* One frame, [height][width][3]. */
    cogvideo_status (*frame)(void *state, const uint8_t *pixels, cogvideo_error *err);
    /* Finishes the file and puts it under its name; called once, after at least one frame. */
    cogvideo_status (*commit)(void *state, cogvideo_error *err);
    /* Frees the state, and removes what was not committed. Follows every open that succeeded. */
    void (*close)(void *state);
    /* Whether a clip of so many frames can be written, and the bytes of memory that it takes, of frames that are held or in the encoder. NULL: any
     * can, with little. */
    cogvideo_status (*plan)(const cv_sink_config *config, int frames, uint64_t *bytes, cogvideo_error *err);
} cv_sink;

extern const cv_sink cv_y4m_sink;      /* YUV4MPEG2, 4:4:4 */
extern const cv_sink cv_mjpeg_sink;    /* JPEG pictures one after the other */
extern const cv_sink cv_numbered_sink; /* a picture per frame, config.path is a pattern */
extern const cv_sink cv_sheet_sink;    /* one picture; several frames side by side, row by row, as a contact sheet */

#endif
