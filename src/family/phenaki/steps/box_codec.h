/* box_codec.h - one clip between pixels and a box of codes, in memory that is taken once and used for scene after
 * scene. */
#ifndef CV_FAMILY_PHENAKI_STEPS_BOX_CODEC_H
#define CV_FAMILY_PHENAKI_STEPS_BOX_CODEC_H

#include "family/phenaki/model/model.h"

typedef struct cv_box_codec {
    const cv_phenaki *model;
    int T, h, w;   /* of the largest box */
    float *pixels; /* [3][frames][h patch_height][w patch_width] of the box at hand, 0..1, not clamped */
    cv_arena arena;
} cv_box_codec;

/* Bytes that one takes. */
uint64_t cv_box_codec_bytes(const cv_phenaki *model, int T, int h, int w);
cogvideo_status cv_box_codec_open(cv_box_codec *out, const cv_phenaki *model, int T, int h, int w, cogvideo_error *err);
void cv_box_codec_close(cv_box_codec *codec);

/* Video frames of a box of T latent frames. */
int cv_box_frames(const cv_phenaki *model, int T);

/* `pixels` from codes [T][h][w]; what it is a box of, "scene" or "clip", and which, for errors. */
cogvideo_status cv_box_decode(cv_box_codec *codec, const int32_t *codes, int T, const char *what, int number,
                              cogvideo_error *err);
/* codes from `pixels`. */
cogvideo_status cv_box_encode(cv_box_codec *codec, int32_t *codes, int T, const char *what, int number,
                              cogvideo_error *err);

/* Frame `frame` of a box of T latent frames as [height][width][3] bytes, and the opposite. `stretched`: the picture's
 * own range becomes 0 .. 255. */
void cv_box_get_frame(const cv_box_codec *codec, int T, int frame, bool stretched, uint8_t *rgb);
void cv_box_set_frame(cv_box_codec *codec, int T, int frame, const uint8_t *rgb);
/* The same as floats [3][height][width], as they were decoded. */
void cv_box_get_floats(const cv_box_codec *codec, int T, int frame, float *rgb);
void cv_box_set_floats(cv_box_codec *codec, int T, int frame, const float *rgb);
/* Numbers of a frame. */
size_t cv_box_frame_numbers(const cv_box_codec *codec);

#endif
