/* options.h - the options that several commands share: their structs, and their tables. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "args.h"

#include <cogvideo/sampling.h>

typedef struct cli_model_options {
    const char *model;
    int threads, activations, cache, mlock, numa, quiet;
    double max_memory;
} cli_model_options;

typedef struct cli_text_options {
    const char *prompt;
    arg_ids text_ids, guide_ids;
    double guidance, text_weight;
    int cut_text;
    const char *style; /* of a picture; no table has it */
} cli_text_options;

#define CLI_SEED_NONE (-2)
#define CLI_MAX_SAMPLE 1000000

typedef struct cli_sampling_options {
    cogvideo_sampling given; /* a field that is out of its range was not given */
    int first_sample;
    int lookahead;
    int64_t seed; /* CLI_SEED_NONE, or -1 for a random one, until one is found or drawn */
} cli_sampling_options;

typedef struct cli_output_options {
    const char *output;
    int force, resume, json;
} cli_output_options;

#define CLI_THREADS_HELP \
    "worker threads; default: a thread for each core this process may use" /* of --threads, wherever it stands */

extern const arg_option cli_model_table[];        /* --model, --threads, --quiet */
extern const arg_option cli_prompt_table[];       /* --prompt, where it is an option; in cli_text_options */
extern const arg_option cli_text_table[];         /* --text-ids, --cut-text; in cli_text_options, as the next two */
extern const arg_option cli_guide_table[];        /* --guide-ids, --guidance, --text-weight of a command with stage 1 */
extern const arg_option cli_window_guide_table[]; /* the same of interpolation alone */
extern const arg_option cli_text_weight_table[];  /* --text-weight, of a command that does not guide */
extern arg_option cli_sampling_table[];           /* filled by cli_sampling_rows: of codes that follow one another */
extern const arg_option cli_lookahead_table[];    /* --lookahead; in cli_sampling_options, as the next two */
extern arg_option cli_candidates_table[];         /* filled likewise: of frames between */
extern arg_option cli_steps_table[];              /* filled likewise: of models that fill a scene in steps */
extern const arg_option cli_output_table[];       /* -o, --force, --json */
extern const arg_option cli_codes_output_table[]; /* and --resume, of a run that draws codes */
extern const arg_option cli_clip_output_table[];  /* the same, of one that keeps its codes beside its result */

/* Adds the rows of the library's fields to these tables: before any command is looked at. */
void cli_sampling_rows(void);

typedef struct cli_score_options {
    int stage, first_frame;
    double masked_share;
} cli_score_options;

extern const arg_option cli_score_table[]; /* --stage, --first-frame; in cli_score_options */

typedef struct cli_picture_options {
    int size; /* -1 = not given: the model's */
    int normalize, quality, columns, no_metadata;
    double fps;
} cli_picture_options;

extern const arg_option cli_picture_table[];

#define CLI_FORMS_HELP                                                                                               \
    "The ending of FILE tells its form: clip.mp4, .webm, .mkv, .gif and .png through FFmpeg's libraries where\n"     \
    "they are built in; always clip.y4m, clip.mjpeg, frame-%04d.jpg and frame-%04d.ppm (a picture per frame), and\n" \
    "sheet.jpg and sheet.ppm (several frames as a contact sheet). %d and %04d are numbers, and beside one %% is a\n" \
    "percent sign; any other % is only a character, as in \"50% off.mp4\" and \"100%done.mp4\"."

#endif
