/* program.h - the program as a person runs it: through the shell, in the test's temporary folder. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

/* Errors and chatter alone, for the end of the arguments. */
#define STDERR " 2>&1 >/dev/null"

/* Runs "cogvideo ARGUMENTS" (of COGVIDEO_PROGRAM, set by meson) and gives its exit code. */
int program_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What the last run sent to standard output, as its redirections have it. */
const char *program_output(void);
/* A run that must end with `expected` and say `words`. */
void program_check(const char *arguments, int expected, const char *words);
/* A run that must succeed; a failing one shows what it said. */
void program_ok(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Sends a signal to a run as soon as its journal has so many lines: it must end by that and leave the journal.
 * "TEMP/told" is what it said on stderr. */
void program_interrupt(int signal, const char *journal, int lines, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The whole files "TEMP/a" and "TEMP/b" must be equal. */
void program_equal_files(const char *a, const char *b);

#endif
