/* completion.h - completions for shells, from the same tables that parsing uses. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "args.h"

#include <stdio.h>

void completion_bash(FILE *stream);
void completion_fish(FILE *stream);
void completion_zsh(FILE *stream);

/* --- shared by all three -------------------------------------------------------------------------------------- */

/* Prints "a|b" as "a b". */
void completion_words(FILE *stream, const char *choices);
/* Prints an option's help up to the first semicolon, with a backslash before each character of `special`, quoted for
 * single quotes of a shell. */
void completion_help(FILE *stream, const char *help, const char *special);
/* Prints the first words of the commands (NULL), or the second words of a group, with blanks between them. */
void completion_commands(FILE *stream, const cli_command *family);
/* Returns the first word of a command or, with `second`, its second word. */
const char *completion_word(const cli_command *command, int second, size_t *length);
/* Prints the description of such a word: a command's summary, or a group's second words. */
void completion_summary(FILE *stream, const cli_command *command, int second, const char *special);
/* Whether both are in one group. */
int completion_related(const cli_command *a, const cli_command *b);

#endif
