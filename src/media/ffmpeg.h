/* ffmpeg.h - the only users of libavformat, libavcodec, libavutil and libswscale are the files ffmpeg_*.c. A build
 * without them has ffmpeg_none.c instead: the same functions fail with COGVIDEO_ERROR_UNSUPPORTED and say what to
 * install. FFmpeg's own messages are switched off, which FFmpeg supports only for the whole process. */
#ifndef CV_MEDIA_FFMPEG_H
#define CV_MEDIA_FFMPEG_H

#include "media/input.h"
#include "media/sink.h"

/* Loads the libraries, once; every function below does it, too. */
cogvideo_status cv_ffmpeg_load(cogvideo_error *err);

/* Whether this build can write the container ("png" too): COGVIDEO_ERROR_UNSUPPORTED without FFmpeg or without an
 * encoder for it. */
cogvideo_status cv_ffmpeg_check(const char *container, cogvideo_error *err);

/* Videos: config.container is "mp4" (H.264, or MPEG-4 where FFmpeg has no x264), "webm" (VP9 or VP8) or "matroska" (as
 * mp4). yuv420p of BT.601 in the limited range; odd sizes are made even by repeating the last row or column. */
extern const cv_sink cv_ffmpeg_sink;
/* Looping GIF with one palette for the whole clip; frames are kept in memory until commit. */
extern const cv_sink cv_gif_sink;
/* PNG, with the comment as an iTXt chunk. */
cv_picture_encode cv_png_encode;

/* Delivers the frames of any known kind of picture or video file. Files that refer to other files (playlists,
 * external data) are refused. */
cogvideo_status cv_ffmpeg_read(cv_stream *stream, cv_input *input, cogvideo_error *err);

#endif
