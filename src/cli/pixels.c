/* pixels.c - between codes and files of pixels, for every command that needs it. */
#include "pixels.h"

#include "interrupt.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

/* A picture or a video on its way to codes, a frame at a time. */
typedef struct encoding {
    cli_session *session;
    cogvideo_encoder *encoder;
    uint8_t *pixels; /* the current frame, resized */
    int rate, width, height;
    cogvideo_resize how;
    cogvideo_status status; /* of resizing and encoding, with its sentence */
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
        e->status = cogvideo_encoder_open(&e->encoder, e->session->model, e->width, e->height, e->rate, frame->expected,
                                          &callbacks, &e->why);
    if (e->status == COGVIDEO_OK)
        e->status = cogvideo_frame_resize(e->pixels, frame, e->width, e->height, e->how, &e->why);
    if (e->status == COGVIDEO_OK) /* pictures without times are a second apart */
        e->status =
            cogvideo_encoder_frame(e->encoder, e->pixels, frame->time < 0 ? frame->index : frame->time, &e->why);
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

int cli_encode_file(cli_session *session, const char *path, int rate, int size, cogvideo_resize how, int frames,
                    cogvideo_tokens *out)
{
    cogvideo_error err;
    const cogvideo_model_info *info = &session->info;
    encoding e = { .session = session, .rate = rate, .width = size, .height = size, .how = how };
    int status = CLI_OK;

    if (size == 0) { /* a frame of this model has that size at any rate of codes */
        e.width = info->width * (info->rate_across > 0 ? info->rate_across : info->rate);
        e.height = info->height * info->rate;
    }
    if (e.width == 0)
        return cli_error("the model has no frame size to fit the picture to; use --size N");
    if (!(e.pixels = malloc((size_t)e.width * (size_t)e.height * 3)))
        return cli_error("%s: out of memory for a frame of %d x %d pixels", path, e.width, e.height);
    if (encode(&e, path, frames, out, &err) != COGVIDEO_OK)
        status = cli_failed(session, &err);
    cli_progress_end(&session->progress);
    cogvideo_encoder_close(&e.encoder);
    free(e.pixels);
    return status;
}

static void write_preview(cli_session *session, const cogvideo_tokens *shown)
{
    cogvideo_video video = { 0 };
    cogvideo_error err;

    if (cogvideo_decode(session->model, NULL, shown, &video, &err) != COGVIDEO_OK ||
        cogvideo_video_write(&video, session->preview, NULL, &err) != COGVIDEO_OK) {
        cli_progress_clear(&session->progress);
        cli_warning("the preview is no longer updated: %s", err.message);
        session->preview = NULL;
    }
    cogvideo_video_free(&video);
}

int cli_preview(void *user, const cogvideo_code_frame *frame)
{
    cli_session *session = user;
    const int beside = frame->frame == session->shown_frame && frame->sample != session->shown_sample;
    double time = 0;
    cogvideo_tokens alone = { .height = frame->height,
                              .width = frame->width,
                              .rate = session->info.rate,
                              .rate_across = session->info.rate_across,
                              .frames_per_code = 1,
                              .frames = 1,
                              .times = &time };

    if (session->preview && !beside && frame->frames_per_code == 1) {
        session->shown_frame = frame->frame;
        session->shown_sample = frame->sample;
        alone.codes = (int32_t *)frame->codes; /* read only */
        write_preview(session, &alone);
    }
    return 0;
}

int cli_preview_scene(void *user, const cogvideo_sketch *sketch)
{
    cli_session *session = user;
    cogvideo_tokens box = *sketch->box;

    if (session->shown_frame < 0) /* of several samples the first one that comes */
        session->shown_sample = sketch->sample;
    session->shown_frame = sketch->scene;
    box.given = NULL; /* what the scene took over is seen, too */
    if (session->preview && sketch->sample == session->shown_sample)
        write_preview(session, &box);
    return 0;
}

cogvideo_run_options cli_picture_run(const cli_session *session, const cli_picture_options *options)
{
    cogvideo_run_options run;

    cogvideo_run_defaults(session->model, &run);
    run.max_memory = session->max_memory;
    if (options->size >= 0)
        run.decode.size = options->size;
    run.decode.normalize = (cogvideo_normalize)options->normalize;
    run.decode.fps = run.write.fps = options->fps;
    run.write.quality = options->quality;
    run.write.columns = options->columns;
    run.no_metadata = options->no_metadata;
    return run;
}

int cli_decode_file(cli_session *session, const cogvideo_tokens *tokens, const cli_picture_options *options,
                    const char *path)
{
    const cogvideo_run_options run = cli_picture_run(session, options);
    const cogvideo_callbacks callbacks = cli_callbacks(session);
    cogvideo_error err;

    return cogvideo_decode_file(session->model, tokens, &run, &callbacks, path, &err) == COGVIDEO_OK
               ? CLI_OK
               : cli_failed(session, &err);
}
