#include "run.h"

#include "generate_options.h"
#include "prompt.h"
#include "result.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_run_output(cogvideo_run_options *run, const cli_session *session, const cli_output_options *output,
                    const cli_sampling_options *sampling, const cli_arguments *arguments)
{
    run->output = output->output;
    run->force = output->force;
    run->resume = output->resume;
    run->random_seed = sampling->seed < 0;
    run->max_memory = session->max_memory;
    run->command = (const char *const *)arguments->argv;
    run->command_count = arguments->argc;
}

/* A word as a shell reads it back. */
static void print_word(const char *word)
{
    putc(' ', stderr);
    if (*word &&
        strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:%@") == strlen(word)) {
        fputs(word, stderr);
        return;
    }
    putc('\'', stderr);
    for (const char *quote; (quote = strchr(word, '\'')); word = quote + 1) {
        char *part = cli_format("%.*s'\\''", (int)(quote - word), word);

        cli_print_text(stderr, part);
        free(part);
    }
    cli_print_text(stderr, word);
    putc('\'', stderr);
}

static void print_command(const cli_arguments *arguments)
{
    fputs("go on with:", stderr);
    for (int i = 0; i < arguments->argc; i++) {
        const char *word = arguments->argv[i];

        if (strcmp(word, "--force") != 0 && strcmp(word, "-f") != 0 && strcmp(word, "--resume") != 0)
            print_word(word);
    }
    fputs(" --resume\n", stderr);
}

int cli_run_end(cli_session *session, cogvideo_status status, const cogvideo_result *result, const cogvideo_error *err,
                const cli_arguments *arguments)
{
    int code = CLI_OK;

    cli_progress_end(&session->progress);
    if (status != COGVIDEO_OK)
        code = cli_failed(session, err);
    if (result->resumable)
        print_command(arguments);
    return code;
}

int cli_run_step(cli_session *session, const char *step, const cogvideo_generate_options *options,
                 const cogvideo_run_options *run, const cogvideo_tokens *in, int json, const cli_arguments *arguments)
{
    const cogvideo_value value = { .kind = in ? COGVIDEO_KIND_CODES : COGVIDEO_KIND_NONE,
                                   .codes = in ? *in : (cogvideo_tokens){ 0 } };
    cogvideo_result result;
    cogvideo_error err;
    int status = cli_run_end(session, cogvideo_generate_step(session->model, step, options, run, &value, &result, &err),
                             &result, &err, arguments);

    if (status == CLI_OK && json)
        cli_result_json(result.clips, result.count, (int64_t)result.seed);
    cogvideo_result_free(&result);
    return status;
}

const arg_group cli_clip_groups[] = {
    { "Output", cli_codes_output_table, offsetof(cli_clip_settings, output) },
    { "Text", cli_prompt_table, offsetof(cli_clip_settings, text) },
    { "More about the text", cli_text_table, offsetof(cli_clip_settings, text) },
    { "Sampling", cli_sampling_table, offsetof(cli_clip_settings, sampling) },
    { "Model", cli_model_table, offsetof(cli_clip_settings, model) },
    { 0 },
};

/* Of a command whose clip and model are there. */
static int run_clip(const cli_command *command, cli_session *session, cli_clip_settings *s, const char *step,
                    int rounds, int batch, const cogvideo_tokens *in, const cli_arguments *arguments)
{
    cogvideo_generate_options options;
    cogvideo_run_options run = { 0 };
    int status;

    cli_clip_seed(session, &s->sampling, in);
    if ((status = cli_clip_prompt(session, &s->text, in)) != CLI_OK ||
        (status = cli_generate_options(command, session, &s->text, &s->sampling, &options)) != CLI_OK)
        return status;
    options.rounds = rounds;
    options.batch = batch;
    cli_run_output(&run, session, &s->output, &s->sampling, arguments);
    return cli_run_step(session, step, &options, &run, in, s->output.json, arguments);
}

int cli_run_clip(const cli_command *command, cli_clip_settings *s, const char *step, int rounds, int batch,
                 const cli_arguments *arguments)
{
    cli_session session = { 0 };
    cogvideo_tokens in = { 0 };
    int status;

    if ((status = cli_need_output(command, &s->output)) != CLI_OK ||
        (status = cli_refuse_number(command, s->output.output)) != CLI_OK)
        return status;
    cli_progress_init(&session.progress, s->model.quiet);
    if ((status = cli_open_clip(command, &session, &s->model, arguments->values[0], &in)) == CLI_OK)
        status = run_clip(command, &session, s, step, rounds, batch, &in, arguments);
    cogvideo_tokens_free(&in);
    cli_close(&session);
    return status;
}
