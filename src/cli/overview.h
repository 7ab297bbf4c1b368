/* overview.h - printed when no command is named: the list of commands, a group, or a suggestion for an unknown word. */
#ifndef CLI_OVERVIEW_H
#define CLI_OVERVIEW_H

#include "args.h"

#include <stdio.h>

int cli_print_overview(FILE *stream);
/* Prints the commands of the group `word`; returns 0 if there is no such group. */
int cli_print_family(const char *word, FILE *stream);
/* Prints an error about words[0], which names no command; returns CLI_USAGE. */
int cli_unknown_command(char *const *words, int count);

#endif
