/* looks.h - attention as a page keeps it: of chosen layers, frames and places, a byte a weight. */
#ifndef CLI_LOOKS_H
#define CLI_LOOKS_H

#include "common.h"

typedef struct cli_look_options {
    arg_ids layers, frames; /* none = all */
    int every;              /* of rows and columns; 0 = no attention */
} cli_look_options;

extern const arg_option cli_look_table[]; /* --layers, --frames, --every */

/* A frame's weights in one channel of a layer, for all its kept places in order: text, then frames row by row. A byte b is the
 * weight (b / 255)^2, so that small ones are told apart; a zero byte is followed by how many zeros it stands for. */
typedef struct cli_weights {
    unsigned char *bytes;
    size_t size, capacity;
    int zeros; /* of the run that the bytes end with */
} cli_weights;

/* The frames that a frame looks at: `count` from `first` on, `every` apart. */
typedef struct cli_look_frame {
    int kept;
    int text_count;
    int first[2], count[2], every; /* by channel */
} cli_look_frame;

typedef struct cli_looks {
    int frames, grid, every, layer_count;
    int *layer_at;          /* [layers of the model]: where a layer stands among the kept ones; -1 = not kept */
    int *layers;            /* [layer_count] */
    cli_look_frame *frame;  /* [frames] */
    cli_weights *weights;   /* [frames][layer_count][2] */
} cli_looks;

/* Checks the options, and that what they keep will not take more than `most` bytes of a page. */
int cli_looks_begin(const cli_command *command, const cli_session *session, const cogvideo_tokens *clip,
                    const cli_look_options *options, size_t most, cli_looks *out);
void cli_looks_free(cli_looks *looks);

/* For cli_watch. */
int cli_looks_wanted(void *looks, int layer, int frame, int place);
void cli_looks_add(void *looks, const cogvideo_attention *attention, int every);

static inline const cli_weights *cli_looks_weights(const cli_looks *looks, int frame, int layer_at, int second)
{
    return &looks->weights[((size_t)frame * (size_t)looks->layer_count + (size_t)layer_at) * 2 + (size_t)second];
}

#endif
