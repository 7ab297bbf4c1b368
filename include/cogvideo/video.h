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
    double aspect;       /* width of a pixel by its height, 1/16 .. 16; 0 = 1, square */
} cogvideo_video;

COGVIDEO_API cogvideo_status cogvideo_video_alloc(cogvideo_video *out, int width, int height, int frames, double fps,
                                                  cogvideo_error *err);
COGVIDEO_API void cogvideo_video_free(cogvideo_video *video);

/* What reading takes besides the file. Zero is the default of every field. */
typedef struct cogvideo_read_options {
    int max_frames;          /* frames read at most; 0 = all */
    cogvideo_log log;        /* warnings: what is damaged and was passed over */
    int (*poll)(void *user); /* asked many times a second, also where no frame comes for long: any value but 0 stops the reading,
                                COGVIDEO_ERROR_CANCELLED. May be NULL. */
    void *user;              /* of `poll` */
} cogvideo_read_options;

/* One frame, upright: turned and mirrored as the file asks for (a phone's display matrix, EXIF orientation). 8-bit RGB, row by row
 * from the top, no padding; transparency is left out. */
typedef struct cogvideo_frame {
    int width, height;     /* pixels, 1 .. 16384; at most 2^26 in all. Frames of one video may differ. */
    const uint8_t *pixels; /* [height][width][3], valid during the call */
    double aspect;         /* width of a pixel by its height, 1/16 .. 16: 1 = square, others in DVD and DV material */
    double time;           /* seconds since the first frame, never going back; negative where the file knows no times (pictures) */
    double duration;       /* seconds that it is shown, as the file says; 0 = unknown */
    int index;             /* counted from 0 */
    int expected;          /* frames in all that will come, by what the file says of itself: for progress alone; 0 = unknown */
    int gap;               /* 1: between the frame before and this one something is damaged and was passed over */
} cogvideo_frame;

/* Reads a picture or a video frame by frame: `take` is called with each in turn. What a file is is decided by its content, never
 * by its name; "-" is standard input, and pipes are read too, up to 1 GiB. Built in: JPEG and PPM (P6, 8 bits), one or several one
 * after the other (MJPEG). Everything else (PNG, GIF, MP4, MKV, WebM, MPEG-TS, ...) through FFmpeg's libraries where the build has
 * them. A numbered pattern ("frame-%04d.ppm") reads one frame of each file, from the first of 0 and 1 that exists to the last
 * before a gap.
 * Memory holds one frame. There are at most a million of them, of 2^26 pixels each, and files that refer to other files (playlists)
 * are refused. What is damaged is passed over with a warning, up to the next key frame; a file that is cut at its end, or has no
 * whole frame, is COGVIDEO_ERROR_FORMAT: the frames before have been taken. A value other than 0 from `take` stops:
 * COGVIDEO_ERROR_CANCELLED. `options` may be NULL. */
typedef int cogvideo_frame_fn(void *user, const cogvideo_frame *frame);
COGVIDEO_API cogvideo_status cogvideo_video_each(const char *path, const cogvideo_read_options *options, cogvideo_frame_fn *take,
                                                 void *user, cogvideo_error *err);

/* The same, all frames together in memory: they must be of one size and shape, and at most 4 GiB. fps is the file's own where its
 * times agree, else the mean of them. */
COGVIDEO_API cogvideo_status cogvideo_video_read(cogvideo_video *out, const char *path, const cogvideo_read_options *options,
                                                 cogvideo_error *err);

/* The largest centred part of the wanted shape, resized to width x height square pixels: area average when shrinking, bilinear
 * when enlarging. The shape of the pixels it is made from is taken into account. `pixels` has room for [height][width][3]. */
COGVIDEO_API cogvideo_status cogvideo_frame_fit(uint8_t *pixels, const cogvideo_frame *in, int width, int height,
                                                cogvideo_error *err);
/* The same of every frame of a video. */
COGVIDEO_API cogvideo_status cogvideo_video_fit(cogvideo_video *out, const cogvideo_video *in, int width, int height,
                                                cogvideo_error *err);
/* Enlarged or shrunk by nearest neighbour: pixel x of the result is pixel floor(x * in / out) of the source. */
COGVIDEO_API cogvideo_status cogvideo_video_nearest(cogvideo_video *out, const cogvideo_video *in, int width,
                                                    int height, cogvideo_error *err);

typedef struct cogvideo_write_options {
    double fps;      /* overrides the video's, up to 1000; 0 = the video's own, else 8 */
    int quality;     /* JPEG quality and the like, 1 .. 100; 0 = 90 */
    int columns;     /* of a contact sheet; 0 = chosen for a shape near 16:9 */
    const char *comment; /* kept in the file's metadata where its format has room; NULL = none */
} cogvideo_write_options;

/* Writes by the form of `path`:
 *   clip.mp4 .webm .mkv .gif, and .png wherever a picture may stand: through FFmpeg's libraries
 *                            (COGVIDEO_ERROR_UNSUPPORTED in a build without them)
 *   frame-%04d.jpg .ppm .png one picture per frame, numbered from 0: exactly one %d or %0Nd (N = 1 .. 9), and
 *                            then %% for a percent sign; elsewhere in names a % is only a character, so also in
 *                            "50% off.mp4" and, since a bare %d that begins a word is no number, in "100%done.mp4"
 *   clip.y4m clip.mjpeg      built in; Y4M is 4:4:4, BT.601 in the limited range
 *   sheet.jpg sheet.ppm      a picture name without a pattern: one frame as it is, several as a contact sheet
 * "-" writes Y4M to standard output. `options` may be NULL. Files appear under their names when they are whole, and
 * replace what had that name. The same frames and options give the same bytes with the same libraries.
 * A GIF plays at most 50 frames a second: of a faster clip some are left out, so that it lasts as long.
 * MP4, WebM and MKV have even sizes: an odd one gets its last row or column twice.
 * The comment is kept in MP4, WebM, MKV, GIF, JPEG, PPM and PNG. */
COGVIDEO_API cogvideo_status cogvideo_video_write(const cogvideo_video *video, const char *path,
                                                  const cogvideo_write_options *options, cogvideo_error *err);
/* Frame `frame` as a JPEG file in fresh memory, `size` bytes: free with cogvideo_free. `quality` as above. */
COGVIDEO_API cogvideo_status cogvideo_video_jpeg(const cogvideo_video *video, int frame, int quality, unsigned char **bytes,
                                                 size_t *size, cogvideo_error *err);

/* The same, frame by frame as they come. Contact sheets and GIF hold their frames until commit (at most 4 GiB); a
 * numbered picture is in its place when its frame returns, and stays there after an abandon; all else appears at
 * commit. */
typedef struct cogvideo_video_writer cogvideo_video_writer;

/* `fps` may be 0: options->fps, else 8. Path and options are copied. */
COGVIDEO_API cogvideo_status cogvideo_video_writer_open(cogvideo_video_writer **out, const char *path, int width,
                                                        int height, double fps, const cogvideo_write_options *options,
                                                        cogvideo_error *err);
/* `pixels` is [height][width][3]. After an error only commit's or abandon's closing is left to do. */
COGVIDEO_API cogvideo_status cogvideo_video_writer_frame(cogvideo_video_writer *writer, const uint8_t *pixels,
                                                         cogvideo_error *err);
/* Finishes the file; at least one frame must have been written. *writer is NULL afterwards, whatever the status. */
COGVIDEO_API cogvideo_status cogvideo_video_writer_commit(cogvideo_video_writer **writer, cogvideo_error *err);
/* Closes without a file. Nothing happens where *writer is NULL, so it may follow a commit. */
COGVIDEO_API void cogvideo_video_writer_abandon(cogvideo_video_writer **writer);

/* Whether this build could write `path`, before hours are spent: checks the ending, the pattern, and that the folder
 * exists and can be written to. */
COGVIDEO_API cogvideo_status cogvideo_video_check_path(const char *path, cogvideo_error *err);
/* The same, and that no file of that name is there: of numbered pictures the first. `force` 1: one may be. */
COGVIDEO_API cogvideo_status cogvideo_video_check_new(const char *path, int force, cogvideo_error *err);
/* The same of a clip of so many frames: what would write it is opened and closed again, so that encoder, size and options are checked too, and
 * *bytes = about the memory that the writer would take: for the frames that contact sheets and GIF hold, or in an encoder. `options` may be NULL. */
COGVIDEO_API cogvideo_status cogvideo_video_plan(const char *path, int width, int height, int frames, const cogvideo_write_options *options,
                                                 uint64_t *bytes, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
