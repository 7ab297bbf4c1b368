/* video.h - frames as pixels: reads and writes ordinary files. */
#ifndef COGVIDEO_VIDEO_H
#define COGVIDEO_VIDEO_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Frames of equal size, 8-bit RGB, row by row from the top, no padding. */
typedef struct cogvideo_video {
    int width, height; /* pixels, 1 .. 16384 */
    int frames;
    double fps;      /* frames per second when played; 0 = unknown (a picture) */
    uint8_t *pixels; /* [frames][height][width][3] */
    double aspect;   /* width of a pixel by its height, 1/16 .. 16; 0 = 1, square */
} cogvideo_video;

COGVIDEO_API cogvideo_status cogvideo_video_alloc(cogvideo_video *out, int width, int height, int frames, double fps,
                                                  cogvideo_error *err);
COGVIDEO_API void cogvideo_video_free(cogvideo_video *video);

/* Options for reading. Zero is the default of every field. */
typedef struct cogvideo_read_options {
    int max_frames;   /* at most this many frames are read; 0 = all */
    cogvideo_log log; /* warnings about damage that was skipped */
    /* called many times a second, also while no frame comes for long: any value but 0 stops the reading with
     * COGVIDEO_ERROR_CANCELLED. May be NULL. */
    int (*poll)(void *user);
    void *user; /* of `poll` */
    uint64_t reserved[8];
} cogvideo_read_options;

/* One frame, upright: turned and mirrored as the file asks for (a phone's display matrix, EXIF orientation). 8-bit
 * RGB, row by row from the top, no padding; transparency is ignored. */
typedef struct cogvideo_frame {
    int width, height;     /* pixels, 1 .. 16384; at most 2^26 in all. Frames of one video may differ. */
    const uint8_t *pixels; /* [height][width][3], valid during the call */
    double aspect;         /* width of a pixel by its height, 1/16 .. 16: 1 = square, others in DVD and DV material */
    /* seconds since the first frame, never decreasing; negative if the file has no times (pictures) */
    double time;
    double duration; /* seconds for which it is shown, as the file says; 0 = unknown */
    int index;       /* counted from 0 */
    int expected;    /* number of frames in all, as the file claims, only for progress; 0 = unknown */
    int gap;         /* 1: between the previous frame and this one something is damaged and was skipped */
} cogvideo_frame;

/* Loads FFmpeg's libraries, which is otherwise done when the first file needs them: for a process that is about to give
 * up the right to read them. COGVIDEO_ERROR_UNSUPPORTED where the build has none or they are not installed. */
COGVIDEO_API cogvideo_status cogvideo_video_load(cogvideo_error *err);

/* Reads a picture or a video frame by frame: `take` is called for each in turn. The kind of a file is decided by its
 * content, never by its name; "-" is standard input, and pipes are read, too, up to 1 GiB. Built in: JPEG and PPM
 * (P6, 8 bits), one or several one after another (MJPEG). Everything else (PNG, GIF, MP4, MKV, WebM, MPEG-TS, ...)
 * is read through FFmpeg's libraries if the build has them and they are installed. A numbered pattern ("frame-%04d.ppm") reads one frame of
 * each file, from the first of 0 and 1 that exists to the last before a gap. Only one frame is held in memory. A
 * video may have at most a million frames, of 2^26 pixels each; files that refer to other files (playlists) are
 * refused. Damage is skipped with a warning, up to the next key frame; a file that is cut at its end, or has no
 * intact frame, is COGVIDEO_ERROR_FORMAT, after the frames before that were passed on. A value other than 0 from
 * `take` stops the reading with COGVIDEO_ERROR_CANCELLED. `options` may be NULL. */
typedef int cogvideo_frame_fn(void *user, const cogvideo_frame *frame);
COGVIDEO_API cogvideo_status cogvideo_video_each(const char *path, const cogvideo_read_options *options,
                                                 cogvideo_frame_fn *take, void *user, cogvideo_error *err);

/* The same with all frames in memory: they must be of one size and shape, and at most 4 GiB. fps is the file's own
 * if its times agree, otherwise their mean rate. */
COGVIDEO_API cogvideo_status cogvideo_video_read(cogvideo_video *out, const char *path,
                                                 const cogvideo_read_options *options, cogvideo_error *err);

/* Resizes the largest centred part of the target's shape to width x height square pixels: area average when
 * shrinking, bilinear when enlarging. Takes the shape of the input's pixels into account. `pixels` has room for
 * [height][width][3]. */
COGVIDEO_API cogvideo_status cogvideo_frame_fit(uint8_t *pixels, const cogvideo_frame *in, int width, int height,
                                                cogvideo_error *err);
/* How a frame is brought to a size. */
typedef enum cogvideo_resize {
    COGVIDEO_RESIZE_AREA, /* as cogvideo_frame_fit does */
    /* as ICETK, the tokenizer of CogView2, does: the short side becomes the wanted one, the long one follows, rounded
     * down; bilinear between the two nearest pixels, also where that leaves some out; of that the centre. The shape of
     * the input's pixels does not count. For squares only. */
    COGVIDEO_RESIZE_ICETK,
} cogvideo_resize;
/* The same, `how` as given. */
COGVIDEO_API cogvideo_status cogvideo_frame_resize(uint8_t *pixels, const cogvideo_frame *in, int width, int height,
                                                   cogvideo_resize how, cogvideo_error *err);
/* cogvideo_frame_fit for every frame of a video. */
COGVIDEO_API cogvideo_status cogvideo_video_fit(cogvideo_video *out, const cogvideo_video *in, int width, int height,
                                                cogvideo_error *err);
/* Enlarges or shrinks by nearest neighbour: pixel x of the result is pixel floor(x * in / out) of the source. */
COGVIDEO_API cogvideo_status cogvideo_video_nearest(cogvideo_video *out, const cogvideo_video *in, int width,
                                                    int height, cogvideo_error *err);

typedef struct cogvideo_write_options {
    double fps;          /* overrides the video's, up to 1000; 0 = the video's own, else 8 */
    int quality;         /* JPEG quality and the like, 1 .. 100; 0 = 90 */
    int columns;         /* of a contact sheet; 0 = chosen for a shape near 16:9 */
    const char *comment; /* kept in the file's metadata if its format supports it; NULL = none */
    uint64_t reserved[8];
} cogvideo_write_options;

/* Writes a video or pictures. The name of `path` selects the format:
 *   clip.mp4 .webm .mkv .gif, and .png for pictures: through FFmpeg's libraries (COGVIDEO_ERROR_UNSUPPORTED in a
 *                            build without them, or where they are not installed)
 *   frame-%04d.jpg .ppm .png one picture per frame, numbered from 0. The name has exactly one %d or %0Nd
 *                            (N = 1 .. 9), and %% stands for a percent sign. In other names a % is an ordinary
 *                            character, as in "50% off.mp4" and in "100%done.mp4", where %d begins a word
 *   clip.y4m clip.mjpeg      built in; Y4M is 4:4:4, BT.601 in the limited range
 *   sheet.jpg sheet.ppm      a picture name without a number: a single frame, or several as a contact sheet
 * "-" writes Y4M to standard output. `options` may be NULL. A file appears under its name when it is complete, and
 * replaces an existing one. The same frames and options give the same bytes with the same libraries.
 * A GIF plays at most 50 frames a second: some frames of a faster clip are dropped, so that its duration is kept.
 * MP4, WebM and MKV have even sides: the last row or column of an odd side is repeated.
 * The comment is kept in MP4, WebM, MKV, GIF, JPEG, PPM and PNG. */
COGVIDEO_API cogvideo_status cogvideo_video_write(const cogvideo_video *video, const char *path,
                                                  const cogvideo_write_options *options, cogvideo_error *err);
/* Encodes frame `frame` as a JPEG file in fresh memory, `size` bytes: free with cogvideo_free. `quality` as above. */
COGVIDEO_API cogvideo_status cogvideo_video_jpeg(const cogvideo_video *video, int frame, int quality,
                                                 unsigned char **bytes, size_t *size, cogvideo_error *err);

/* Writes a video frame by frame. Contact sheets and GIF hold their frames in memory until commit (at most 4 GiB); a
 * numbered picture is complete when its frame returns, and stays there after an abandon; everything else appears at
 * commit. */
typedef struct cogvideo_video_writer cogvideo_video_writer;

/* `fps` may be 0: options->fps, else 8. Path and options are copied. */
COGVIDEO_API cogvideo_status cogvideo_video_writer_open(cogvideo_video_writer **out, const char *path, int width,
                                                        int height, double fps, const cogvideo_write_options *options,
                                                        cogvideo_error *err);
/* `pixels` is [height][width][3]. After an error the writer can only be committed or abandoned. */
COGVIDEO_API cogvideo_status cogvideo_video_writer_frame(cogvideo_video_writer *writer, const uint8_t *pixels,
                                                         cogvideo_error *err);
/* Finishes the file; at least one frame must have been written. *writer is NULL afterwards, whatever the status. */
COGVIDEO_API cogvideo_status cogvideo_video_writer_commit(cogvideo_video_writer **writer, cogvideo_error *err);
/* Closes the writer without a file. Does nothing if *writer is NULL, so it may follow a commit. */
COGVIDEO_API void cogvideo_video_writer_abandon(cogvideo_video_writer **writer);

/* Checks whether this build could write `path`, before hours are spent: its ending, its pattern, and that the folder
 * exists and can be written to. */
COGVIDEO_API cogvideo_status cogvideo_video_check_path(const char *path, cogvideo_error *err);
/* The same, and that no file of that name is there, of numbered pictures none with any number, and, of one
 * file, that no other run is writing it (where the file system has locks). `force` 1: one may be there. */
COGVIDEO_API cogvideo_status cogvideo_video_check_new(const char *path, int force, cogvideo_error *err);
/* The same of a clip of so many frames: what would write it is opened and closed again, so that encoder, size and
 * options are checked too, and *bytes = about the memory that the writer would take: for the frames that contact sheets
 * and GIF hold, or in an encoder. `options` may be NULL. */
COGVIDEO_API cogvideo_status cogvideo_video_plan(const char *path, int width, int height, int frames,
                                                 const cogvideo_write_options *options, uint64_t *bytes,
                                                 cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
