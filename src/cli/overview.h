/* overview.h - what is shown where no command is named: the list of them, a family, what a wrong word may have meant. */
#ifndef CLI_OVERVIEW_H
#define CLI_OVERVIEW_H

#include "args.h"

#include <stdio.h>

int cli_print_overview(FILE *stream);
/* The commands whose first word of two this is; 0 where it is no such word. */
int cli_print_family(const char *word, FILE *stream);
/* An error about words[0], which names no command; returns CLI_USAGE. */
int cli_unknown_command(char *const *words, int count);

#endif
