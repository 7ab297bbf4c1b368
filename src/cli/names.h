/* names.h - the files that runs will write, to check that no two of them are the same, nor one that is read. */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include "session.h"

#include <cogvideo/pipeline.h>

#include <stddef.h>

#define CLI_NAMES_PREVIEW (-1) /* used as a line's number: the file is that of --preview, */
#define CLI_NAMES_LIST (-2)    /* or the list itself, */
#define CLI_NAMES_IMAGE (-3)   /* or that of --image, */
#define CLI_NAMES_MASK (-4)    /* or of --mask */

typedef struct cli_name {
    char *path; /* its folder without links and dots, if that exists */
    int line;
} cli_name;

typedef struct cli_names {
    cli_name *items;
    size_t count, room;
} cli_names;

/* Returns CLI_OK, or CLI_FAILED after printing an error: there are too many. */
int cli_names_add(cli_names *names, const char *path, int line);
/* The files of a run's clips, and its journal. */
int cli_names_add_result(cli_names *names, const cogvideo_result *result, int line);
/* CLI_OK, or CLI_FAILED after errors were printed that name every two lines of `list` that have one file. */
int cli_names_check(cli_names *names, const char *list);
/* A file that belongs to an option of a run. */
typedef struct cli_beside {
    const char *path; /* NULL or -: none */
    int line;         /* CLI_NAMES_; 0 ends a list */
} cli_beside;

/* The same of one run and of files that none of the run's may be; or an exit code after the error with which the run
 * would end. */
int cli_names_check_beside(cli_session *session, const cogvideo_generate_options *options,
                           const cogvideo_run_options *run, const cli_beside *files);
void cli_names_free(cli_names *names);

#endif
