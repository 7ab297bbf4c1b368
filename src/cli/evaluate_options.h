/* evaluate_options.h - what the commands that judge clips have in common: their networks, and the protocol. */
#ifndef CLI_EVALUATE_OPTIONS_H
#define CLI_EVALUATE_OPTIONS_H

#include "session.h"

typedef struct cli_evaluate_options {
    const char *metrics, *model; /* folders of models: of networks; that decodes codes */
    int batch, threads, cut_text, quiet;
    double max_memory;
} cli_evaluate_options;

extern const arg_option cli_evaluate_table[]; /* in cli_evaluate_options */

/* Numbers are -1, and words NULL, where they were not given. */
typedef struct cli_protocol_options {
    int protocol; /* which */
    int frames, stride, clips_per_video, skip_first, mirror, size, fid_frames;
    double fps, epsilon;
    int start, real_start, quantise, inception_input, size_resize, size_crop, network_resize, network_crop;
    char words[8][20]; /* of the choices, once cli_protocol has looked at them */
} cli_protocol_options;

typedef struct cli_counting_options {
    int samples, bootstrap, splits, covariance;
    int64_t shuffle, seed;
    const char *real_split;
    char word[20]; /* of the covariance */
} cli_counting_options;

extern const arg_option cli_protocol_table[]; /* how clips are cut and brought to a network */
extern const arg_option cli_counting_table[]; /* how they are counted; in cli_counting_options */

/* Fills the protocol: the named one, with what was given in place of its own. Its words belong to `given`. */
void cli_protocol(cli_protocol_options *given, cogvideo_protocol *out);
/* Fills in how clips are counted, where that was given. */
void cli_counting(cli_counting_options *given, cogvideo_protocol *out);

/* Opens a model of networks, by default the one that comes with the program; CLI_OK, or another exit code after an
 * error was printed. */
int cli_open_metrics(const cli_command *command, cli_session *session, const char *given, int threads, int quiet,
                     cogvideo_model **out);

/* Models that are open for a command. Begins as { 0 }. */
typedef struct cli_networks {
    cli_session session; /* of what decodes codes, where that is open, and of all reports */
    cogvideo_model *networks;
} cli_networks;

/* Opens the networks and, where the command names one or `decodes`, the model, and fills the options with them, log and
 * progress. CLI_OK, or another exit code after an error. */
int cli_open_networks(const cli_command *command, cli_networks *open, const cli_evaluate_options *given, int decodes,
                      cogvideo_evaluate_options *out);
void cli_close_networks(cli_networks *open);

#endif
