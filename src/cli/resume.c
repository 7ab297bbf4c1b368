#include "resume.h"

#include "interrupt.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OTHERWISE "give another -o, or --force makes it anew"

static int open_journal(cli_session *session, const cli_output_options *output)
{
    char *path = cli_journal_path(output->output);
    int status = cli_journal_open(&session->journal, path, output->resume, output->force);

    free(path);
    return status;
}

int cli_resume_open(cli_session *session, const cli_output_options *output, const cli_files *files, int count)
{
    int status = cli_check_output(output->output, 1);

    session->finished = session->replaces = 0; /* of the prompt before */
    cv_json_free(&session->earlier);
    if (status != CLI_OK || strcmp(output->output, "-") == 0)
        return status;
    if ((status = open_journal(session, output)) != CLI_OK)
        return status;
    session->replaces = output->force || session->journal.settings;
    session->earlier = cv_json_copy(session->journal.settings);
    for (int i = 0; i < count && status == CLI_OK && !output->resume; i++)
        status = cli_files_check(&files[i], session->replaces);
    for (int i = 0; i < count && output->resume && !session->earlier; i++)
        if (access(files[i].record, F_OK) == 0 && !(session->earlier = cli_record_read(&files[i])))
            return CLI_FAILED;
    return status;
}

int cli_begin_clip(const cli_command *command, cli_session *session, const cli_model_options *model, const cli_output_options *output,
                   const char *input, cli_files *files, cogvideo_tokens *in)
{
    int status;

    cli_progress_init(&session->progress, model->quiet);
    if ((status = cli_need_output(command, output)) != CLI_OK || (status = cli_refuse_number(command, output->output)) != CLI_OK)
        return status;
    cli_files_of_codes(files, output->output);
    status = cli_resume_open(session, output, files, 1);
    return status == CLI_OK ? cli_open_clip(command, session, model, input, in) : status;
}

/* --- what is finished ------------------------------------------------------------------------------------ */

/* Whether the codes are those that the record tells of. */
static int check_codes(const cv_json *record, const cli_files *files)
{
    cogvideo_tokens clip = { 0 };
    cogvideo_error err;
    int64_t sum;
    int status = CLI_OK;

    if (cogvideo_tokens_load(&clip, files->codes, &err) != COGVIDEO_OK ||
        cv_json_int(record, "checksum", 0, UINT32_MAX, &sum, files->record, &err) != COGVIDEO_OK)
        status = cli_error("%s; " OTHERWISE, err.message);
    else if (sum != cli_codes_checksum(&clip))
        status = cli_error("%s: holds other codes than those that %s tells of; " OTHERWISE, files->codes, files->record);
    cogvideo_tokens_free(&clip);
    return status;
}

/* Whether the result that a record tells of is the one that is asked for. */
static int check_record(const cv_json *record, const cli_settings *settings, int sample, const cli_files *files)
{
    cv_json *asked;
    char *difference = NULL;
    int status;

    if (!cv_json_get(record, "made_by"))
        return cli_error("%s: was written by an earlier version and does not say all that its codes follow from, so it may be another clip; "
                         OTHERWISE, files->record);
    asked = cli_settings_object(settings, sample);
    status = cli_settings_compare(record, asked, &difference);
    cv_json_free(&asked);
    if (status != CLI_OK)
        cli_error("%s: was made with other settings, %s; give those or " OTHERWISE, files->video ? files->video : files->codes, difference);
    free(difference);
    return status;
}

/* One clip: *there = whether all codes that are asked for are there. An error where something else is. */
static int check_clip(const cli_settings *settings, int sample, const cli_files *files, int *there)
{
    cv_json *record;
    int status;

    *there = 0;
    if (access(files->record, F_OK) != 0) {
        if (access(files->codes, F_OK) == 0)
            return cli_error("%s: is there, but not %s, which would say how it was made; " OTHERWISE, files->codes, files->record);
        return cli_files_check(files, 0);
    }
    if (!(record = cli_record_read(files)))
        return CLI_FAILED;
    status = check_record(record, settings, sample, files);
    *there = status == CLI_OK && access(files->codes, F_OK) == 0;
    if (*there)
        status = check_codes(record, files);
    cv_json_free(&record);
    return status;
}

static int find_finished(cli_session *session, const cli_settings *settings, const cli_files *files, int count)
{
    int status = CLI_OK, there, all = 0, records = 0;

    for (int i = 0; i < count && status == CLI_OK; i++) {
        status = check_clip(settings, settings->options->first_sample + i, &files[i], &there);
        all += there;
        records += access(files[i].record, F_OK) == 0;
    }
    session->finished = status == CLI_OK && all == count;
    session->replaces = records > 0; /* with what is the same */
    return status;
}

static void put_journal(json_out *json, const void *what)
{
    const cli_settings *settings = what;
    char build[512];

    cogvideo_build_info(build, sizeof build);
    json_string(json, "format", "cogvideo-journal");
    json_integer(json, "journal", 2);
    json_string(json, "version", cogvideo_version());
    json_string(json, "build", build); /* kernels and compiler round in their own way */
    cli_settings_put(json, settings, settings->options->first_sample);
}

int cli_resume_begin(cli_session *session, const cli_output_options *output, const cli_settings *settings, const cli_files *files, int count)
{
    cv_json *head;
    int status = CLI_OK;

    if (!session->journal.path)
        return CLI_OK;
    if (output->resume && !session->journal.settings)
        status = find_finished(session, settings, files, count);
    if (status != CLI_OK || session->finished)
        return status;
    for (int i = 0; i < count && status == CLI_OK && output->resume; i++)
        status = cli_files_check(&files[i], session->replaces);
    if (status != CLI_OK)
        return status;
    head = json_object(put_journal, settings);
    status = cli_journal_settings(&session->journal, head);
    cv_json_free(&head);
    if (status == CLI_OK && session->journal.row_count > 0 && !session->progress.quiet)
        cli_say("going on: %zu rows of codes are drawn already", session->journal.row_count);
    return status;
}

int cli_resume_tell(cli_session *session, const cli_output_options *output, const cli_files *files, int count)
{
    cogvideo_tokens clips[CLI_MAX_SAMPLES] = { { 0 } };
    const char *paths[CLI_MAX_SAMPLES] = { 0 };
    cogvideo_error err;
    int status = CLI_OK;

    if (!session->progress.quiet)
        cli_say("%s: is finished", output->output);
    for (int i = 0; output->json && i < count && status == CLI_OK; i++) {
        paths[i] = files[i].codes;
        if (cogvideo_tokens_load(&clips[i], paths[i], &err) != COGVIDEO_OK)
            status = cli_failed(session, &err);
    }
    if (output->json && status == CLI_OK)
        cli_result_json(clips, count, paths, -1);
    for (int i = 0; i < count; i++)
        cogvideo_tokens_free(&clips[i]);
    return status;
}

/* --- its end --------------------------------------------------------------------------------------------- */

int cli_resume_save(cli_session *session, const cli_output_options *output, const cli_settings *settings, const cli_files *files,
                    const cogvideo_tokens *clips, int count, const cli_arguments *arguments)
{
    const char *paths[CLI_MAX_SAMPLES] = { 0 };
    int status;

    for (int i = 0; i < count; i++)
        paths[i] = files[i].codes;
    status = cli_save_clips(session, clips, count, paths, output->json);
    for (int i = 0; i < count && status == CLI_OK; i++) {
        cli_record record = { .settings = settings, .sample = settings->options->first_sample + i, .files = &files[i], .arguments = arguments };

        status = files[i].record ? cli_record_save(&record, &clips[i]) : CLI_OK;
    }
    if (status == CLI_OK && output->json)
        cli_result_json(clips, count, paths, (int64_t)settings->options->seed);
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
