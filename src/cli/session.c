#include "session.h"

#include "find_model.h"
#include "interrupt.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

int cli_take_input(cli_session *session, const char *path, const char *what)
{
    if (strcmp(path, "-") != 0)
        return CLI_OK;
    if (session->input)
        return cli_error("standard input: was read as %s already, so %s cannot come from it", session->input, what);
    session->input = what;
    return CLI_OK;
}

static void log_message(void *user, cogvideo_log_level level, const char *text)
{
    cli_session *session = user;

    if (level == COGVIDEO_LOG_WARNING || !session->progress.quiet)
        cli_progress_clear(&session->progress);
    cli_message(session->progress.quiet, level, text);
}

cogvideo_log cli_log(cli_session *session)
{
    return (cogvideo_log){ log_message, session };
}

int cli_on_progress(void *user, const cogvideo_progress *report)
{
    return cli_progress_report(user, report);
}

int cli_open(const cli_command *command, cli_session *session, const cli_model_options *options)
{
    cogvideo_model_options open = { .threads = options->threads,
                                    .activations = (cogvideo_activations)options->activations,
                                    .cache = (cogvideo_cache)options->cache,
                                    .mlock = options->mlock,
                                    .numa = options->numa,
                                    .log = cli_log(session) };
    char *shipped = options->model ? NULL : cli_find_model();
    const char *folder = options->model ? options->model : shipped;
    cogvideo_error err;
    cogvideo_status status;

    cli_progress_init(&session->progress, options->quiet);
    session->max_memory = 1e9 * options->max_memory;
    if (!folder)
        return cli_usage_error(command, "a model is missing: --model DIR");
    if (shipped && !options->quiet)
        cli_say("model: %s, which comes with the program; --model takes another", shipped);
    status = cogvideo_model_open(&session->model, folder, &open, &err);
    free(shipped);
    if (status != COGVIDEO_OK)
        return cli_failed(session, &err);
    cogvideo_model_get_info(session->model, &session->info);
    return CLI_OK;
}

void cli_close(cli_session *session)
{
    cogvideo_model_close(&session->model);
    free(session->prompt);
}

int cli_failed(cli_session *session, const cogvideo_error *err)
{
    cli_progress_end(&session->progress);
    if (err->status != COGVIDEO_ERROR_CANCELLED)
        cli_error("%s", err->message);
    else if (cli_interrupted())
        cli_say("cogvideo: interrupted");
    return cli_interrupted() ? 128 + cli_interrupted() : CLI_FAILED;
}

/* --- callbacks ------------------------------------------------------------------------------------------------ */

static int on_progress(void *user, const cogvideo_progress *report)
{
    return cli_progress_report(&((cli_session *)user)->progress, report);
}

cogvideo_callbacks cli_callbacks(cli_session *session)
{
    return (cogvideo_callbacks){ .progress = on_progress, .user = session };
}
