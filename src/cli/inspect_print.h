/* inspect_print.h - prints an inspected clip as tables for a terminal and as JSON. */
#ifndef CLI_INSPECT_PRINT_H
#define CLI_INSPECT_PRINT_H

#include "json_out.h"
#include "inspect.h"

/* Prints a line per frame: means over its tokens. */
void cli_print_frames(const cogvideo_tokens *clip, const cli_inspected *inspected);
/* Prints a line per token of a frame. */
void cli_print_places(const cogvideo_model *model, const cogvideo_tokens *clip, const cli_inspected *inspected,
                      int frame);

/* Writes members of an open object: a frame's codes and numbers, as cogvideo score prints them. */
void cli_json_frame(json_out *json, const cogvideo_tokens *clip, const cli_inspected *inspected, int frame);
/* The same: of a story the frame's scene, and in which steps its codes were drawn, as far as the file tells. */
void cli_json_drawn(json_out *json, const cogvideo_tokens *clip, int frame);

#endif
