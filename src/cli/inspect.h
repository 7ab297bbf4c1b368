/* inspect.h - inspects a clip: with one stage, or with all steps that make such a clip, each frame with its own
 * step. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "session.h"

extern const arg_option
    cli_inspect_table[]; /* --stage, where 0 is all steps, and --first-frame; in cli_score_options */

/* One step: a stage that looks at every n-th frame of the clip. */
typedef struct cli_step {
    int stage, every;         /* stage 0: of a model without stages, which can be asked for log-probabilities alone */
    cogvideo_inspection seen; /* frame i of it is frame i * every of the clip */
} cli_step;

#define CLI_MAX_STEPS 32

typedef struct cli_inspected {
    cli_step steps[CLI_MAX_STEPS]; /* in the order in which they make a clip */
    int count;
    int *step_of; /* [frames of the clip]: the step that predicted it; -1 if none did */
} cli_inspected;

/* Which attention is shown: `attention` counts frames in a clip of every n-th frame, `wanted` in the whole clip. */
typedef struct cli_watch {
    int (*wanted)(void *user, int layer, int frame, int place);
    void (*attention)(void *user, const cogvideo_attention *attention, int every);
    void *user;
} cli_watch;

/* Returns CLI_OK, or an exit code after printing an error. `watch` may be NULL. Free `out` in any case. */
int cli_inspect(const cli_command *command, cli_session *session, cli_text_options *text,
                const cli_score_options *options, const cogvideo_tokens *clip, const cli_watch *watch,
                cli_inspected *out);
void cli_inspected_free(cli_inspected *inspected);

/* Returns a frame's numbers, NULL if no step predicted it; *at is the index of its first token in the arrays. */
const cogvideo_inspection *cli_inspected_frame(const cli_inspected *inspected, int frame, size_t *at);

/* Returns how many codes of a frame differ from the previous frame; 0 for frame 0. */
int cli_changed_codes(const cogvideo_tokens *clip, int frame);

/* The sums of a frame, for a table. */
typedef struct cli_frame_means {
    double probability, logprob, entropy; /* means over its tokens; the last two in nats */
    int likeliest; /* tokens whose code is the most likely one; it and the entropy are 0 where they are not known */
} cli_frame_means;
cli_frame_means cli_inspected_means(const cogvideo_tokens *clip, int frame, const cogvideo_inspection *seen, size_t at);

#endif
