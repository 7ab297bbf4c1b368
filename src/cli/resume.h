/* resume.h - a run that may be killed and begun again: the journal beside its output, the record of what is finished, and the command that goes
 * on from there. What all commands that draw codes share. Both journal and record hold settings (settings.h): a result that is there is what
 * was asked for only where they are equal. */
#ifndef CLI_RESUME_H
#define CLI_RESUME_H

#include "record.h"

/* Opens the journal, under the name that all clips of the run share; there is none where the output is standard
 * output. Without --resume the files must be free to be written. With it session->earlier is what an earlier run says of itself, if there was one. */
int cli_resume_open(cli_session *session, const cli_output_options *output, const cli_files *files, int count);
/* What commands from codes to codes begin with: the output is checked, its files are named, the journal opened, the clip read, the model opened. */
int cli_begin_clip(const cli_command *command, cli_session *session, const cli_model_options *model, const cli_output_options *output,
                   const char *input, cli_files *files, cogvideo_tokens *in);
/* Compares the settings with those of the journal or, with --resume and without one, of the finished clips: what is there and is not what is asked
 * for is an error. session->finished is set where all codes are there. Otherwise the journal has its settings, and the run may begin. */
int cli_resume_begin(cli_session *session, const cli_output_options *output, const cli_settings *settings, const cli_files *files, int count);
/* Says, of a command whose result are codes, that it is finished. */
int cli_resume_tell(cli_session *session, const cli_output_options *output, const cli_files *files, int count);
/* Saves such a result with its records. */
int cli_resume_save(cli_session *session, const cli_output_options *output, const cli_settings *settings, const cli_files *files,
                    const cogvideo_tokens *clips, int count, const cli_arguments *arguments);
/* Ends the run, whose exit code is `status`: the journal goes where all is well; elsewhere it stays, and how to go on is told. Returns
 * `status`. */
int cli_resume_end(cli_session *session, const cli_arguments *arguments, int status);

#endif
