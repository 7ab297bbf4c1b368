/* man.h - man pages, from the same tables that parsing uses. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include "args.h"

#include <stdio.h>

/* Prints the page of a command; NULL stands for the program's own page. */
void man_print(const cli_command *command, FILE *stream);
/* Writes all pages into an existing folder: cogvideo.1, cogvideo-tokens-show.1, ... Returns CLI_OK, or an exit code
 * after printing an error. */
int man_write_all(const char *folder);

#endif
