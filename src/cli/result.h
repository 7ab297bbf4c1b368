/* result.h - clips of codes that commands read and write. */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include "session.h"

/* CLI_OK, or CLI_USAGE after an error: -o is missing, or options beside it contradict it or each other. */
int cli_need_output(const cli_command *command, const cli_output_options *options);
/* The same: one clip that is made has no number in its name, and several need one. */
int cli_refuse_number(const cli_command *command, const char *output);
int cli_need_number(const cli_command *command, const char *output, int samples);

/* Reads a clip. */
int cli_load_clip(cli_session *session, const char *path, cogvideo_tokens *clip);
/* Reads a clip, then opens the model. */
int cli_open_clip(const cli_command *command, cli_session *session, const cli_model_options *model, const char *input,
                  cogvideo_tokens *in);

/* Saves a clip and says so, or prints {"files":[...]} on standard output. */
int cli_save_clip(cli_session *session, const cogvideo_tokens *clip, const char *path, int json);
/* Prints {"seed":..., "files":[...]} of clips that were made; no seed where it is negative. */
void cli_result_json(const cogvideo_clip *clips, int count, int64_t seed);
/* Prints {"seed":..., "clips":[...]} with all files of the first `count` clips of a run. */
void cli_clips_json(const cogvideo_result *result, int count);

#endif
