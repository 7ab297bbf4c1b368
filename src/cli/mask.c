#include "mask.h"

#include "say.h"

#include "base/path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The picture that a mask belongs to, and how many places of its centred square the mask has. */
typedef struct area {
    int width, height, side;
} area;

/* The place of the picture, of `length` on this side, that place `at` of the mask is: as ICETK resizes a picture and
 * cuts out its centre, halves to even (cogvideo_resize). */
static int place_of(const area *a, int length, int at)
{
    const int least = a->width < a->height ? a->width : a->height;
    const long long resized = (long long)a->side * length / least;
    const int first = (int)nearbyint((double)(resized - a->side) / 2);
    const long long place = (long long)(at + first) * least / a->side;

    return place < length ? (int)place : length - 1;
}

static int row_of(const area *a, int row)
{
    return place_of(a, a->height, row);
}

static int column_of(const area *a, int column)
{
    return place_of(a, a->width, column);
}

/* --- a rectangle ---------------------------------------------------------------------------------------------- */

/* Four numbers between commas and nothing else. */
static int read_numbers(const char *text, double numbers[4])
{
    char *end;

    for (int i = 0; i < 4; i++, text = end + 1) {
        numbers[i] = strtod(text, &end);
        if (end == text || !isfinite(numbers[i]) || *end != (i < 3 ? ',' : '\0'))
            return 0;
    }
    return 1;
}

static int is_share(const char *text, const double numbers[4])
{
    return strchr(text, '.') && numbers[0] <= 1 && numbers[1] <= 1 && numbers[2] <= 1 && numbers[3] <= 1;
}

static int fill_rectangle(const char *text, const double n[4], const area *a, cli_mask *mask)
{
    const int shares = is_share(text, n);
    const double right = n[0] + n[2], below = n[1] + n[3];
    const double width = shares ? 1 : a->width, height = shares ? 1 : a->height;

    if (n[0] < 0 || n[1] < 0 || n[2] <= 0 || n[3] <= 0 || right > width + 1e-9 || below > height + 1e-9)
        return shares
                   ? cli_error("the rectangle %s does not lie within the picture: x,y,w,h were expected, in shares of "
                               "its centred square from 0. to 1",
                               text)
                   : cli_error("the rectangle %s does not lie within the picture of %gx%g: x,y,w,h were expected, "
                               "from its upper left corner",
                               text, width, height);
    for (int r = 0; r < a->side; r++)
        for (int c = 0; c < a->side; c++) {
            const int y = row_of(a, r), x = column_of(a, c);
            const int inside = shares ? r >= (int)(a->side * n[1]) && r < (int)(a->side * below) &&
                                            c >= (int)(a->side * n[0]) && c < (int)(a->side * right)
                                      : y >= n[1] && y < below && x >= n[0] && x < right;

            mask->places[r * a->side + c] = (uint8_t)inside;
        }
    return CLI_OK;
}

/* --- a picture ------------------------------------------------------------------------------------------------ */

/* Whether a pixel is nearer to white than to black. */
static int is_bright(const uint8_t *pixel)
{
    return 299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] > 127 * 1000;
}

static int fill_from(const char *path, const cogvideo_video *video, const area *a, int scale, cli_mask *mask)
{
    const int times = video->width == a->width && video->height == a->height ? 1 : scale;

    if (video->width != a->width * times || video->height != a->height * times)
        return cli_error("%s: the mask has %dx%d pixels, and the picture %dx%d: they must be of one size", path,
                         video->width, video->height, a->width * scale, a->height * scale);
    for (int r = 0; r < a->side; r++)
        for (int c = 0; c < a->side; c++) {
            const size_t at = (size_t)(row_of(a, r) * times) * (size_t)video->width + (size_t)(column_of(a, c) * times);

            mask->places[r * a->side + c] = (uint8_t)is_bright(video->pixels + 3 * at);
        }
    return CLI_OK;
}

static int read_picture(cli_session *session, const char *path, const area *a, int scale, cli_mask *mask)
{
    const cogvideo_read_options options = { .max_frames = 1, .log = cli_log(session) };
    cogvideo_video video = { 0 };
    cogvideo_error err;
    int status;

    if ((status = cli_take_input(session, path, "the mask")) != CLI_OK)
        return status;
    if (cogvideo_video_read(&video, path, &options, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    status = fill_from(path, &video, a, scale, mask);
    cogvideo_video_free(&video);
    return status;
}

int cli_mask_read(const cli_command *command, cli_session *session, const char *text, int width, int height, int scale,
                  int side, cli_mask *out)
{
    const area a = { width, height, side };
    double numbers[4];
    int status;

    *out = (cli_mask){ cli_alloc((size_t)side * (size_t)side, 1), side };
    if (read_numbers(text, numbers))
        status = fill_rectangle(text, numbers, &a, out);
    else if (strchr(text, ',') && !cv_path_exists(text))
        status = cli_usage_error(command, "--mask '%s': four numbers x,y,w,h were expected, or a picture", text);
    else
        status = read_picture(session, text, &a, scale, out);
    if (status != CLI_OK)
        cli_mask_free(out);
    return status;
}

void cli_mask_free(cli_mask *mask)
{
    free(mask->places);
    *mask = (cli_mask){ 0 };
}
