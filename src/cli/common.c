#include "common.h"

#include "interrupt.h"
#include "say.h"

#include "base/json.h"
#include "base/pattern.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define MAX_PROMPT ((size_t)1 << 20)
#define FEW_WORDS 200             /* pieces of a model whose words are told */
#define WORD_START "\xe2\x96\x81" /* U+2581, a space in a piece */

int cli_ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);

    return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

/* --- opening --------------------------------------------------------------------------------------- */

static void log_message(void *user, cogvideo_log_level level, const char *text)
{
    cli_session *session = user;

    if (level == COGVIDEO_LOG_INFO && session->progress.quiet)
        return;
    cli_progress_clear(&session->progress);
    cli_say("cogvideo: %s%s", level == COGVIDEO_LOG_WARNING ? "warning: " : "", text);
}

cogvideo_log cli_log(cli_session *session)
{
    return (cogvideo_log){ log_message, session };
}

int cli_on_bytes(void *user, const char *what, uint64_t done, uint64_t total)
{
    return cli_progress_bytes(user, what, done, total);
}

int cli_open(const cli_command *command, cli_session *session, const cli_model_options *options)
{
    cogvideo_model_options open = { .threads = options->threads, .f32_inputs = options->f32_inputs,
                                     .cache = (cogvideo_cache)options->cache, .lock = options->lock,
                                     .interleave = options->interleave, .log = cli_log(session) };
    char *shipped = options->model ? NULL : cli_find_model();
    const char *folder = options->model ? options->model : shipped;
    cogvideo_error err;
    cogvideo_status status;

    cli_progress_init(&session->progress, options->quiet);
    session->max_memory = 1e9 * options->max_memory;
    if (!folder)
        return cli_usage_error(command, "a model is missing: --model DIR");
    if (shipped && !options->quiet)
        cli_say("model: %s, which comes with the program; --model takes another", shipped);
    status = cogvideo_model_open(&session->model, folder, &open, &err);
    free(shipped);
    if (status != COGVIDEO_OK)
        return cli_failed(session, &err);
    cogvideo_model_get_info(session->model, &session->info);
    return CLI_OK;
}

void cli_close(cli_session *session)
{
    cli_sink_close(&session->sink, 0);
    cli_journal_close(&session->journal, 0);
    cogvideo_model_close(&session->model);
    cv_json_free(&session->earlier);
    free(session->prompt);
}

int cli_failed(cli_session *session, const cogvideo_error *err)
{
    cli_progress_end(&session->progress);
    if (err->status != COGVIDEO_ERROR_CANCELLED)
        cli_error("%s", err->message);
    else if (cli_interrupted())
        cli_say("cogvideo: interrupted");
    /* else a callback stopped the run, and has said why */
    cli_sink_close(&session->sink, 1);
    return cli_interrupted() ? 128 + cli_interrupted() : CLI_FAILED;
}

/* --- callbacks ------------------------------------------------------------------------------------- */

static int on_progress(void *user, const cogvideo_progress *report)
{
    cli_session *session = user;

    cli_journal_sync(&session->journal);
    return cli_progress_report(&session->progress, report);
}

static int on_frame(void *user, int sample, int frame, double time, const int32_t *codes)
{
    cli_session *session = user;

    (void)frame;
    if (session->preview && sample == session->sink.first_sample)
        cli_preview_frame(session, codes);
    return cli_sink_frame(&session->sink, sample, time, codes);
}

static int on_row(void *user, const cogvideo_row *row, const int32_t *codes)
{
    return cli_journal_add(&((cli_session *)user)->journal, row, codes);
}

static int on_recall(void *user, const cogvideo_row *row, int32_t *codes)
{
    return cli_journal_find(&((cli_session *)user)->journal, row, codes);
}

cogvideo_callbacks cli_callbacks(cli_session *session)
{
    const int kept = session->journal.path != NULL;

    return (cogvideo_callbacks){ .progress = on_progress, .frame = on_frame, .row = kept ? on_row : NULL,
                                 .recall = kept ? on_recall : NULL, .user = session };
}

/* --- texts and sampling ------------------------------------------------------------------------------ */

const char *cli_prompt(cli_session *session, const char *argument)
{
    const char *other;
    size_t size;

    if (strcmp(argument, "-") != 0)
        return argument;
    session->prompt = cli_alloc(MAX_PROMPT + 2, 1);
    size = fread(session->prompt, 1, MAX_PROMPT + 1, stdin);
    if (ferror(stdin)) {
        cli_error("standard input: cannot be read: %s", strerror(errno));
        return NULL;
    }
    if (size > MAX_PROMPT) {
        cli_error("standard input: a prompt may have at most %zu bytes", MAX_PROMPT);
        return NULL;
    }
    if ((other = cv_utf8_other(session->prompt, size))) {
        cli_error("standard input: " CV_UTF8_EXPECTED, other, other);
        return NULL;
    }
    if (memchr(session->prompt, 0, size)) {
        cli_error("standard input: holds a zero byte; a text was expected");
        return NULL;
    }
    while (size > 0 && strchr("\r\n", session->prompt[size - 1]))
        session->prompt[--size] = '\0';
    return session->prompt + cv_utf8_mark(session->prompt, size);
}

cv_json *cli_header(const cogvideo_tokens *clip)
{
    cv_json *header = NULL;

    return clip->header && cv_json_parse(&header, clip->header, strlen(clip->header), "the clip's header", NULL) == COGVIDEO_OK ? header : NULL;
}

/* The whole number `key` of an object, from 0 to `max`; -1 where there is none. */
static int64_t whole_number(const cv_json *object, const char *key, int64_t max)
{
    int64_t value;

    return cv_json_int(object, key, 0, max, &value, "", NULL) == COGVIDEO_OK ? value : -1;
}

/* The prompt that a clip's header tells, in fresh memory, or NULL. */
static char *header_prompt(const cogvideo_tokens *clip)
{
    cv_json *header = cli_header(clip);
    const char *text = NULL;
    char *prompt = cv_json_string(header, "prompt", &text, "", NULL) == COGVIDEO_OK ? cli_format("%s", text) : NULL;

    cv_json_free(&header);
    return prompt;
}

int cli_clip_prompt(cli_session *session, cli_text_options *text, const cogvideo_tokens *clip)
{
    if (text->prompt)
        return (text->prompt = cli_prompt(session, text->prompt)) ? CLI_OK : CLI_FAILED;
    if (!text->text_ids.values)
        text->prompt = session->prompt = header_prompt(clip);
    if (text->prompt || text->text_ids.values)
        return CLI_OK;
    return cli_error("no prompt is known: the clip's header has none; give --prompt or --text-ids");
}

/* The words of a model that knows few enough to be told: its pieces but for marks, digits and pieces like <n>. */
static void print_words(const cogvideo_model_info *info, const cogvideo_model *model, FILE *out)
{
    int first = info->image_codes;

    fputs("it knows:", out);
    for (int id = first; id < first + info->text_pieces; id++) {
        const char *piece = cogvideo_text_piece(model, id);

        if (strncmp(piece, WORD_START, strlen(WORD_START)) == 0)
            piece += strlen(WORD_START);
        if (*piece != '<' && (isalpha((unsigned char)*piece) || strlen(piece) > 3))
            fprintf(out, " %s", piece);
    }
}

/* What is not will be refused. */
static int is_utf8(const char *text)
{
    int length = 1;

    for (; *text && length; text += length)
        length = cli_utf8(text);
    return length != 0;
}

/* Nobody can foresee what a word does that was not in the training data. */
static void warn_of_unknown(cli_session *session, const char *prompt)
{
    const cogvideo_model_info *info = &session->info;
    char *unknown = NULL, *words = NULL, *text;
    cogvideo_error err;
    size_t size;
    FILE *out;

    if (!prompt || !is_utf8(prompt) || !info->has_text_tokenizer ||
        cogvideo_text_unknown(session->model, prompt, strlen(prompt), &unknown, &err) != COGVIDEO_OK || !unknown)
        return;
    if (info->text_pieces <= FEW_WORDS && (out = open_memstream(&words, &size))) {
        print_words(info, session->model, out);
        fclose(out);
    }
    text = cli_excerpt(unknown);
    cli_say("cogvideo: warning: the model has never seen '%s'%s%s", text, words ? "; " : "", words ? words : "");
    free(text);
    free(words);
    cogvideo_free(unknown);
}

static void fill_text(cli_session *session, const cli_text_options *text, cogvideo_generate_options *out)
{
    cogvideo_generate_defaults(out);
    out->prompt = text->prompt;
    out->text_ids = text->text_ids.values;
    out->text_count = text->text_ids.count;
    out->guide_ids = text->guide_ids.values;
    out->guide_count = text->guide_ids.count;
    /* Not given: the model's, which the library writes as 0; 0 given: off. */
    out->guidance = isnan(text->guidance) ? 0 : text->guidance == 0 ? -1 : text->guidance;
    out->text_weight = text->text_weight;
    out->cut_text = text->cut_text;
    out->callbacks = cli_callbacks(session);
}

void cli_fill_text(cli_session *session, const cli_text_options *text, cogvideo_generate_options *out)
{
    warn_of_unknown(session, text->prompt);
    fill_text(session, text, out);
}

void cli_clip_seed(const cli_session *session, cli_sampling_options *sampling, const cogvideo_tokens *clip)
{
    static const char *const makers[] = { "keyframes", "first_frame", NULL };
    int64_t seed = -1, sample;
    cv_json *header;

    if (sampling->seed != CLI_SEED_NONE)
        return;
    header = cli_header(clip);
    for (size_t i = 0; i < sizeof makers / sizeof *makers && seed < 0; i++)
        seed = whole_number(makers[i] ? cv_json_get(header, makers[i]) : header, "seed", CLI_MAX_SEED);
    sample = whole_number(header, "sample", CLI_MAX_SAMPLE);
    cv_json_free(&header);
    if (seed < 0)
        return;
    sampling->seed = seed;
    if (sampling->first_sample == 0 && sample > 0)
        sampling->first_sample = (int)sample;
    if (!sampling->greedy && !session->progress.quiet)
        cli_say("seed: %lld, sample %d, as the clip's key frames", (long long)seed, sampling->first_sample);
}

/* A run that goes on, or is asked for again, has the seed with which it was begun. */
static int draw_seed(cli_session *session, cli_sampling_options *sampling)
{
    uint32_t seed;

    if (sampling->seed < 0)
        sampling->seed = whole_number(session->earlier, "seed", CLI_MAX_SEED);
    if (sampling->seed >= 0)
        return CLI_OK;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return cli_error("no random seed can be had from the system: %s", strerror(errno));
    sampling->seed = seed;
    if (!sampling->greedy && !session->progress.quiet)
        cli_say("seed: %u", seed);
    return CLI_OK;
}

void cli_fill_options(cli_session *session, const cli_text_options *text, const cli_sampling_options *sampling, cogvideo_generate_options *out)
{
    const int by_rank = sampling->top_k > 0 || sampling->top_p > 0;

    fill_text(session, text, out);
    out->seed = sampling->seed < 0 ? 0 : (uint64_t)sampling->seed;
    out->first_sample = sampling->first_sample;
    out->sampling.temperature = sampling->temperature;
    out->sampling.code_temperature = sampling->code_temperature;
    out->sampling.clusters = by_rank || sampling->clusters == 0 ? -1 : sampling->clusters < 0 ? 0 : sampling->clusters;
    out->sampling.top_k = sampling->top_k;
    out->sampling.top_p = sampling->top_p;
    out->sampling.greedy = sampling->greedy;
}

int cli_generate_options(const cli_command *command, cli_session *session, const cli_text_options *text,
                         cli_sampling_options *sampling, cogvideo_generate_options *out)
{
    int status;

    if ((sampling->top_k > 0 || sampling->top_p > 0) && sampling->clusters > 0)
        return cli_usage_error(command, "--top-k and --top-p draw without clusters; leave --clusters out");
    if ((status = draw_seed(session, sampling)) != CLI_OK)
        return status;
    warn_of_unknown(session, text->prompt);
    cli_fill_options(session, text, sampling, out);
    return CLI_OK;
}

int cli_score_what(const cli_command *command, const cli_score_options *options, cogvideo_score_options *out)
{
    if (options->first_frame && options->stage == 2)
        return cli_usage_error(command, "--first-frame belongs to stage 1");
    *out = (cogvideo_score_options){ .stage = options->stage, .first_frame = options->first_frame };
    return CLI_OK;
}

/* --- results --------------------------------------------------------------------------------------- */

int cli_need_output(const cli_command *command, const cli_output_options *options)
{
    if (!options->output)
        return cli_usage_error(command, "an output is missing: -o FILE");
    if (options->json && strcmp(options->output, "-") == 0)
        return cli_usage_error(command, "--json and -o - both want standard output");
    if (options->resume && strcmp(options->output, "-") == 0)
        return cli_usage_error(command, "--resume goes on from a journal beside the output, so -o must be a file name");
    if (options->resume && options->force)
        return cli_usage_error(command, "--resume goes on and --force begins anew; one of them was expected");
    return CLI_OK;
}

uint32_t cli_codes_checksum(const cogvideo_tokens *clip)
{
    return cli_checksum(clip->codes, (size_t)clip->frames * cogvideo_tokens_per_frame(clip) * sizeof *clip->codes);
}

static int save_clip(cli_session *session, const cogvideo_tokens *clip, const char *path, int quiet)
{
    cogvideo_error err;

    cli_progress_end(&session->progress);
    if (cogvideo_tokens_save(clip, path, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (!quiet && !session->progress.quiet && strcmp(path, "-") != 0)
        cli_say("%s: %d frame%s of %dx%d codes", path, clip->frames, clip->frames == 1 ? "" : "s", clip->width,
                clip->height);
    return CLI_OK;
}

void cli_result_json(const cogvideo_tokens *clips, int count, const char *const *paths, int64_t seed)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    if (seed >= 0)
        json_integer(&json, "seed", seed);
    json_begin_array(&json, "files");
    for (int i = 0; i < count; i++) {
        json_begin(&json, NULL);
        json_string(&json, "file", paths[i]);
        json_integer(&json, "frames", clips[i].frames);
        json_shape(&json, &clips[i]);
        json_integer(&json, "rate", clips[i].rate);
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

int cli_save_clips(cli_session *session, const cogvideo_tokens *clips, int count, const char *const *paths, int quiet)
{
    int status;

    cli_sink_close(&session->sink, 0);
    for (int i = 0; i < count; i++)
        if ((status = save_clip(session, &clips[i], paths[i], quiet)) != CLI_OK)
            return status;
    return CLI_OK;
}

int cli_save_result(cli_session *session, const cogvideo_tokens *clips, int count, const char *const *paths, int64_t seed, int json)
{
    int status = cli_save_clips(session, clips, count, paths, json);

    if (status == CLI_OK && json)
        cli_result_json(clips, count, paths, seed);
    return status;
}

/* The header of a partial file: model, prompt, seed and sample. */
static char *partial_header(const cli_session *session, const cogvideo_generate_options *options, int sample)
{
    char *text = NULL;
    size_t size;
    json_out json = { .stream = open_memstream(&text, &size), .first = 1 };

    if (!json.stream)
        return NULL;
    json_begin(&json, NULL);
    json_string(&json, "model", session->info.name);
    if (options->prompt)
        json_string(&json, "prompt", options->prompt);
    if (options->text_ids)
        json_ints(&json, "text_ids", options->text_ids, options->text_count);
    json_integer(&json, "seed", (long long)options->seed);
    json_integer(&json, "sample", sample);
    json_bool(&json, "unfinished", 1);
    json_end(&json);
    fclose(json.stream);
    return text;
}

int cli_run_step(cli_session *session, const char *step, const cogvideo_generate_options *options, const cogvideo_tokens *in,
                 cogvideo_tokens *out)
{
    const cogvideo_value given = { .kind = in ? COGVIDEO_KIND_CODES : COGVIDEO_KIND_NONE, .codes = in ? *in : (cogvideo_tokens){ 0 } };
    cogvideo_value made[CLI_MAX_SAMPLES] = { { 0 } };
    cogvideo_error err;

    if (cogvideo_run_step(session->model, step, options, &given, made, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    for (int i = 0; i < (options->samples ? options->samples : 1); i++)
        out[i] = made[i].codes;
    return CLI_OK;
}

int cli_sink_open(cli_session *session, const cogvideo_generate_options *options, int grid, int count,
                  char *const *paths)
{
    int status = CLI_OK;

    session->sink.first_sample = options->first_sample;
    session->frame_grid = grid;
    for (int i = 0; i < count && status == CLI_OK; i++) {
        cogvideo_tokens header = { .height = grid, .width = grid, .rate = session->info.rate, .frames_per_code = 1,
                                   .header = partial_header(session, options, options->first_sample + i) };

        status = cli_sink_add(&session->sink, paths[i], &header);
        free(header.header);
    }
    return status;
}

int cli_sample_paths(const cli_command *command, const char *output, int samples, int first_sample, char **paths)
{
    for (int i = 0; i < samples; i++) {
        paths[i] = samples == 1 ? cli_format("%s", output) : cli_numbered(output, first_sample + i);
        if (!paths[i])
            return cli_usage_error(command,
                                   "--samples %d needs a number in the output's name, such as clip-%%d, in '%s'",
                                   samples, output);
    }
    return CLI_OK;
}

int cli_refuse_number(const cli_command *command, const char *output)
{
    if (!cv_pattern_is(output))
        return CLI_OK;
    return cli_usage_error(command, "one clip is made, so its name takes no number, as '%s' has", output);
}

int cli_load_clip(cli_session *session, const char *path, cogvideo_tokens *clip)
{
    cogvideo_error err;

    return cogvideo_tokens_load(clip, path, &err) == COGVIDEO_OK ? CLI_OK : cli_failed(session, &err);
}

int cli_open_clip(const cli_command *command, cli_session *session, const cli_model_options *model, const char *input, cogvideo_tokens *in)
{
    int status = cli_load_clip(session, input, in);

    return status == CLI_OK ? cli_open(command, session, model) : status;
}
