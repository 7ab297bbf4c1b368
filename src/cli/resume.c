#include "resume.h"

#include "interrupt.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_resume_open(cli_session *session, const cli_output_options *output)
{
    char *stem, *path;
    int status = cli_check_output(output->output, 1);

    if (status != CLI_OK || strcmp(output->output, "-") == 0)
        return status;
    stem = cli_stem(output->output);
    path = cli_format("%s.journal", stem);
    status = cli_journal_open(&session->journal, path, output->resume, output->force);
    free(stem);
    free(path);
    return status;
}

int cli_resume_replaces(const cli_session *session, const cli_output_options *output)
{
    return output->force || session->journal.settings;
}

int cli_resume_finished(const cli_session *session, const cli_output_options *output, char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (access(names[i], F_OK) != 0)
            return 0;
    if (!output->resume || session->journal.settings)
        return 0;
    if (!session->progress.quiet)
        cli_say("%s: is finished", output->output);
    return 1;
}

static int tell_finished(cli_session *session, const cli_output_options *output, char *const *paths, int count)
{
    cogvideo_tokens clips[CLI_MAX_SAMPLES] = { { 0 } };
    cogvideo_error err;
    int status = CLI_OK;

    session->finished = 1;
    for (int i = 0; output->json && i < count && status == CLI_OK; i++)
        if (cogvideo_tokens_load(&clips[i], paths[i], &err) != COGVIDEO_OK)
            status = cli_failed(session, &err);
    if (output->json && status == CLI_OK)
        cli_result_json(clips, count, (const char *const *)paths, -1);
    for (int i = 0; i < count; i++)
        cogvideo_tokens_free(&clips[i]);
    return status;
}

int cli_resume_begin(cli_session *session, const cli_output_options *output, char *const *paths, int count)
{
    int status = cli_resume_open(session, output);

    if (status != CLI_OK)
        return status;
    if (cli_resume_finished(session, output, paths, count))
        return tell_finished(session, output, paths, count);
    for (int i = 0; i < count && status == CLI_OK; i++)
        status = cli_check_output(paths[i], cli_resume_replaces(session, output));
    return status;
}

int cli_resume_settings(cli_session *session, const cli_record *record, const cli_model_options *model)
{
    char *text;
    int status;

    if (!session->journal.path)
        return CLI_OK;
    text = cli_record_settings(record, model->f32_inputs, model->cache);
    status = text ? cli_journal_settings(&session->journal, text) : cli_error("out of memory");
    free(text);
    if (status == CLI_OK && session->journal.row_count > 0 && !model->quiet)
        cli_say("going on: %zu rows of codes are drawn already", session->journal.row_count);
    return status;
}

/* A word as a shell reads it back. */
static void print_word(const char *word)
{
    putc(' ', stderr);
    if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:%@") == strlen(word)) {
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

static void tell_command(const cli_arguments *arguments)
{
    fputs("go on with:", stderr);
    for (int i = 0; i < arguments->argc; i++) {
        const char *word = arguments->argv[i];

        if (strcmp(word, "--force") != 0 && strcmp(word, "-f") != 0 && strcmp(word, "--resume") != 0)
            print_word(word);
    }
    fputs(" --resume\n", stderr);
}

int cli_resume_end(cli_session *session, const cli_arguments *arguments, int status)
{
    const cli_journal *journal = &session->journal;

    if (status != CLI_OK && (journal->written > 0 || (cli_interrupted() && journal->row_count > 0)))
        tell_command(arguments);
    cli_journal_close(&session->journal, status == CLI_OK);
    return status;
}
