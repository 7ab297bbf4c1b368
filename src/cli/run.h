/* run.h - a run of the library (cogvideo/pipeline.h) as a command: its options, what it made, how to go on with it. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "session.h"

/* Fills in where the results go. The arguments become the command of the record. */
void cli_run_output(cogvideo_run_options *run, const cli_session *session, const cli_output_options *output,
                    const cli_sampling_options *sampling, const cli_arguments *arguments);
/* The exit code of a run that ended with `status`. After an error it is printed, and the command that goes on where
 * there is one. */
int cli_run_end(cli_session *session, cogvideo_status status, const cogvideo_result *result, const cogvideo_error *err,
                const cli_arguments *arguments);

/* One step from codes, or from the prompt alone, to codes, and its result as --json has it. */
int cli_run_step(cli_session *session, const char *step, const cogvideo_generate_options *options,
                 const cogvideo_run_options *run, const cogvideo_tokens *in, int json, const cli_arguments *arguments);

/* What the commands from a clip's codes to other codes have in common; their settings begin with it. */
typedef struct cli_clip_settings {
    cli_model_options model;
    cli_output_options output;
    cli_text_options text;
    cli_sampling_options sampling;
} cli_clip_settings;
/* Their options, of commands that have no others. */
extern const arg_group cli_clip_groups[];

/* All that such a command does: the step runs over the clip that the first argument names, with rounds and batch as in
 * cogvideo_generate_options. Prompt and seed are the clip's where none are given. */
int cli_run_clip(const cli_command *command, cli_clip_settings *s, const char *step, int rounds, int batch,
                 const cli_arguments *arguments);

#endif
