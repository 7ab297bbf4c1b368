/* man.h - man pages, from the same tables that parsing uses. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include "args.h"

#include <stdio.h>

/* The page of a command; of NULL the program's own. */
void man_print(const cli_command *command, FILE *stream);
/* All of them into a folder that exists: cogvideo.1, cogvideo-tokens-show.1 ... An exit code, after an error was printed. */
int man_write_all(const char *folder);

#endif
