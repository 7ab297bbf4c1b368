/* output.h - names of output files, checked before hours are spent, and files that the program writes itself. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

/* CLI_OK when `path` may be written: its folder exists and can be written to, and no file of that name is there
 * unless `force`. "-" is always right. An error is printed otherwise. */
int cli_check_output(const char *path, int force);
/* The same for a video, whose form must be known and may be a pattern. */
int cli_check_video(const char *path, int force);

/* `pattern` with its one number (base/pattern.h) replaced by `number`, in fresh memory; NULL when it has none or
 * several. */
char *cli_numbered(const char *pattern, int number);
/* The folder that the file or folder `path` stands in, in fresh memory. */
char *cli_folder(const char *path);

/* A file that bears its name when it is whole: "path.partial" is opened here ("-": standard output), and renamed below
 * once it has reached the disk. NULL, or CLI_FAILED, after an error was printed. */
FILE *cli_file_open(const char *path);
/* `whole` 0: what was written goes. */
int cli_file_close(FILE *stream, const char *path, int whole);

#endif
