#include "run.h"

#include "interrupt.h"
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
