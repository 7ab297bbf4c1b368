/* resume.h - a run that may be killed: the journal beside its output, and the command that goes on from there. What all commands that
 * draw codes share; the journal is the session's. */
#ifndef CLI_RESUME_H
#define CLI_RESUME_H

#include "record.h"

/* Opens the journal, under the name that all clips of the run share: "clip.journal" for "clip-%d.mp4". There is none where the output
 * is standard output. */
int cli_resume_open(cli_session *session, const cli_output_options *output);
/* Whether files that are there may be replaced: by --force, or because they are those of the run that goes on. */
int cli_resume_replaces(const cli_session *session, const cli_output_options *output);
/* Whether --resume has nothing to do: a run leaves the files of `names` last of all, and then no journal. */
int cli_resume_finished(const cli_session *session, const cli_output_options *output, char *const *names, int count);

/* For clips of codes all of the above. session->finished is set where nothing is left to do, which was told then. */
int cli_resume_begin(cli_session *session, const cli_output_options *output, char *const *paths, int count);
/* Compares the settings with those that the run was begun with. */
int cli_resume_settings(cli_session *session, const cli_record *record, const cli_model_options *model);
/* Ends the run, whose exit code is `status`: the journal goes where all is well; elsewhere it stays, and how to go on is told. Returns
 * `status`. */
int cli_resume_end(cli_session *session, const cli_arguments *arguments, int status);

#endif
