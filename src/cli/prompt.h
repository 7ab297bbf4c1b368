/* prompt.h - the prompt: from the command line, standard input or a clip. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "session.h"

#include "base/json.h"

/* The prompt, or standard input for "-". NULL after an error was printed. */
const char *cli_prompt(cli_session *session, const char *argument);

/* Takes the prompt from a command's argument, where there is one, then opens the model. */
int cli_open_prompt(const cli_command *command, cli_session *session, const cli_model_options *model,
                    cli_text_options *text, const cli_arguments *arguments);

/* What the clip's header tells, to be freed with cv_json_free; NULL where it has none. */
cv_json *cli_header(const cogvideo_tokens *clip);
/* Where the prompt is an option: "-" is read from standard input; without it and text ids the clip's header tells. */
int cli_clip_prompt(cli_session *session, cli_text_options *text, const cogvideo_tokens *clip);

/* Warns of words that the model has never seen: nobody can say what they do. */
void cli_warn_of_unknown(cli_session *session, const char *prompt);

#endif
