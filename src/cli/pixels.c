/* pixels.c - between codes and files of pixels, for every command that needs it. */
#include "common.h"
#include "interrupt.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(field) offsetof(cli_picture_options, field)
const arg_option cli_picture_table[] = {
    { "size", 0, "N", "enlarge smaller pictures to N x N pixels; 0 = never; default: the model's (480)", ARG_INT,
      FIELD(size),
      0, 16384, -1, NULL },
    { "fps", 0, "X", "frames per second; default: from the times of the frames", ARG_NUMBER, FIELD(fps), 0.01, 1000, 0,
      NULL },
    { "normalize", 0, "HOW",
      "clamp: as decoded; minmax: stretch each picture to its own range, as the original does, which "
      "flickers; default clamp", ARG_CHOICE, FIELD(minmax), 0, 0, 0, "clamp|minmax" },
    { "quality", 0, "N", "of JPEG and the like, 1 to 100; default 90", ARG_INT, FIELD(quality), 1, 100, 0, NULL },
    { "columns", 0, "N", "of a contact sheet; default: chosen for its shape", ARG_INT, FIELD(columns), 1, 1000, 0,
      NULL },
    { "no-metadata", 0, NULL, "leave out of the video how it was made", ARG_FLAG, FIELD(no_metadata), 0, 0, 0, NULL },
    { 0 },
};

/* A picture or a video on its way to codes, a frame at a time. */
typedef struct encoding {
    cli_session *session;
    cogvideo_encoder *encoder;
    uint8_t *pixels; /* of a frame, fitted */
    int rate, size;
    cogvideo_status status; /* of fitting and encoding, with its sentence */
    cogvideo_error why;
} encoding;

static int on_poll(void *user)
{
    (void)user;
    return cli_interrupted();
}

static int on_decoded(void *user, const cogvideo_frame *frame)
{
    encoding *e = user;
    const cogvideo_callbacks callbacks = cli_callbacks(e->session);

    if (!e->encoder)
        e->status = cogvideo_encoder_open(&e->encoder, e->session->model, e->size, e->rate, frame->expected, &callbacks, &e->why);
    if (e->status == COGVIDEO_OK)
        e->status = cogvideo_frame_fit(e->pixels, frame, e->size, e->size, &e->why);
    if (e->status == COGVIDEO_OK) /* pictures without times stand a second apart */
        e->status = cogvideo_encoder_frame(e->encoder, e->pixels, frame->time < 0 ? frame->index : frame->time, &e->why);
    return e->status != COGVIDEO_OK;
}

/* Reads the file through the encoder. */
static cogvideo_status encode(encoding *e, const char *path, int frames, cogvideo_tokens *out, cogvideo_error *err)
{
    const cogvideo_read_options options = { .max_frames = frames, .log = cli_log(e->session), .poll = on_poll };
    const cogvideo_status status = cogvideo_video_each(path, &options, on_decoded, e, err);

    if (e->status != COGVIDEO_OK)
        *err = e->why;
    if (e->status != COGVIDEO_OK || status != COGVIDEO_OK)
        return e->status != COGVIDEO_OK ? e->status : status;
    return cogvideo_encoder_finish(&e->encoder, out, err);
}

int cli_encode_file(cli_session *session, const char *path, int rate, int size, int frames, cogvideo_tokens *out)
{
    cogvideo_error err;
    encoding e = { .session = session, .rate = rate, .size = size };
    int status = CLI_OK;

    if (size == 0)
        e.size = session->info.grid * session->info.rate; /* a frame of this model, at any rate of codes */
    if (e.size == 0)
        return cli_error("the model has no grid to fit the picture to: give --size N");
    if (!(e.pixels = malloc((size_t)e.size * (size_t)e.size * 3)))
        return cli_error("%s: there is no memory for a frame of %d x %d pixels", path, e.size, e.size);
    if (encode(&e, path, frames, out, &err) != COGVIDEO_OK)
        status = cli_failed(session, &err);
    cli_progress_end(&session->progress);
    cogvideo_encoder_close(&e.encoder);
    free(e.pixels);
    return status;
}

/* PPM is for simple readers, many of which stumble over a comment in its header. */
static int is_ppm(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && strcmp(dot, ".ppm") == 0;
}

void cli_preview_frame(cli_session *session, const int32_t *codes)
{
    double time = 0;
    cogvideo_tokens frame = { .height = session->frame_grid, .width = session->frame_grid, .rate = session->info.rate,
                              .frames_per_code = 1, .frames = 1, .times = &time };
    cogvideo_video video = { 0 };
    cogvideo_error err;

    frame.codes = (int32_t *)codes; /* read only */
    if (cogvideo_decode(session->model, NULL, &frame, &video, &err) != COGVIDEO_OK ||
        cogvideo_video_write(&video, session->preview, NULL, &err) != COGVIDEO_OK) {
        cli_progress_clear(&session->progress);
        cli_say("cogvideo: warning: no more previews: %s", err.message);
        session->preview = NULL;
    }
    cogvideo_video_free(&video);
}

static cogvideo_write_options write_options(const cli_picture_options *options, const char *path, const char *comment)
{
    return (cogvideo_write_options){
        .fps = options->fps, .quality = options->quality, .columns = options->columns,
        .comment = options->no_metadata || is_ppm(path) ? NULL : comment,
    };
}

int cli_check_pixels(cli_session *session, const char *path, const cli_picture_options *options, int side, int frames)
{
    const int wanted = options->size < 0 ? session->info.picture_size : options->size, shown = wanted > side ? wanted : side;
    const double available = session->max_memory > 0 ? session->max_memory : (double)cogvideo_memory_available();
    const cogvideo_write_options write = write_options(options, path, NULL);
    char need[32], have[32];
    cogvideo_error err;
    uint64_t held;
    double bytes;

    if (cogvideo_video_plan(path, shown, shown, frames, &write, &held, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    /* As decoded, where it is enlarged a second time, and what the writer takes. */
    bytes = 3.0 * frames * ((double)side * side + (shown > side ? (double)shown * shown : 0)) + (double)held;
    if (available < 0 || bytes <= available)
        return CLI_OK;
    cli_format_bytes(need, sizeof need, bytes);
    cli_format_bytes(have, sizeof have, available);
    return cli_error("%s: %d frames of %dx%d pixels take about %s of memory to be written so, and %s are %s; a smaller --size takes less, and a "
                     "form that holds no frames, such as numbered pictures", path, frames, shown, shown, need, have,
                     session->max_memory > 0 ? "allowed" : "free");
}

int cli_decode_file(cli_session *session, const cogvideo_tokens *tokens, const cli_picture_options *options,
                    const char *path)
{
    cogvideo_decode_options decode = {
        .size = options->size < 0 ? 0 : options->size == 0 ? -1 : options->size,
        .minmax = options->minmax, .fps = options->fps, .callbacks = cli_callbacks(session),
    };
    const cogvideo_write_options write = write_options(options, path, tokens->header);
    cogvideo_video video = { 0 };
    cogvideo_error err;
    int status = CLI_OK;

    if (cogvideo_decode(session->model, &decode, tokens, &video, &err) != COGVIDEO_OK ||
        (cli_progress_end(&session->progress), cogvideo_video_write(&video, path, &write, &err) != COGVIDEO_OK))
        status = cli_failed(session, &err);
    else if (!session->progress.quiet)
        cli_say("%s: %d frame%s of %dx%d pixels", path, video.frames, video.frames == 1 ? "" : "s", video.width,
                video.height);
    cogvideo_video_free(&video);
    return status;
}
