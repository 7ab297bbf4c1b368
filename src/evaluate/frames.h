/* frames.h - which frames of a video make a clip, and how they come to a network: resized, quantised, mirrored. */
#ifndef CV_EVALUATE_FRAMES_H
#define CV_EVALUATE_FRAMES_H

#include "evaluate/protocol.h"

/* How long a video is. */
typedef struct cv_length {
    int frames;
    const double *times; /* [frames], seconds, never decreasing; NULL = unknown, as those of pictures */
    double last;         /* seconds for which the last frame is shown; 0 = unknown */
} cv_length;

/* Whether the chosen frames of a clip are known without the video's length. */
bool cv_frames_need_length(const cv_protocol *protocol, cv_side side);

/* Clip `which` (from 0) of a video: out [protocol->frames], places of native frames, never decreasing. `name` is the
 * video's, by which random starts are drawn. Returns false where the video is too short, and says in *have how many
 * frames it has after those that are skipped. Where the length is not needed, `length` may be NULL. */
bool cv_frames_choose(const cv_protocol *protocol, cv_side side, const cv_length *length, const char *name, int which,
                      int *out, int *have);

/* The frames of one clip as they were read. */
typedef struct cv_chosen {
    int frames, height, width;
    uint8_t *pixels; /* [frames][height][width][3] */
} cv_chosen;

void cv_chosen_free(cv_chosen *clip);
/* Turns every frame left to right. */
void cv_chosen_mirror(cv_chosen *clip);
/* SHA-256 of frames, height and width as 32-bit numbers, little-endian, and of all pixels. */
cogvideo_status cv_chosen_source(unsigned char out[CV_SHA256_BYTES], const cv_chosen *clip, cogvideo_error *err);

/* Height and width of what cv_frames_fit makes of a clip: the network's, or what the clip has where it takes any. */
void cv_frames_size(const cv_protocol *protocol, int height, int width, int *out_height, int *out_width);
/* out [cv_frames_given][3][height][width] of 0 .. 255, as the protocol's network takes them. An error where a network
 * takes only one size and the protocol does not resize. `name` is the clip's, for the error. */
cogvideo_status cv_frames_fit(float *out, const cv_protocol *protocol, const cv_chosen *clip, const char *name,
                              cogvideo_error *err);
/* Frames that cv_frames_fit gives: all of the clip, or the evenly spaced ones. */
int cv_frames_given(const cv_protocol *protocol);

#endif
