/* generate_keep.h - of several clips of a prompt, the ones that CLIP likes best. */
#ifndef CLI_GENERATE_KEEP_H
#define CLI_GENERATE_KEEP_H

#include "generate_run.h"

/* Opens the networks that choose, and checks that they can, before anything is drawn. CLI_OK, or another exit code
 * after an error was printed. */
int generate_keep_open(const cli_command *command, cli_session *session, const generate_settings *s,
                       cogvideo_model **networks);
/* Brings the clips of a run into the order of their scores, says them, and removes the files of all but the first
 * `keep`. CLI_OK, or another exit code after an error was printed; then every clip stays. */
int generate_keep(cli_session *session, const generate_settings *s, const cogvideo_model *networks,
                  cogvideo_result *result);

#endif
