/* attention.h - attention as a page keeps it: of chosen layers, frames and places, a byte a weight. */
#ifndef CLI_ATTENTION_H
#define CLI_ATTENTION_H

#include "session.h"

typedef struct cli_attention_options {
    arg_ids layers, frames; /* none = all that fit */
    int every;              /* of rows and columns; 0 = no attention, -1 = as few as fit */
} cli_attention_options;

extern const arg_option cli_attention_table[]; /* --layers, --frames, --every */

/* A frame's weights in one channel of a layer, for all its kept places in order: text, then frames row by row. A byte b is the
 * weight (b / 255)^2, so that small ones are told apart; a zero byte is followed by how many zeros it stands for. */
typedef struct cli_weights {
    unsigned char *bytes;
    size_t size, capacity;
    int zeros; /* of the run that the bytes end with */
} cli_weights;

/* The frames that a frame looks at: `count` from `first` on, `every` apart. */
typedef struct cli_attention_frame {
    int kept;
    int text_count;
    int first[2], count[2], every; /* by channel */
} cli_attention_frame;

typedef struct cli_attention {
    int frames, height, width, every, layer_count;
    int frame_count;        /* kept ones */
    int *layer_at;          /* [layers of the model]: where a layer stands among the kept ones; -1 = not kept */
    int *layers;            /* [layer_count] */
    cli_attention_frame *frame; /* [frames] */
    cli_weights *weights;   /* [frames][layer_count][2] */
} cli_attention;

/* Decides what to keep: what the options say, else as much as a page has room for. CLI_OK, or an exit code after an error was
 * printed. Free `out` in any case. */
int cli_attention_begin(const cli_command *command, const cli_session *session, const cogvideo_tokens *clip,
                        const cli_attention_options *options, cli_attention *out);
void cli_attention_free(cli_attention *kept);

/* For cli_watch. */
int cli_attention_wanted(void *kept, int layer, int frame, int place);
void cli_attention_add(void *kept, const cogvideo_attention *attention, int every);

static inline const cli_weights *cli_attention_weights(const cli_attention *kept, int frame, int layer_at, int second)
{
    return &kept->weights[((size_t)frame * (size_t)kept->layer_count + (size_t)layer_at) * 2 + (size_t)second];
}

#endif
