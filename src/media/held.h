/* held.h - keeps all frames in memory, for sinks that need all of them before they can write. */
#ifndef CV_MEDIA_HELD_H
#define CV_MEDIA_HELD_H

#include "media/sink.h"

typedef struct cv_held {
    const cv_sink_config *config;
    cv_frames frames;
} cv_held;

/* The functions open, frame, close and plan of a sink (sink.h) whose state is a cv_held. */
cogvideo_status cv_held_open(void **state, const cv_sink_config *config, cogvideo_error *err);
cogvideo_status cv_held_frame(void *state, const uint8_t *pixels, cogvideo_error *err);
void cv_held_close(void *state);
cogvideo_status cv_held_plan(const cv_sink_config *config, int frames, uint64_t *bytes, cogvideo_error *err);

#endif
