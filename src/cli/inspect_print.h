/* inspect_print.h - a clip that was looked into, as tables for a terminal and as JSON. */
#ifndef CLI_INSPECT_PRINT_H
#define CLI_INSPECT_PRINT_H

#include "json_out.h"
#include "inspect.h"

/* A line per frame: means over its places. */
void cli_print_frames(const cogvideo_tokens *clip, const cli_inspected *inspected);
/* A line per place of a frame. */
void cli_print_places(const cogvideo_model *model, const cogvideo_tokens *clip, const cli_inspected *inspected, int frame);

/* Members of an object that is open: a frame's codes and numbers, as cogvideo score gives them. */
void cli_json_frame(json_out *json, const cogvideo_tokens *clip, const cli_inspected *inspected, int frame);

#endif
