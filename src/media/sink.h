/* sink.h - the interface of an output format: functions that take frames one by one. */
#ifndef CV_MEDIA_SINK_H
#define CV_MEDIA_SINK_H

#include "media/picture.h"

/* How a clip is written; must outlive the sink that it is given to. */
typedef struct cv_sink_config {
    const char *path;
    const char *container;     /* FFmpeg's name of the container, for the sinks that need one */
    cv_picture_encode *encode; /* for the sinks that write pictures */
    int width, height;
    double fps;          /* > 0 */
    int quality;         /* 1 .. 100 */
    int columns;         /* of a contact sheet; 0 = automatic */
    const char *comment; /* NULL = none */
} cv_sink_config;

typedef struct cv_sink {
    /* Opens the output; sets *state only on success. */
    cogvideo_status (*open)(void **state, const cv_sink_config *config, cogvideo_error *err);
    /* Writes one frame, [height][width][3]. */
    cogvideo_status (*frame)(void *state, const uint8_t *pixels, cogvideo_error *err);
    /* Finishes the file and renames it to its final name; called once, after at least one frame. */
    cogvideo_status (*commit)(void *state, cogvideo_error *err);
    /* Frees the state and removes what was not committed. Follows every successful open. */
    void (*close)(void *state);
    /* Checks whether a clip of this many frames can be written; *bytes becomes the memory that frames held here or
     * in the encoder take. NULL: any number can, with little memory. */
    cogvideo_status (*plan)(const cv_sink_config *config, int frames, uint64_t *bytes, cogvideo_error *err);
} cv_sink;

extern const cv_sink cv_y4m_sink;      /* YUV4MPEG2, 4:4:4 */
extern const cv_sink cv_mjpeg_sink;    /* JPEG pictures one after another */
extern const cv_sink cv_numbered_sink; /* a picture per frame; config.path is a pattern */
extern const cv_sink cv_sheet_sink;    /* one picture; several frames become a contact sheet */

#endif
