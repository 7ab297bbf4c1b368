#include "media/frame.h"

#include <math.h>
#include <string.h>

cogvideo_status cv_frame_check_size(int width, int height, cogvideo_error *err)
{
    if (width < 1 || width > CV_MEDIA_MAX_SIDE || height < 1 || height > CV_MEDIA_MAX_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a frame of %d x %d pixels is not supported: both sides must be 1 .. %d", width, height,
                       CV_MEDIA_MAX_SIDE);
    return COGVIDEO_OK;
}

cogvideo_status cv_video_check(const cogvideo_video *video, cogvideo_error *err)
{
    cogvideo_status status = cv_frame_check_size(video->width, video->height, err);

    if (status != COGVIDEO_OK)
        return status;
    if (video->frames < 1 || !video->pixels)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the video has no frames");
    if (!(video->fps >= 0 && video->fps <= CV_MEDIA_MAX_FPS))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%g frames per second are out of range: 0 .. %g are supported",
                       video->fps, CV_MEDIA_MAX_FPS);
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_video_alloc(cogvideo_video *out, int width, int height, int frames, double fps,
                                     cogvideo_error *err)
{
    uint8_t nothing = 0;
    cogvideo_video video = { .width = width, .height = height, .frames = frames, .fps = fps, .pixels = &nothing };
    cogvideo_status status = cv_video_check(&video, err);

    if (status != COGVIDEO_OK)
        return status;
    video.pixels = cv_alloc((size_t)frames, cv_frame_bytes(width, height), err);
    if (!video.pixels)
        return COGVIDEO_ERROR_MEMORY;
    *out = video;
    return COGVIDEO_OK;
}

void cogvideo_video_free(cogvideo_video *video)
{
    if (!video)
        return;
    cv_free(video->pixels);
    *video = (cogvideo_video){ 0 };
}

double cv_aspect(double claimed)
{
    return claimed >= 1 / CV_MEDIA_MAX_ASPECT && claimed <= CV_MEDIA_MAX_ASPECT ? claimed : 1;
}

cogvideo_status cv_frames_add(cv_frames *frames, int width, int height, uint8_t **pixels, const char *path,
                              cogvideo_error *err)
{
    cogvideo_video *video = &frames->video;
    size_t bytes = cv_frame_bytes(width, height);

    if ((uint64_t)video->frames + 1 > CV_MEDIA_MAX_BYTES / bytes || video->frames >= CV_MEDIA_MAX_FRAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: more than %d frames of %d x %d pixels do not fit into memory; use fewer frames", path,
                       video->frames, width, height);
    if (video->frames == frames->capacity) {
        int capacity = frames->capacity + frames->capacity / 2 + 1;
        uint8_t *grown = cv_realloc(video->pixels, (size_t)video->frames, (size_t)capacity, bytes, err);

        if (!grown)
            return COGVIDEO_ERROR_MEMORY;
        video->pixels = grown;
        frames->capacity = capacity;
    }
    video->width = width;
    video->height = height;
    *pixels = video->pixels + (size_t)video->frames++ * bytes;
    return COGVIDEO_OK;
}

void cv_frames_free(cv_frames *frames)
{
    cogvideo_video_free(&frames->video);
    frames->capacity = 0;
}

void cv_fps_fraction(double fps, int *numerator, int *denominator)
{
    int best = 1;
    double best_error = HUGE_VAL;

    for (int d = 1; d <= 1001 && fps * d <= 65535; d++) {
        double n = fmax(round(fps * d), 1), error = fabs(n / d - fps);

        if (error < best_error - 1e-9 * fps) {
            best = d;
            best_error = error;
        }
    }
    *numerator = (int)fmax(round(fps * best), 1);
    *denominator = best;
}
