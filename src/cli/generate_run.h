/* generate_run.h - the clips of one prompt: what `cogvideo generate` does once for each prompt. */
#ifndef CLI_GENERATE_RUN_H
#define CLI_GENERATE_RUN_H

#include "session.h"

typedef struct generate_settings {
    cli_model_options model;
    cli_output_options output;
    cli_text_options text;
    cli_sampling_options sampling;
    cli_picture_options picture;
    int samples, rounds, batch, no_upscale, refine, keep; /* keep: clips, the best of the samples; 0 = all */
    double seconds;
    arg_texts then;            /* --then: further scenes of a story */
    const char *story, *first; /* --story: a file of scenes; --first: what the first of them goes on from */
    int context;               /* -1 = the model's */
    const char *preview, *prompts, *metrics; /* metrics: the networks that find the best */
} generate_settings;

/* The run that the settings ask for, but for the text, which fills `options` already. */
void generate_run_fill(const cli_session *session, const generate_settings *s, const cli_arguments *arguments,
                       cogvideo_generate_options *options, cogvideo_run_options *run);

/* Makes the clips of text.prompt under the names of output.output, in a session whose model is open. CLI_OK, or another
 * exit code after an error was printed. */
int generate_run(const cli_command *command, cli_session *session, generate_settings *s,
                 const cli_arguments *arguments);

#endif
