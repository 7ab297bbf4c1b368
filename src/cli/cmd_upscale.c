/* cogvideo upscale - direct super-resolution of codes. */
#include "commands.h"
#include "generate_options.h"
#include "prompt.h"
#include "result.h"
#include "run.h"

typedef struct settings {
    cli_model_options model;
    cli_output_options output;
    cli_text_options text;
    cli_sampling_options sampling;
} settings;

static int make(const cli_command *command, cli_session *session, settings *s, const cogvideo_tokens *in,
                const cli_arguments *arguments)
{
    cogvideo_generate_options options;
    cogvideo_run_options run = { 0 };
    int status;

    cli_clip_seed(session, &s->sampling, in);
    if ((status = cli_clip_prompt(session, &s->text, in)) != CLI_OK ||
        (status = cli_generate_options(command, session, &s->text, &s->sampling, &options)) != CLI_OK)
        return status;
    cli_run_output(&run, session, &s->output, &s->sampling, arguments);
    return cli_run_step(session, "upscale", &options, &run, in, s->output.json, arguments);
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    cogvideo_tokens in = { 0 };
    int status;

    if ((status = cli_need_output(command, &s->output)) != CLI_OK ||
        (status = cli_refuse_number(command, s->output.output)) != CLI_OK)
        return status;
    cli_progress_init(&session.progress, s->model.quiet);
    if ((status = cli_open_clip(command, &session, &s->model, arguments->values[0], &in)) == CLI_OK)
        status = make(command, &session, s, &in, arguments);
    cogvideo_tokens_free(&in);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Output", cli_codes_output_table, offsetof(settings, output) },
    { "Text", cli_prompt_table, offsetof(settings, text) },
    { "More about the text", cli_text_table, offsetof(settings, text) },
    { "Sampling", cli_sampling_table, offsetof(settings, sampling) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 },
};

const cli_command cmd_upscale = {
    .name = "upscale",
    .summary = "make a clip's codes three times as fine (super-resolution)",
    .usage = "[OPTIONS] CODES -o CODES",
    .details = "Frames are independent of each other; they are written to the output's .partial as they are finished,\n"
               "and every row of codes that is drawn to a journal beside it, from which --resume goes on. The record\n"
               "high.json beside high.jsonl says how that was made.\n"
               "Prompt and seed are those of the clip, where its header tells them and none are given.",
    .examples = "  cogvideo upscale --model weights/cogvideo clip.jsonl --seed 1 -o high.jsonl\n"
                "  cogvideo upscale --model weights/cogvideo clip.jsonl --greedy -o best.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
