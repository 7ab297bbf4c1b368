/* say.h - prints sentences on stderr; control characters are escaped, so that no file can act on the terminal. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "args.h"

#include <cogvideo/common.h>
#include <stdio.h>

/* Begins each error. */
#define CLI_ERROR "cogvideo: error: "

/* Prints an error, CLI_ERROR and a sentence, on stderr; returns CLI_FAILED. */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a hint at the command's --help; returns CLI_USAGE. `command` may be NULL. */
int cli_usage_error(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "cogvideo: warning: SENTENCE" on stderr. */
void cli_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a plain sentence on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a message of the library: warnings always, notes unless quiet. */
void cli_message(int quiet, cogvideo_log_level level, const char *text);

/* Prints text with its control characters (but not its line breaks) as \u00XX, and bytes that are not UTF-8 as \xXX. */
void cli_print_text(FILE *stream, const char *text);
/* The same for a formatted text, on standard output. */
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns the text, or its beginning and "..." if it is long, in fresh memory. */
char *cli_excerpt(const char *text);
/* Returns the control character (C0, DEL or C1) at the start of `text`, which is valid UTF-8 there; -1 if it is
 * none. */
int cli_control(const char *text);
/* Returns the bytes of the well-formed character at the start of `text` (base/utf8.h), or 0; 1 at its end. */
int cli_utf8(const char *text);

/* Reports that memory is exhausted and ends the program. */
void cli_no_memory(void) __attribute__((noreturn));
/* Returns zeroed memory; ends the program if there is none. Free with free. */
void *cli_alloc(size_t count, size_t size);
/* Returns a formatted text in fresh memory. */
char *cli_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
