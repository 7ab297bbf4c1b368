/* cogvideo interpolate - stage 2: frames between frames. */
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
    int rounds, batch;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "rounds", 'n', "N", "each round turns n frames into 2 n - 1; 0 (default): all of the model's that are left",
      ARG_INT, FIELD(rounds), 0, 16, 0, NULL },
    { "batch", 'b', "N",
      "windows run side by side; fewer take less memory and more time; 0 (default): all. The result does not "
      "depend on it",
      ARG_INT, FIELD(batch), 0, 1000000, 0, NULL },
    { 0 },
};

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
    options.rounds = s->rounds;
    options.batch = s->batch;
    cli_run_output(&run, session, &s->output, &s->sampling, arguments);
    return cli_run_step(session, "interpolate", &options, &run, in, s->output.json, arguments);
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
    { "Options", table, 0 },
    { "Output", cli_codes_output_table, offsetof(settings, output) },
    { "Text", cli_prompt_table, offsetof(settings, text) },
    { "More about the text", cli_text_table, offsetof(settings, text) },
    { "Guidance", cli_window_guide_table, offsetof(settings, text) },
    { "Sampling", cli_sampling_table, offsetof(settings, sampling) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 },
};

const cli_command cmd_interpolate = {
    .name = "interpolate",
    .summary = "make the frames between a clip's frames (stage 2)",
    .usage = "[OPTIONS] CODES -o CODES",
    .details =
        "Prompt and seed are those of the clip, where its header tells them and none are given, so that a clip's\n"
        "frames follow from its key frames. Every row of codes that is drawn is written to a journal beside the output,\n"
        "from which --resume goes on. The record clip.json beside clip.jsonl says how that was made.",
    .examples = "  cogvideo interpolate key.jsonl -o mid.jsonl --resume\n"
                "  cogvideo interpolate key.jsonl --rounds 1 --seed 7 -o nine.jsonl",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
