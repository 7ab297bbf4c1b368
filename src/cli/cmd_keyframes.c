/* cogvideo keyframes - stage 1: a prompt, and perhaps a first frame, to key frames. */
#include "commands.h"
#include "generate_options.h"
#include "output.h"
#include "pixels.h"
#include "prompt.h"
#include "result.h"
#include "run.h"
#include "say.h"

#include "base/path.h"

#include <string.h>

typedef struct settings {
    cli_model_options model;
    cli_output_options output;
    cli_text_options text;
    cli_sampling_options sampling;
    const char *first;
    int count, samples;
    double seconds;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "first", 0, "FILE", "the first frame: a file of codes (.jsonl), a picture or a video, of which frame 0 is taken",
      ARG_TEXT, FIELD(first), 0, 0, 0, NULL },
    { "count", 'n', "N", "make only the first N key frames; 1 is the first frame alone; default: all", ARG_INT,
      FIELD(count), 1, 1000000, 0, NULL },
    { "samples", 0, "N", "clips to make side by side, up to 64; then -o needs a number, as key-%d.jsonl", ARG_INT,
      FIELD(samples), 1, COGVIDEO_MAX_SAMPLES, 1, NULL },
    { "seconds", 0, "X", "length of the whole clip, as the model is told; default: the model's", ARG_NUMBER,
      FIELD(seconds), 0.1, 1000, 0, NULL },
    { 0 },
};

static int load_first(cli_session *session, const char *path, cogvideo_tokens *first)
{
    if (!cv_path_ends_in(path, ".jsonl") && strcmp(path, "-") != 0)
        return cli_encode_file(session, path, session->info.rate, 0, COGVIDEO_RESIZE_AREA, 1, first);
    return cli_load_clip(session, path, first);
}

static int make(const cli_command *command, cli_session *session, settings *s, const cli_arguments *arguments)
{
    cogvideo_generate_options options;
    cogvideo_run_options run = { 0 };
    cogvideo_tokens first = { 0 };
    int status = cli_generate_options(command, session, &s->text, &s->sampling, &options);

    options.samples = s->samples;
    if (s->seconds > 0)
        options.seconds = s->seconds;
    if (s->count > 0)
        options.keyframes = s->count;
    cli_run_output(&run, session, &s->output, &s->sampling, arguments);
    if (status == CLI_OK && s->first)
        status = load_first(session, s->first, &first);
    if (status == CLI_OK)
        status =
            cli_run_step(session, "keyframes", &options, &run, s->first ? &first : NULL, s->output.json, arguments);
    cogvideo_tokens_free(&first);
    return status;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    int status;

    if ((status = cli_need_output(command, &s->output)) != CLI_OK)
        return status;
    if (arguments->count == 0 && !s->text.text_ids.values)
        return cli_usage_error(command, "a prompt is missing (or --text-ids)");
    if ((s->samples == 1 && (status = cli_refuse_number(command, s->output.output)) != CLI_OK) ||
        (status = cli_need_number(command, s->output.output, s->samples)) != CLI_OK)
        return status;
    if ((status = cli_open_prompt(command, &session, &s->model, &s->text, arguments)) == CLI_OK)
        status = make(command, &session, s, arguments);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Options", table, 0 },
    { "Output", cli_codes_output_table, offsetof(settings, output) },
    { "Text", cli_text_table, offsetof(settings, text) },
    { "Guidance", cli_guide_table, offsetof(settings, text) },
    { "Sampling", cli_sampling_table, offsetof(settings, sampling) },
    { "Speed", cli_lookahead_table, offsetof(settings, sampling) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 },
};

const cli_command cmd_keyframes = {
    .name = "keyframes",
    .summary = "make the key frames of a clip from a prompt (stage 1)",
    .usage = "[OPTIONS] PROMPT -o CODES",
    .details =
        "The prompt is Chinese for the original's weights; - reads it from standard input. Frames are written to\n"
        "CODES.partial as they are finished, and every row of codes that is drawn to a journal beside CODES, from which\n"
        "--resume goes on. Both are kept when the run is interrupted. The record key.json beside key.jsonl says how that was made.",
    .examples =
        "  cogvideo keyframes \"a large red circle moves left on a white background\" --seed 1 -o key.jsonl\n"
        "  cogvideo keyframes \"a large red star moves up on a white background\" --first clip.jsonl --samples 2 -o key-%d.jsonl",
    .min_arguments = 0,
    .max_arguments = 1,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
