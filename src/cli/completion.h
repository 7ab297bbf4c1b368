/* completion.h - completion for shells, from the same tables that parsing uses. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "args.h"

#include <stdio.h>

void completion_bash(FILE *stream);
void completion_fish(FILE *stream);
void completion_zsh(FILE *stream);

/* --- what the three share ---------------------------------------------------------------------------- */

/* "a|b" as "a b". */
void completion_words(FILE *stream, const char *choices);
/* What an option does, up to the first semicolon, with a backslash before each character of `special`, and as a shell
 * in single quotes wants it. */
void completion_help(FILE *stream, const char *help, const char *special);
/* First words of the commands (NULL), or second words of a family, with blanks between them. */
void completion_commands(FILE *stream, const cli_command *family);
/* The first word, or with `second` the second one, of a command. */
const char *completion_word(const cli_command *command, int second, size_t *length);
/* What stands behind the word: a command's summary, or a family's second words. */
void completion_summary(FILE *stream, const cli_command *command, int second, const char *special);
/* Whether both are of one family. */
int completion_related(const cli_command *a, const cli_command *b);

#endif
