/* pixels.h - between codes and files of pixels, for every command that needs it. */
#ifndef CLI_PIXELS_H
#define CLI_PIXELS_H

#include "session.h"

/* A picture or video file to codes at `rate`, brought by `how` to `size` x `size` (0 = the model's grid * rate), at
 * most `frames` frames (0 = all). */
int cli_encode_file(cli_session *session, const char *path, int rate, int size, cogvideo_resize how, int frames,
                    cogvideo_tokens *out);

/* What a run needs to know of the video that it makes. */
cogvideo_run_options cli_picture_run(const cli_session *session, const cli_picture_options *options);
/* Codes to a video file or pictures. */
int cli_decode_file(cli_session *session, const cogvideo_tokens *tokens, const cli_picture_options *options,
                    const char *path);

/* Shows a finished frame in the session's preview, of clips that are made side by side the first: a callback of
 * cogvideo_callbacks. Where that fails the run is worth more: a warning, and no more previews. */
int cli_preview(void *user, const cogvideo_code_frame *frame);
/* The same of a scene that is being filled: all its pictures, as a contact sheet. */
int cli_preview_scene(void *user, const cogvideo_sketch *sketch);

#endif
