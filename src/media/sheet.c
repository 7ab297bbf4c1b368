/* sheet.c - one picture of all frames: row by row from the top left, edge to edge; cells left over are black. */
#include "media/held.h"

#include <math.h>
#include <string.h>

/* The number of columns whose sheet is nearest in shape to 16:9; cells left empty count against it. */
static int choose_columns(const cogvideo_video *video)
{
    int best = 1;
    double best_distance = HUGE_VAL;

    for (int columns = 1; columns <= video->frames; columns++) {
        int rows = (video->frames + columns - 1) / columns;
        double shape = (double)columns * video->width / ((double)rows * video->height);
        double distance = fabs(log(shape * 9 / 16)) + log((double)columns * rows / video->frames);

        if (distance < best_distance) {
            best = columns;
            best_distance = distance;
        }
    }
    return best;
}

static cogvideo_status sheet_commit(void *state, cogvideo_error *err)
{
    const cv_held *s = state;
    const cogvideo_video *video = &s->frames.video;
    int columns = s->config->columns > 0 ? s->config->columns : choose_columns(video);
    cogvideo_video picture = { 0 };
    cv_picture whole;
    size_t row_bytes = (size_t)video->width * 3;
    int64_t width, height;
    cogvideo_status status;

    if (columns > video->frames)
        columns = video->frames;
    width = (int64_t)columns * video->width;
    height = (int64_t)((video->frames + columns - 1) / columns) * video->height;
    if (width > CV_MEDIA_MAX_SIDE || height > CV_MEDIA_MAX_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: a contact sheet of %d frames in %d columns would be %lld x %lld pixels, at most %d on a "
                       "side are possible; write numbered pictures (frame-%%04d.jpg) or a video", s->config->path,
                       video->frames, columns, (long long)width, (long long)height, CV_MEDIA_MAX_SIDE);
    CV_TRY(cogvideo_video_alloc(&picture, (int)width, (int)height, 1, 0, err));
    for (int f = 0; f < video->frames; f++)
        for (int y = 0; y < video->height; y++) {
            size_t sheet_y = (size_t)(f / columns) * (size_t)video->height + (size_t)y;
            size_t sheet_x = (size_t)(f % columns) * (size_t)video->width;

            memcpy(picture.pixels + (sheet_y * (size_t)picture.width + sheet_x) * 3,
                   video->pixels + ((size_t)f * (size_t)video->height + (size_t)y) * row_bytes, row_bytes);
        }
    whole = (cv_picture){ picture.pixels, picture.width, picture.height, s->config->quality, s->config->comment };
    status = cv_picture_write(s->config->path, s->config->encode, &whole, err);
fail:
    cogvideo_video_free(&picture);
    return status;
}

const cv_sink cv_sheet_sink = { cv_held_open, cv_held_frame, sheet_commit, cv_held_close };
