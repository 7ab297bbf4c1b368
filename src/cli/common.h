/* common.h - what commands with a model share: their options, opening, sampling settings, results. */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "args.h"
#include "journal.h"
#include "json_out.h"
#include "output.h"
#include "progress.h"

#include "base/json.h"

#include <cogvideo/cogvideo.h>

/* --- options ----------------------------------------------------------------------------------------- */

typedef struct cli_model_options {
    const char *model;
    int threads, f32_inputs, cache, lock, interleave, quiet;
    double max_memory;
} cli_model_options;

typedef struct cli_text_options {
    const char *prompt;
    arg_ids text_ids, guide_ids;
    double guidance, text_weight;
    int cut_text;
} cli_text_options;

#define CLI_SEED_NONE (-2)
#define CLI_MAX_SEED 9007199254740991 /* 2^53 - 1 */
#define CLI_MAX_SAMPLE 1000000

typedef struct cli_sampling_options {
    double temperature, code_temperature, top_p;
    int clusters, top_k, greedy, first_sample;
    int64_t seed; /* CLI_SEED_NONE, or -1 for a random one, until one is found or drawn */
} cli_sampling_options;

typedef struct cli_output_options {
    const char *output;
    int force, resume, json;
} cli_output_options;

#define CLI_THREADS_HELP "worker threads; default: a thread for each core this process may use" /* of --threads, wherever it stands */

extern const arg_option cli_model_table[];    /* --model, --threads, --quiet */
extern const arg_option cli_prompt_table[];   /* --prompt, where it is an option; in cli_text_options */
extern const arg_option cli_text_table[];     /* --text-ids, --cut-text; in cli_text_options, as the next two */
extern const arg_option cli_guide_table[];    /* --guide-ids, --guidance, --text-weight of a command with stage 1 */
extern const arg_option cli_window_guide_table[]; /* the same of interpolation alone */
extern const arg_option cli_sampling_table[];
extern const arg_option cli_output_table[];   /* -o, --force, --json */
extern const arg_option cli_codes_output_table[]; /* and --resume, of a run that draws codes */

typedef struct cli_score_options {
    int stage, first_frame;
} cli_score_options;

extern const arg_option cli_score_table[];    /* --stage, --first-frame; in cli_score_options */

/* CLI_OK and the library's form of them, or CLI_USAGE after an error: frame 0 belongs to stage 1. */
int cli_score_what(const cli_command *command, const cli_score_options *options, cogvideo_score_options *out);

/* --- a model that is open ------------------------------------------------------------------------------ */

typedef struct cli_session {
    cogvideo_model *model;
    cogvideo_model_info info;
    cli_progress progress;
    cli_sink sink;
    cli_journal journal;
    cv_json *earlier;    /* what an earlier run on this output says of itself, for --resume; or NULL */
    int finished;        /* all codes are there */
    int replaces;        /* files that are there may be replaced: by --force, or because the run makes the same */
    const char *preview; /* the picture that shows the newest frame, or NULL */
    int frame_grid;      /* of the frames that the run gives */
    double max_memory; /* bytes; 0 = what is free */
    char *prompt; /* read from standard input, or NULL */
} cli_session;

/* What a session begins as. */
#define CLI_NO_SESSION { .journal = CLI_NO_JOURNAL }

/* The folder of the model that comes with the program, in fresh memory; NULL where it is not there. */
char *cli_find_model(void);

/* Opens the model, by default that one; CLI_OK, or another exit code after an error was printed. */
int cli_open(const cli_command *command, cli_session *session, const cli_model_options *options);
void cli_close(cli_session *session);

/* Messages of the library, notes only where the session is not quiet. */
cogvideo_log cli_log(cli_session *session);
/* Progress in bytes, of a cli_progress. */
int cli_on_bytes(void *user, const char *what, uint64_t done, uint64_t total);

/* Prints an error of the library; returns the exit code, which is the signal's where one ended the run. */
int cli_failed(cli_session *session, const cogvideo_error *err);

/* Progress, and frames into the session's sink. */
cogvideo_callbacks cli_callbacks(cli_session *session);

/* The prompt, or standard input for "-". NULL after an error was printed. */
const char *cli_prompt(cli_session *session, const char *argument);

/* What the clip's header tells, to be freed with cv_json_free; NULL where it has none. */
cv_json *cli_header(const cogvideo_tokens *clip);

/* Where the prompt is an option: "-" is read from standard input; without it and text ids the clip's header tells. */
int cli_clip_prompt(cli_session *session, cli_text_options *text, const cogvideo_tokens *clip);

/* Without --seed: the seed that made the clip's key frames or, in an unfinished clip, its frames; and with it the number
 * of the clip's sample, where --first-sample gives no other. */
void cli_clip_seed(const cli_session *session, cli_sampling_options *sampling, const cogvideo_tokens *clip);

/* Options of the library from those of the command line; draws and prints the seed where none was given. */
int cli_generate_options(const cli_command *command, cli_session *session, const cli_text_options *text,
                         cli_sampling_options *sampling, cogvideo_generate_options *out);
/* The same without a word, and without a seed where there is none yet: for plans. */
void cli_fill_options(cli_session *session, const cli_text_options *text, const cli_sampling_options *sampling, cogvideo_generate_options *out);
/* The fields of the above that do not sample. */
void cli_fill_text(cli_session *session, const cli_text_options *text, cogvideo_generate_options *out);

/* Saves `count` clips under their names and says so, or prints {"seed":..., "files":[...]} on standard output; no seed
 * where it is negative. Removes the partial files. */
int cli_save_result(cli_session *session, const cogvideo_tokens *clips, int count, const char *const *paths,
                    int64_t seed, int json);
/* Only saves them; `quiet`: without a word. */
int cli_save_clips(cli_session *session, const cogvideo_tokens *clips, int count, const char *const *paths, int quiet);
/* Only prints the object. */
void cli_result_json(const cogvideo_tokens *clips, int count, const char *const *paths, int64_t seed);

/* FNV-1a of all codes of a clip. */
uint32_t cli_codes_checksum(const cogvideo_tokens *clip);

/* Runs a step from codes (NULL: from the prompt alone) to codes; `out` has room for the options' samples. CLI_OK, or an exit
 * code after an error was printed. */
int cli_run_step(cli_session *session, const char *step, const cogvideo_generate_options *options, const cogvideo_tokens *in,
                 cogvideo_tokens *out);

/* Opens partial files for `count` clips on `grid` under their paths' names; the frames of a run go there. */
int cli_sink_open(cli_session *session, const cogvideo_generate_options *options, int grid, int count,
                  char *const *paths);

/* Names of `samples` clips, in fresh memory: `output` itself for one, else its %d replaced by the sample's number. */
int cli_sample_paths(const cli_command *command, const char *output, int samples, int first_sample, char **paths);

/* CLI_OK, or CLI_USAGE after an error: the one clip that is made would have a number in its name. */
int cli_refuse_number(const cli_command *command, const char *output);

/* Reads a clip. */
int cli_load_clip(cli_session *session, const char *path, cogvideo_tokens *clip);
/* Reads a clip, then opens the model. */
int cli_open_clip(const cli_command *command, cli_session *session, const cli_model_options *model, const char *input, cogvideo_tokens *in);

/* --- pixels ---------------------------------------------------------------------------------------- */

typedef struct cli_picture_options {
    int size, minmax, quality, columns, no_metadata;
    double fps;
} cli_picture_options;

extern const arg_option cli_picture_table[];

#define CLI_FORMS_HELP                                                                                          \
    "The ending of FILE tells its form: clip.mp4, .webm, .mkv, .gif and .png through FFmpeg's libraries where\n" \
    "they are built in; always clip.y4m, clip.mjpeg, frame-%04d.jpg and frame-%04d.ppm (a picture per frame), and\n" \
    "sheet.jpg and sheet.ppm (several frames as a contact sheet). %d and %04d are numbers, and beside one %% is a percent\n" \
    "sign; any other % is only a character, as in \"50% off.mp4\" and \"100%done.mp4\"."

/* A picture or video file to codes at `rate`, fitted to `size` x `size` (0 = the model's grid * rate), at most
 * `frames` frames (0 = all). */
int cli_encode_file(cli_session *session, const char *path, int rate, int size, int frames, cogvideo_tokens *out);
/* Whether a clip of so many frames, `side` pixels wide as they are decoded, can be written to `path` so, and memory has room for it. */
int cli_check_pixels(cli_session *session, const char *path, const cli_picture_options *options, int side, int frames);
/* Codes to a video file or pictures. */
int cli_decode_file(cli_session *session, const cogvideo_tokens *tokens, const cli_picture_options *options,
                    const char *path);

/* Shows a frame of the run in the session's preview. Where that fails the run is worth more: a warning, and no more previews. */
void cli_preview_frame(cli_session *session, const int32_t *codes);

/* CLI_OK, or CLI_USAGE after an error: -o is missing, or options beside it contradict it or each other. */
int cli_need_output(const cli_command *command, const cli_output_options *options);

/* Whether a file name ends so, in any case. */
int cli_ends_in(const char *path, const char *ending);

#endif
