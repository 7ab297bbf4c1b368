/* sampler.h - turns frames of any times and sizes into pictures of one size at a constant rate. */
#ifndef CV_MEDIA_SAMPLER_H
#define CV_MEDIA_SAMPLER_H

#include "media/frame.h"

/* Picture k is what the video shows at k / fps seconds, rounded to the nearest frame: a frame lasts until the next
 * one, which may be shown early by half the step between the two, but never by more than half a picture. In a video
 * of constant rate this picks the frame nearest in time; after a long still frame the change comes at the nearest
 * picture. The last frame lasts for its duration. Frames without times make one picture each. Initialize with zeros. */
typedef struct cv_sampler {
    double fps;
    int size; /* side of the square pictures, in pixels */
    /* Receives a picture, [size][size][3]. */
    cogvideo_status (*take)(void *user, const uint8_t *pixels, cogvideo_error *err);
    void *user;
    uint8_t *held; /* the current frame, resized */
    bool holds;
    double begin;                /* time of picture 0 */
    double time, duration, step; /* of the current frame; step: since the frame before */
    long long next;              /* number of the next picture */
} cv_sampler;

/* Takes the next frame of a video, in the order of their times. */
cogvideo_status cv_sampler_frame(cv_sampler *sampler, const cogvideo_frame *frame, cogvideo_error *err);
/* Emits the pictures for which the last frame lasts. The next frame starts over with picture 0. */
cogvideo_status cv_sampler_end(cv_sampler *sampler, cogvideo_error *err);
/* Drops the current frame, for a video that is given up; the sampler can be used again. */
void cv_sampler_reset(cv_sampler *sampler);
void cv_sampler_free(cv_sampler *sampler);

#endif
