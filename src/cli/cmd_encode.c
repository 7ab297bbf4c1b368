/* cogvideo encode - turns a picture or a video into codes. */
#include "commands.h"
#include "find_model.h"
#include "output.h"
#include "pixels.h"
#include "result.h"
#include "sandbox.h"
#include "say.h"

#include <stdlib.h>

typedef struct settings {
    cli_model_options model;
    cli_output_options output;
    int rate, size, resize, frames, sandbox;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "rate", 'r', "N", "pixels per code on one side: 4, 8 or 16; default: the model's (8)", ARG_CHOICE, FIELD(rate), 0,
      0, -1, "4|8|16" },
    { "size", 0, "N", "resize to N x N pixels first, a multiple of 16; default: the size of the model's frames",
      ARG_INT, FIELD(size), 16, 16384, 0, NULL },
    { "resize", 0, "HOW",
      "how: area, the mean of the pixels that a smaller one covers, or icetk, which takes two neighbours of each row "
      "and column as the original does; default area",
      ARG_CHOICE, FIELD(resize), 0, 0, 0, "area|icetk" },
    { "frames", 0, "N", "read at most N frames; default: all", ARG_INT, FIELD(frames), 1, 1000000, 0, NULL },
    CLI_SANDBOX_OPTION,
    { 0 },
};

static int enter_sandbox(const settings *s, const char *picture)
{
    char *shipped = cli_find_model();
    const char *const inputs[] = { picture, s->model.model ? s->model.model : shipped };
    int status;

    status = cli_sandbox_video(inputs, 2, s->output.output);
    free(shipped);
    return status;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    cogvideo_tokens tokens = { 0 };
    int status, rate = s->rate < 0 ? 0 : 4 << s->rate;

    if ((status = cli_need_output(command, &s->output)) != CLI_OK)
        return status;
    if (s->size % 16 != 0)
        return cli_usage_error(command, "--size must be a multiple of 16, not %d", s->size);
    if ((status = cli_check_output(s->output.output, s->output.force)) != CLI_OK ||
        (s->sandbox && (status = enter_sandbox(s, arguments->values[0])) != CLI_OK) ||
        (status = cli_open(command, &session, &s->model)) != CLI_OK)
        goto done;
    if ((status = cli_encode_file(&session, arguments->values[0], rate, s->size, (cogvideo_resize)s->resize, s->frames,
                                  &tokens)) != CLI_OK)
        goto done;
    status = cli_save_clip(&session, &tokens, s->output.output, s->output.json);
done:
    cogvideo_tokens_free(&tokens);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Options", table, 0 },
    { "Output", cli_output_table, offsetof(settings, output) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 },
};

const cli_command cmd_encode = {
    .name = "encode",
    .summary = "turn a picture or a video into codes",
    .usage = "[OPTIONS] PICTURE -o CODES",
    .details =
        "The largest centred square of the picture is resized to square pixels and encoded, rotated as the file\n"
        "asks (a phone's video, EXIF). For the codes that ICETK, the original's tokenizer, makes use --resize\n"
        "icetk: it does not smooth, and takes every pixel for a square. A video is read as a stream: each frame\n"
        "keeps its own time, and only its codes stay in memory. Damaged parts are skipped with a warning. JPEG,\n"
        "PPM and numbered files of those (frame-%04d.ppm) can always be read; PNG, GIF, MP4, MKV, WebM,\n"
        "MPEG-TS, FLV and others if the program was built with FFmpeg's libraries. - is standard input.",
    .examples = "  cogvideo encode frame-0000.jpg -o first.jsonl\n"
                "  cogvideo encode --frames 5 clip.mp4 -o five.jsonl\n"
                "  cogvideo encode --resize icetk frame-0000.jpg -o as-icetk.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a picture or a video is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
