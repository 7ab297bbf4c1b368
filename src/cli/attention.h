/* attention.h - attention as a page stores it: of chosen layers, frames and tokens, one byte per weight. */
#ifndef CLI_ATTENTION_H
#define CLI_ATTENTION_H

#include "session.h"

typedef struct cli_attention_options {
    arg_ids layers, frames; /* empty = all that fit */
    int every;              /* row and column in so many; 0 = no attention, -1 = as many as fit */
} cli_attention_options;

extern const arg_option cli_attention_table[]; /* --layers, --frames, --every */

/* The weights of a frame in one channel of a layer, for all of its kept tokens in order: text, then frames row by
 * row. A byte b is the weight (b / 255)^2, so that small weights differ; a zero byte is followed by the number of
 * zeros that it stands for. */
typedef struct cli_weights {
    unsigned char *bytes;
    size_t size, capacity;
    int zeros; /* number of zeros at the end of the bytes */
} cli_weights;

/* The frames that a frame attends to: `count` from `first` on, `every` apart. */
typedef struct cli_attention_frame {
    int kept;
    int text_count;
    int first[2], count[2], every; /* for each channel */
} cli_attention_frame;

typedef struct cli_attention {
    int frames, height, width, every, layer_count;
    int frame_count;            /* kept ones */
    int *layer_at;              /* [layers of the model]: where a layer stands among the kept ones; -1 = not kept */
    int *layers;                /* [layer_count] */
    cli_attention_frame *frame; /* [frames] */
    cli_weights *weights;       /* [frames][layer_count][2] */
} cli_attention;

/* Decides what to keep: what the options say, otherwise as much as a page has room for. Returns CLI_OK, or an exit
 * code after printing an error. Free `out` in any case. */
int cli_attention_begin(const cli_command *command, const cli_session *session, const cogvideo_tokens *clip,
                        const cli_attention_options *options, cli_attention *out);
void cli_attention_free(cli_attention *kept);

/* A callback for cli_watch. */
int cli_attention_wanted(void *kept, int layer, int frame, int place);
void cli_attention_add(void *kept, const cogvideo_attention *attention, int every);

static inline const cli_weights *cli_attention_weights(const cli_attention *kept, int frame, int layer_at, int second)
{
    return &kept->weights[((size_t)frame * (size_t)kept->layer_count + (size_t)layer_at) * 2 + (size_t)second];
}

#endif
