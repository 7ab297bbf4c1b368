/* session.h - a model that is open, and what the program shows of what it does. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "options.h"
#include "progress.h"

#include <cogvideo/cogvideo.h>

/* Begins as { 0 }. */
typedef struct cli_session {
    cogvideo_model *model;
    cogvideo_model_info info;
    cli_progress progress;
    const char *preview;           /* the picture that shows the newest frame, or NULL */
    int shown_sample, shown_frame; /* that it shows */
    double max_memory;             /* bytes; 0 = what is free */
    char *prompt;                  /* read from standard input or from a clip's header, or NULL */
    const char *input;             /* what was read from standard input, or NULL */
} cli_session;

/* Opens the model, by default the one that comes with the program; CLI_OK, or another exit code after an error was
 * printed. */
int cli_open(const cli_command *command, cli_session *session, const cli_model_options *options);
void cli_close(cli_session *session);

/* Call it before `path` is read as `what`: where that is standard input, a second of a command finds nothing there.
 * CLI_OK, or CLI_FAILED after an error was printed. */
int cli_take_input(cli_session *session, const char *path, const char *what);

/* Messages of the library, notes only where the session is not quiet. */
cogvideo_log cli_log(cli_session *session);
/* Reports of the library to a cli_progress. */
int cli_on_progress(void *user, const cogvideo_progress *report);
/* Progress of a session. */
cogvideo_callbacks cli_callbacks(cli_session *session);

/* Prints an error of the library; returns the exit code, which is the signal's where one ended the run. */
int cli_failed(cli_session *session, const cogvideo_error *err);

#endif
