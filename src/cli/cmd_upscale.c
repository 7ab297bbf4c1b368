/* cogvideo upscale - direct super-resolution of codes. */
#include "commands.h"
#include "plan.h"
#include "resume.h"
#include "say.h"

typedef struct settings {
    cli_model_options model;
    cli_output_options output;
    cli_text_options text;
    cli_sampling_options sampling;
} settings;

static int draw(cli_session *session, const settings *s, const cli_settings *asked, const cogvideo_tokens *in, const cli_files *files,
                const cli_arguments *arguments)
{
    const cogvideo_generate_options *options = asked->options;
    const long long codes = (long long)in->frames * session->info.upscaled_grid * session->info.upscaled_grid;
    cogvideo_tokens out = { 0 };
    int status;

    if ((status = cli_announce(session, options, COGVIDEO_STAGE_UPSCALE, in->frames, 1)) != CLI_OK ||
        (status = cli_announce_disk(session, s->output.output, codes, 0)) != CLI_OK ||
        (status = cli_sink_open(session, options, session->info.upscaled_grid, 1, (char *const *)&files->codes)) != CLI_OK)
        return status;
    if ((status = cli_run_step(session, "upscale", options, in, &out)) == CLI_OK)
        status = cli_resume_save(session, &s->output, asked, files, &out, 1, arguments);
    cogvideo_tokens_free(&out);
    return status;
}

static int make(const cli_command *command, cli_session *session, settings *s, const cogvideo_tokens *in, const cli_files *files,
                const cli_arguments *arguments)
{
    cogvideo_generate_options options;
    const cli_settings asked = { .command = command->name, .input = in, .session = session, .options = &options, .model = &s->model,
                                 .guidance = s->text.guidance };
    int status;

    cli_clip_seed(session, &s->sampling, in);
    if ((status = cli_clip_prompt(session, &s->text, in)) != CLI_OK ||
        (status = cli_generate_options(command, session, &s->text, &s->sampling, &options)) != CLI_OK ||
        (status = cli_check_stage(session, &options, COGVIDEO_STAGE_UPSCALE, in->frames)) != CLI_OK ||
        (status = cli_resume_begin(session, &s->output, &asked, files, 1)) != CLI_OK)
        return status;
    return session->finished ? cli_resume_tell(session, &s->output, files, 1) : draw(session, s, &asked, in, files, arguments);
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = CLI_NO_SESSION;
    cogvideo_tokens in = { 0 };
    cli_files files = { 0 };
    int status = cli_begin_clip(command, &session, &s->model, &s->output, arguments->values[0], &files, &in);

    if (status == CLI_OK)
        status = make(command, &session, s, &in, &files, arguments);
    status = cli_resume_end(&session, arguments, status);
    cogvideo_tokens_free(&in);
    cli_files_free(&files);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Output", cli_codes_output_table, offsetof(settings, output) },
    { "Text", cli_prompt_table, offsetof(settings, text) },
    { "More about the text", cli_text_table, offsetof(settings, text) },
    { "Sampling", cli_sampling_table, offsetof(settings, sampling) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 }
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
