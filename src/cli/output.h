/* output.h - names of output files: checked before hours are spent, numbered, and derived from one another. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <cogvideo/tokens.h>
#include <stdio.h>

/* CLI_OK when `path` may be written: its folder exists and can be written to, and no file of that name is there
 * unless `force`. "-" is always right. An error is printed otherwise. */
int cli_check_output(const char *path, int force);
/* The same for a video, whose form must be known and may be a pattern. */
int cli_check_video(const char *path, int force);

/* `pattern` with its one number (base/pattern.h) replaced by `number`, in fresh memory; NULL when it has none or several. */
char *cli_numbered(const char *pattern, int number);
/* The path without its ending and without a pattern: "out/clip.mp4" and "out/clip-%04d.jpg" give "out/clip". */
char *cli_stem(const char *path);

/* The folder that the file or folder `path` stands in, in fresh memory. */
char *cli_folder(const char *path);

/* A file that bears its name when it is whole: "path.partial" is opened here ("-": standard output), and renamed below once it has reached the
 * disk. NULL, or CLI_FAILED, after an error was printed. */
FILE *cli_file_open(const char *path);
/* `whole` 0: what was written goes. */
int cli_file_close(FILE *stream, const char *path, int whole);

#define CLI_MAX_SAMPLES 64 /* clips of a run, as many as the library makes side by side */

/* Finished frames of up to so many clips, each written to "path.partial" as it is finished. */
typedef struct cli_sink {
    cogvideo_token_writer *writers[CLI_MAX_SAMPLES];
    const char *paths[CLI_MAX_SAMPLES];
    int frames[CLI_MAX_SAMPLES];
    int count, first_sample; /* writers[i] is of sample first_sample + i */
} cli_sink;

/* Opens a partial file for `path`; nothing is kept for "-". `header` has shape, rate and header text. */
int cli_sink_add(cli_sink *sink, const char *path, const cogvideo_tokens *header);
/* Writes a frame; a value other than 0 (after an error was printed) stops the run. */
int cli_sink_frame(cli_sink *sink, int sample, double time, const int32_t *codes);
/* Removes the partial files of a run that went well, or keeps those with frames and says so. */
void cli_sink_close(cli_sink *sink, int keep);

#endif
