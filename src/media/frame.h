/* frame.h - frames in memory: limits, a list that grows, and checks of a clip's properties. */
#ifndef CV_MEDIA_FRAME_H
#define CV_MEDIA_FRAME_H

#include "base/mem.h"

#include <cogvideo/video.h>

/* The limits of what a file may ask for, so that a small hostile file cannot exhaust memory. */
#define CV_MEDIA_MAX_SIDE 16384                /* pixels */
#define CV_MEDIA_MAX_PIXELS ((int64_t)1 << 26) /* of one frame that is read */
#define CV_MEDIA_MAX_BYTES ((uint64_t)4 << 30) /* of all frames that are held together */
#define CV_MEDIA_MAX_FRAMES 1000000            /* of a clip that is read or held */
#define CV_MEDIA_MAX_FPS 1000.0
#define CV_MEDIA_MAX_ASPECT 16.0 /* of a pixel, in either direction */

/* Frames of equal size, added one by one. */
typedef struct cv_frames {
    cogvideo_video video; /* valid at any time */
    int capacity;         /* frames that `video.pixels` has room for */
} cv_frames;

/* Adds a frame and returns its pixels (zero) to be filled; the pointer is valid until the next call. All frames have
 * the same size, which is within the limits. COGVIDEO_ERROR_ARGUMENT where they are more than may be held at once;
 * `path` starts the error. */
cogvideo_status cv_frames_add(cv_frames *frames, int width, int height, uint8_t **pixels, const char *path,
                              cogvideo_error *err);
void cv_frames_free(cv_frames *frames);

/* Returns the bytes of a frame of a size within the limits. */
static inline size_t cv_frame_bytes(int width, int height)
{
    return (size_t)width * (size_t)height * 3;
}

/* One frame by nearest neighbour, as cogvideo_video_nearest: out [out_height][out_width][3] from in
 * [in_height][in_width][3]. */
void cv_frame_nearest(uint8_t *out, int out_width, int out_height, const uint8_t *in, int in_width, int in_height);

/* COGVIDEO_ERROR_ARGUMENT unless the size is 1 .. CV_MEDIA_MAX_SIDE on both sides. */
cogvideo_status cv_frame_check_size(int width, int height, cogvideo_error *err);
/* COGVIDEO_ERROR_ARGUMENT unless the video has frames, pixels, a possible size and a possible fps. */
cogvideo_status cv_video_check(const cogvideo_video *video, cogvideo_error *err);
/* Returns the claimed shape of a pixel, or 1 where that is impossible. */
double cv_aspect(double claimed);

/* Converts fps to a fraction with a denominator up to 1001 and a numerator up to 65535 (the most that MPEG-4
 * allows): 29.97 becomes 2997/100, 24000/1001 stays itself. */
void cv_fps_fraction(double fps, int *numerator, int *denominator);

#endif
