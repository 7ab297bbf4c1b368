/* generate_list.h - many prompts in one run: `cogvideo generate --prompts`. */
#ifndef CLI_GENERATE_LIST_H
#define CLI_GENERATE_LIST_H

#include "generate_run.h"

/* Makes the clips of every line of the list s->prompts, one line after the other, with the model open all the time.
 * What can be refused of any line is, with its number, before the first is drawn. A clip that is there as its line asks
 * for it is not made again, and a line that fails does not stop those behind it. CLI_OK, or another exit code after
 * errors were printed. */
int generate_list_run(const cli_command *command, cli_session *session, const generate_settings *s,
                      const cli_arguments *arguments);

#endif
