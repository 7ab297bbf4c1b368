/* say.h - sentences on stderr; control characters are escaped, so that no file can act on the terminal. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "args.h"

#include <stdio.h>

/* What stands before each error. */
#define CLI_ERROR "cogvideo: error: "

/* Prints an error, a sentence after CLI_ERROR, on stderr; returns CLI_FAILED. */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a hint at the command's --help; returns CLI_USAGE. `command` may be NULL. */
int cli_usage_error(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A plain sentence on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text with its control characters (but not its line breaks) as \u00XX, and bytes that are not UTF-8 as \xXX. */
void cli_print_text(FILE *stream, const char *text);
/* The same of a formatted text, on standard output. */
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The text, or its beginning and "..." where it is long, in fresh memory. */
char *cli_excerpt(const char *text);
/* The control character (C0, DEL or C1) at the start of `text`, which is valid there; -1 where it is none. */
int cli_control(const char *text);
/* Bytes of the well-formed character at the start of `text` (base/utf8.h), or 0; 1 at its end. */
int cli_utf8(const char *text);

/* Ends the program with the sentence that there is none. */
void cli_no_memory(void) __attribute__((noreturn));
/* Zeroed memory; the program ends when there is none. Free with free. */
void *cli_alloc(size_t count, size_t size);
/* A formatted text in fresh memory. */
char *cli_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
