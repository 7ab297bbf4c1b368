/* record.h - the files that stand beside what a run has made, and the record of how it was made. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "settings.h"

/* Names in fresh memory. Of a command whose result are codes there are the codes and the record alone, on standard output the codes. */
typedef struct cli_files {
    char *video, *keys, *middle, *codes, *record;
} cli_files;

/* All names from that of the video, or of the codes. */
void cli_files_of_video(cli_files *files, const char *video);
void cli_files_of_codes(cli_files *files, const char *codes);
/* CLI_OK where all of them may be written. */
int cli_files_check(const cli_files *files, int force);
void cli_files_free(cli_files *files);
/* The names as members of the object that is open. */
void cli_files_json(json_out *json, const cli_files *files, int upscaled);

typedef struct cli_record {
    const cli_settings *settings;
    int sample; /* counted as first_sample is */
    const cli_files *files;
    const cli_picture_options *picture; /* where there is a video */
    const cli_arguments *arguments;
} cli_record;

/* Writes the record of `clip`: its settings, what its header says, and the command. A run writes it last of all. */
int cli_record_save(const cli_record *record, const cogvideo_tokens *clip);
/* The record that is there; NULL after an error was printed. */
cv_json *cli_record_read(const cli_files *files);

/* Whether a record tells of this video with these options; otherwise *difference, in fresh memory, is what differs, or NULL where the
 * record does not know the video. */
int cli_record_has_video(const cv_json *record, const cli_files *files, const cli_picture_options *picture, char **difference);
/* Writes the record anew, with this video too. */
int cli_record_add_video(const cv_json *record, const cli_files *files, const cli_picture_options *picture);
/* Whether the video is there, of numbered pictures all of them. */
int cli_video_is_there(const char *video, int frames);

#endif
