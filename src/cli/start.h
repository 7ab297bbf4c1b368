/* start.h - what is settled before anything else runs: the standard streams, the environment that libraries read when they are loaded,
 * and where the program itself lies. */
#ifndef CLI_START_H
#define CLI_START_H

/* What main begins with. Where the environment must be another the program starts itself anew, and where that cannot be it is slower. */
void cli_start(char **argv);

/* The ways to learn where the program lies, numbered from 0: its real path in fresh memory, or NULL where the way leads nowhere. */
#define CLI_PROGRAM_PATHS 3
char *cli_program_path(int way);

#endif
