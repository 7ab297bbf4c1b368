/* generate_job.h - the clips of one prompt, from names to pixels: what `cogvideo generate` does once for each prompt. */
#ifndef CLI_GENERATE_JOB_H
#define CLI_GENERATE_JOB_H

#include "record.h"

typedef struct generate_settings {
    cli_model_options model;
    cli_output_options output;
    cli_text_options text;
    cli_sampling_options sampling;
    cli_picture_options picture;
    int samples, rounds, batch, no_upscale;
    double seconds;
    const char *preview, *prompts;
} generate_settings;

/* The names of the files of all samples, `files` [s->samples], in fresh memory. CLI_OK, or another exit code after an error was printed. */
int generate_job_files(const cli_command *command, const generate_settings *s, cli_files *files);

/* Whether all stages of a prompt could run to their ends, but for memory (cogvideo_check_stage), in a session whose model is open. */
cogvideo_status generate_job_check(const cli_session *session, const generate_settings *s, const cogvideo_generate_options *options,
                                   cogvideo_error *err);

/* Makes the clips of text.prompt under the names of output.output, in a session whose model is opened where it is not yet. `s` is
 * changed: it gets the seed that was found or drawn. CLI_OK (also where --resume finds all of it finished, as asked), or another exit code after
 * an error was printed. */
int generate_job_run(const cli_command *command, cli_session *session, generate_settings *s, const cli_arguments *arguments);

#endif
