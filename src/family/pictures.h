/* pictures.h - how pixels leave a family: picture by picture, enlarged where the options ask for it. */
#ifndef CV_FAMILY_PICTURES_H
#define CV_FAMILY_PICTURES_H

#include "family/family.h"

typedef struct cv_pictures {
    cogvideo_picture next; /* its size is the shown one */
    int width, height;     /* as decoded */
    uint8_t *enlarged;     /* NULL: shown as decoded */
    cogvideo_picture_fn *take;
    void *user;
} cv_pictures;

/* For `count` pictures of width x height pixels, to be shown at next->width x next->height: `next` gives the size,
 * count and fps. Close it after errors too. */
cogvideo_status cv_pictures_open(cv_pictures *out, const cogvideo_picture *next, int width, int height,
                                 cogvideo_picture_fn *take, void *user, cogvideo_error *err);
/* The next picture, [height][width][3] as decoded. COGVIDEO_ERROR_CANCELLED where the caller stops it. */
cogvideo_status cv_pictures_give(cv_pictures *pictures, const uint8_t *pixels, cogvideo_error *err);
void cv_pictures_close(cv_pictures *pictures);
/* Bytes that one takes. */
uint64_t cv_pictures_bytes(int shown_width, int shown_height, int width, int height);

/* The pictures of a video that was made as a whole. */
cogvideo_status cv_pictures_give_all(const cogvideo_video *video, cogvideo_picture_fn *take, void *user,
                                     cogvideo_error *err);

/* cv_step.pictures of a step that is the family's `decode`. */
cogvideo_status cv_decode_pictures(const cogvideo_model *model, const cogvideo_generate_options *options,
                                   const cogvideo_value *in, cogvideo_picture_fn *take, void *user,
                                   cogvideo_error *err);

#endif
