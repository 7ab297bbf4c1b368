/* output.h - names of output files, checked before hours are spent. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

/* CLI_OK when `path` may be written: its folder exists and can be written to, and no file of that name is there
 * unless `force`. "-" is always right. An error is printed otherwise. */
int cli_check_output(const char *path, int force);
/* CLI_OK when no file or folder of that name is there, unless `force`. */
int cli_check_new(const char *path, int force);
/* cli_check_output for a video, whose form must be known and may be a pattern. */
int cli_check_video(const char *path, int force);

/* `pattern` with its one number (base/pattern.h) replaced by `number`, in fresh memory; NULL when it has none or
 * several. */
char *cli_numbered(const char *pattern, int number);
/* The folder that the file or folder `path` stands in, in fresh memory. */
char *cli_folder(const char *path);

#endif
