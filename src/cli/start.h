/* start.h - prepares the process before anything else runs: the standard streams and the environment that libraries
 * read when they are loaded; and finds the program's own path. */
#ifndef CLI_START_H
#define CLI_START_H

/* The first call of main. If the environment must change, it restarts the program; if it cannot, the program is only
 * slower. */
void cli_start(char **argv);

/* The ways to find the program's path, numbered from 0. Each returns the real path in fresh memory, or NULL if it
 * fails. */
#define CLI_PROGRAM_PATHS 3
char *cli_program_path(int way);

#endif
