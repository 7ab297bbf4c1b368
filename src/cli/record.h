/* record.h - the files that stand beside a generated video, and the record of how it was made. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "common.h"

/* Names in fresh memory, all from the video's. */
typedef struct cli_files {
    char *video, *keys, *middle, *codes, *record;
} cli_files;

/* Fills the other names from `video`. */
void cli_files_name(cli_files *files);
/* CLI_OK where all of them may be written. */
int cli_files_check(const cli_files *files, int force);
void cli_files_free(cli_files *files);
/* The names as members of the object that is open. */
void cli_files_json(json_out *json, const cli_files *files, int upscaled);

typedef struct cli_record {
    const char *command;          /* read for the settings alone, as the next two */
    const cogvideo_tokens *input; /* codes that the run begins with, or NULL */
    int count;                    /* frames asked for; 0 = the model's */
    const cli_session *session;
    const cogvideo_generate_options *options;
    double guidance; /* as given; NAN = the model's */
    int rounds;      /* 0 = the model's */
    const cli_files *files;
    int upscaled;
    const cli_arguments *arguments;
} cli_record;

/* The same settings and the weights' files as one line of JSON, in fresh memory: runs of equal settings draw equal codes. NULL: no
 * memory. Of the record neither files nor arguments are read. */
char *cli_record_settings(const cli_record *record, int f32_inputs, int cache);
/* Writes the record of `clip`, whose header says what the library knows: all that is needed to make it again. */
int cli_record_save(const cli_record *record, const cogvideo_tokens *clip);

#endif
