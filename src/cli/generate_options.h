/* generate_options.h - options of the library from those of the command line. */
#ifndef CLI_GENERATE_OPTIONS_H
#define CLI_GENERATE_OPTIONS_H

#include "session.h"

/* Text, guidance and sampling. CLI_OK, or CLI_USAGE after an error. Warns of unknown words. */
int cli_generate_options(const cli_command *command, cli_session *session, cli_text_options *text,
                         cli_sampling_options *sampling, cogvideo_generate_options *out);
/* The same without a word: for plans. */
void cli_fill_options(cli_session *session, const cli_text_options *text, const cli_sampling_options *sampling,
                      cogvideo_generate_options *out);
/* Only what does not sample, without a word, from the defaults of the session's model. */
void cli_fill_text(cli_session *session, const cli_text_options *text, cogvideo_generate_options *out);

/* Without --seed: the seed that made the clip's key frames or, in an unfinished clip, its frames; and with it the
 * number of the clip's sample, where --first-sample gives no other. */
void cli_clip_seed(const cli_session *session, cli_sampling_options *sampling, const cogvideo_tokens *clip);

/* CLI_OK and the library's form of them, or CLI_USAGE after an error: frame 0 belongs to stage 1. */
int cli_score_what(const cli_command *command, const cli_score_options *options, cogvideo_score_options *out);

#endif
