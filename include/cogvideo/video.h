/* video.h - frames as pixels: read from and written to ordinary files. */
#ifndef COGVIDEO_VIDEO_H
#define COGVIDEO_VIDEO_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Frames of equal size, 8-bit RGB, row by row from the top, no padding. */
typedef struct cogvideo_video {
    int width, height;   /* pixels, 1 .. 16384 */
    int frames;
    double fps;          /* frames per second when played; 0 = unknown (a picture) */
    uint8_t *pixels;     /* [frames][height][width][3] */
} cogvideo_video;

COGVIDEO_API cogvideo_status cogvideo_video_alloc(cogvideo_video *out, int width, int height, int frames, double fps,
                                                  cogvideo_error *err);
COGVIDEO_API void cogvideo_video_free(cogvideo_video *video);

/* Reads a picture or a video. Built in: JPEG, PPM (P6, 8 bits), and a numbered pattern of those ("frame-%04d.ppm", from the
 * first of 0 and 1 that exists). Everything else (PNG, MP4, ...) through FFmpeg's libraries where the build has them.
 * At most `max_frames` frames are read (0 = no limit but memory). What a file is is decided by its content. */
COGVIDEO_API cogvideo_status cogvideo_video_read(cogvideo_video *out, const char *path, int max_frames,
                                                 cogvideo_error *err);

/* The largest centred part of the wanted shape, resized to width x height: area average when shrinking,
 * bilinear when enlarging. */
COGVIDEO_API cogvideo_status cogvideo_video_fit(cogvideo_video *out, const cogvideo_video *in, int width, int height,
                                                cogvideo_error *err);
/* Enlarged or shrunk by nearest neighbour: pixel x of the result is pixel floor(x * in / out) of the source. */
COGVIDEO_API cogvideo_status cogvideo_video_nearest(cogvideo_video *out, const cogvideo_video *in, int width,
                                                    int height, cogvideo_error *err);

typedef struct cogvideo_write_options {
    double fps;      /* overrides the video's; 0 = the video's own, else 8 */
    int quality;     /* JPEG quality and the like, 1 .. 100; 0 = 90 */
    int columns;     /* of a contact sheet; 0 = chosen for a shape near 16:9 */
    const char *comment; /* kept in the file's metadata where its format has room; NULL = none */
} cogvideo_write_options;

/* Writes by the form of `path`:
 *   clip.mp4 .webm .mkv .gif .png through FFmpeg's libraries (COGVIDEO_ERROR_UNSUPPORTED in a build without them)
 *   frame-%04d.jpg .ppm      one picture per frame, numbered from 0
 *   clip.y4m clip.mjpeg      built in
 *   sheet.jpg sheet.ppm      a picture name without a pattern: one frame as it is, several as a contact sheet
 * "-" writes Y4M to standard output. `options` may be NULL. Files appear under their names when they are whole. */
COGVIDEO_API cogvideo_status cogvideo_video_write(const cogvideo_video *video, const char *path,
                                                  const cogvideo_write_options *options, cogvideo_error *err);
/* Whether this build could write `path`, before hours are spent: checks the ending, the pattern, and that the folder exists
 * and can be written to. */
COGVIDEO_API cogvideo_status cogvideo_video_check_path(const char *path, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
