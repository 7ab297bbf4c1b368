/* sampler.h - frames of any times and sizes as pictures of one size at a constant rate. */
#ifndef CV_MEDIA_SAMPLER_H
#define CV_MEDIA_SAMPLER_H

#include "media/frame.h"

/* Picture k is what the video shows at k / fps seconds, to the nearest: a frame stays until the next one comes, which may be shown
 * half the step between both too early, though never more than half a picture. Of a video of constant rate that is the frame whose
 * time is nearest; of one that stands still the change comes at the nearest picture. The last frame stays for its duration. Frames
 * without times are a picture each. Zero-initialise. */
typedef struct cv_sampler {
    double fps;
    int size;             /* of the pictures, square */
    /* Takes a picture, [size][size][3]. */
    cogvideo_status (*take)(void *user, const uint8_t *pixels, cogvideo_error *err);
    void *user;
    uint8_t *held;        /* the frame that stays, fitted */
    bool holds;
    double begin;         /* the time of picture 0 */
    double time, duration, step; /* of the frame that stays; from the one before it */
    long long next;       /* picture */
} cv_sampler;

/* The next frame of a video, in the order of their times. */
cogvideo_status cv_sampler_frame(cv_sampler *sampler, const cogvideo_frame *frame, cogvideo_error *err);
/* The pictures that the last frame stays for. The next frame begins anew, with picture 0. */
cogvideo_status cv_sampler_end(cv_sampler *sampler, cogvideo_error *err);
/* Drops what is held, as of a video that is given up; the sampler can be used again. */
void cv_sampler_reset(cv_sampler *sampler);
void cv_sampler_free(cv_sampler *sampler);

#endif
