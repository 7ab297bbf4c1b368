/* generate_job.h - the clips of one prompt, from names to pixels: what `cogvideo generate` does once for each prompt. */
#ifndef CLI_GENERATE_JOB_H
#define CLI_GENERATE_JOB_H

#include "common.h"

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

/* Makes the clips of text.prompt under the names of output.output, in a session whose model is opened where it is not yet. `s` is
 * changed: it gets the seed that was found or drawn. CLI_OK (also where --resume finds all of it finished), or another exit code after
 * an error was printed. */
int generate_job_run(const cli_command *command, cli_session *session, generate_settings *s, const cli_arguments *arguments);

#endif
