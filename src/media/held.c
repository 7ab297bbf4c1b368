#include "media/held.h"

#include <string.h>

cogvideo_status cv_held_open(void **state, const cv_sink_config *config, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_held *held;

    CV_NEW(held, 1, err);
    held->config = config;
    *state = held;
done:
    return status;
}

cogvideo_status cv_held_frame(void *state, const uint8_t *pixels, cogvideo_error *err)
{
    cv_held *held = state;
    const cv_sink_config *config = held->config;
    uint8_t *copy;
    cogvideo_status status = cv_frames_add(&held->frames, config->width, config->height, &copy, config->path, err);

    if (status == COGVIDEO_OK)
        memcpy(copy, pixels, cv_frame_bytes(config->width, config->height));
    return status;
}

void cv_held_close(void *state)
{
    cv_held *held = state;

    cv_frames_free(&held->frames);
    cv_free(held);
}

cogvideo_status cv_held_plan(const cv_sink_config *config, int frames, uint64_t *bytes, cogvideo_error *err)
{
    const uint64_t one = cv_frame_bytes(config->width, config->height);

    if ((uint64_t)frames > CV_MEDIA_MAX_BYTES / one || frames > CV_MEDIA_MAX_FRAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: %d frames of %d x %d pixels do not fit into memory, as this format requires; choose a "
                       "smaller size or another format",
                       config->path, frames, config->width, config->height);
    *bytes = (uint64_t)frames * one;
    return COGVIDEO_OK;
}
