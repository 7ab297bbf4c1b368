/* mask.h - what of a picture is drawn anew, as a command line says it: a rectangle or a picture of the mask. */
#ifndef CLI_MASK_H
#define CLI_MASK_H

#include "session.h"

/* A square mask, 1 = drawn anew. */
typedef struct cli_mask {
    uint8_t *places; /* [side][side] */
    int side;
} cli_mask;

/* The centred square of a picture of width x height places, sampled to side x side places. `text` is x,y,w,h, in
 * places of the picture or, where all numbers are at most 1 and one has a point, as shares of the square; or the path
 * of a picture of width x height pixels (or `scale` times that), whose bright pixels are drawn anew. CLI_OK, or another
 * exit code after an error was printed. */
int cli_mask_read(const cli_command *command, cli_session *session, const char *text, int width, int height, int scale,
                  int side, cli_mask *out);
void cli_mask_free(cli_mask *mask);

#endif
