/* sheet.c - a contact sheet: one picture of all frames, row by row from the top left, edge to edge; unused cells are
 * black. */
#include "media/held.h"

#include <math.h>
#include <string.h>

/* How frames are laid out. */
typedef struct layout {
    int columns;
    int64_t width, height; /* of the whole sheet, in pixels */
} layout;

/* Returns the number of columns whose sheet is nearest in shape to 16:9; empty cells count against it. */
static int choose_columns(const cv_sink_config *config, int frames)
{
    int best = 1;
    double best_distance = HUGE_VAL;

    for (int columns = 1; columns <= frames; columns++) {
        int rows = (frames + columns - 1) / columns;
        double shape = (double)columns * config->width / ((double)rows * config->height);
        double distance = fabs(log(shape * 9 / 16)) + log((double)columns * rows / frames);

        if (distance < best_distance) {
            best = columns;
            best_distance = distance;
        }
    }
    return best;
}

static cogvideo_status lay_out(layout *out, const cv_sink_config *config, int frames, cogvideo_error *err)
{
    int columns = config->columns > 0 ? config->columns : choose_columns(config, frames);

    if (columns > frames)
        columns = frames;
    *out = (layout){ columns, (int64_t)columns * config->width,
                     (int64_t)((frames + columns - 1) / columns) * config->height };
    if (out->width > CV_MEDIA_MAX_SIDE || out->height > CV_MEDIA_MAX_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: a contact sheet of %d frames in %d columns would be %lld x %lld pixels; at most %d on a "
                       "side are supported; write numbered pictures (frame-%%04d.jpg) or a video",
                       config->path, frames, columns, (long long)out->width, (long long)out->height, CV_MEDIA_MAX_SIDE);
    return COGVIDEO_OK;
}

static cogvideo_status sheet_plan(const cv_sink_config *config, int frames, uint64_t *bytes, cogvideo_error *err)
{
    layout sheet;
    cogvideo_status status = lay_out(&sheet, config, frames, err);

    if (status == COGVIDEO_OK)
        status = cv_held_plan(config, frames, bytes, err);
    if (status == COGVIDEO_OK)
        *bytes += (uint64_t)sheet.width * (uint64_t)sheet.height * 3;
    return status;
}

static cogvideo_status sheet_commit(void *state, cogvideo_error *err)
{
    const cv_held *s = state;
    const cogvideo_video *video = &s->frames.video;
    layout sheet;
    cogvideo_video picture = { 0 };
    cv_picture whole;
    size_t row_bytes = (size_t)video->width * 3;
    cogvideo_status status;

    CV_TRY(lay_out(&sheet, s->config, video->frames, err));
    CV_TRY(cogvideo_video_alloc(&picture, (int)sheet.width, (int)sheet.height, 1, 0, err));
    for (int f = 0; f < video->frames; f++)
        for (int y = 0; y < video->height; y++) {
            size_t sheet_y = (size_t)(f / sheet.columns) * (size_t)video->height + (size_t)y;
            size_t sheet_x = (size_t)(f % sheet.columns) * (size_t)video->width;

            memcpy(picture.pixels + (sheet_y * (size_t)picture.width + sheet_x) * 3,
                   video->pixels + ((size_t)f * (size_t)video->height + (size_t)y) * row_bytes, row_bytes);
        }
    whole = (cv_picture){ picture.pixels, picture.width, picture.height, s->config->quality, s->config->comment };
    status = cv_picture_write(s->config->path, s->config->encode, &whole, err);
done:
    cogvideo_video_free(&picture);
    return status;
}

const cv_sink cv_sheet_sink = { cv_held_open, cv_held_frame, sheet_commit, cv_held_close, sheet_plan };
