/* cogvideo dataset tokens - makes training rows of a dataset's clips, or measures how well a tokenizer suits them. */
#include "commands.h"
#include "dataset_made.h"
#include "json_out.h"
#include "output.h"
#include "say.h"

typedef struct settings {
    cli_model_options model;
    const char *output;
    int kind, rounds, cut_text, force, json, check, clips;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "output", 'o', "ROWS", "the file to make; ROWS.json beside it describes its rows", ARG_TEXT, FIELD(output), 0, 0,
      0, NULL },
    { "for", 0, "STEP",
      "image: text and the first frame; stage1: all key frames of a clip; stage2: the windows of every round of "
      "interpolation; masked: the box of a clip of the family phenaki; default stage1",
      ARG_CHOICE, FIELD(kind), 0, 0, COGVIDEO_ROWS_STAGE1, "image|stage1|stage2|masked" },
    { "rounds", 0, "N", "for stage2: only the windows of the first N rounds, which are the hard ones; default: all",
      ARG_INT, FIELD(rounds), 0, 64, 0, NULL },
    { "cut-text", 0, NULL, "cut captions that are too long for the model, with a warning, instead of failing", ARG_FLAG,
      FIELD(cut_text), 0, 0, 0, NULL },
    { "check", 0, NULL,
      "write nothing; measure what the image tokenizer loses of the clips, and how many codes change where pictures "
      "do not",
      ARG_FLAG, FIELD(check), 0, 0, 0, NULL },
    { "clips", 0, "N", "for --check: use N clips, spread evenly; 0 = all; default 100", ARG_INT, FIELD(clips), 0,
      10000000, 100, NULL },
    { "force", 'f', NULL, "replace an existing file", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    { "json", 0, NULL, "describe what was made as a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

static void print_json(const char *file, long long rows)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_string(&json, "file", file);
    json_integer(&json, "rows", rows);
    json_end(&json);
    putchar('\n');
}

static double share(long long part, long long all)
{
    return all > 0 ? 100.0 * (double)part / (double)all : 0;
}

static void print_check(const cogvideo_tokenizer_check *c)
{
    cli_print("checked           %d clip%s, %lld frames\n", c->clips, c->clips == 1 ? "" : "s", c->frames);
    cli_print("key frames        %.2f dB\n", c->key_psnr);
    if (c->between_psnr > 0)
        cli_print("frames between    %.2f dB\n", c->between_psnr);
    cli_print("codes in use      %d of %d\n", c->codes_used, c->codes);
    cli_print("plain places      %lld colour%s, %lld code%s\n", c->plain_colours, c->plain_colours == 1 ? "" : "s",
              c->plain_codes, c->plain_codes == 1 ? "" : "s");
    cli_print("unchanged         %.2f %% of %lld places have another code than in the previous key frame\n",
              share(c->still_changed, c->still), c->still);
    cli_print("all places        %.2f %% of %lld have another code than there\n", share(c->changed, c->places),
              c->places);
    cli_print("moved patterns    %.2f %% of %lld keep their code one place further on\n",
              share(c->patterns_kept, c->patterns), c->patterns);
}

static void print_check_json(const cogvideo_tokenizer_check *c)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_integer(&json, "clips", c->clips);
    json_integer(&json, "frames", c->frames);
    json_number(&json, "key_psnr", c->key_psnr, 6);
    json_number(&json, "between_psnr", c->between_psnr, 6);
    json_integer(&json, "codes", c->codes);
    json_integer(&json, "codes_used", c->codes_used);
    json_integer(&json, "places", c->places);
    json_integer(&json, "changed", c->changed);
    json_integer(&json, "still", c->still);
    json_integer(&json, "still_changed", c->still_changed);
    json_integer(&json, "plain_colours", c->plain_colours);
    json_integer(&json, "plain_codes", c->plain_codes);
    json_integer(&json, "patterns", c->patterns);
    json_integer(&json, "patterns_kept", c->patterns_kept);
    json_end(&json);
    putchar('\n');
}

static int make_rows(const settings *s, cli_session *session, const cogvideo_dataset *dataset)
{
    const cogvideo_rows_options options = { .kind = (cogvideo_rows_kind)s->kind,
                                            .cut_text = s->cut_text,
                                            .force = s->force,
                                            .rounds = s->rounds };
    cogvideo_dataset_callbacks callbacks = cli_dataset_callbacks(session);
    cogvideo_error err;
    long long rows = 0;

    if (cogvideo_dataset_tokens(dataset, session->model, s->output, &options, &callbacks, &rows, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (s->json)
        print_json(s->output, rows);
    else if (!s->model.quiet)
        cli_say("%s: %lld row%s", s->output, rows, rows == 1 ? "" : "s");
    return CLI_OK;
}

static int check(const settings *s, cli_session *session, const cogvideo_dataset *dataset)
{
    cogvideo_dataset_callbacks callbacks = cli_dataset_callbacks(session);
    cogvideo_tokenizer_check found;
    cogvideo_error err;

    if (cogvideo_dataset_check_tokenizer(dataset, session->model, s->clips, &callbacks, &found, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (s->json)
        print_check_json(&found);
    else
        print_check(&found);
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    cogvideo_dataset *dataset = NULL;
    cogvideo_error err;
    int status = CLI_OK;

    if (s->check && s->output)
        return cli_usage_error(command, "--check writes nothing and cannot be combined with -o");
    if (!s->check && !s->output)
        return cli_usage_error(command, "an output is missing: -o ROWS");
    if (s->rounds > 0 && s->kind != COGVIDEO_ROWS_STAGE2)
        return cli_usage_error(command, "--rounds is for rows of stage 2: add --for stage2");
    if ((s->output && (status = cli_check_output(s->output, s->force)) != CLI_OK) ||
        (status = cli_open(command, &session, &s->model)) != CLI_OK)
        goto done;
    if (cogvideo_dataset_open(&dataset, arguments->values[0], &err) != COGVIDEO_OK)
        status = cli_failed(&session, &err);
    else
        status = s->check ? check(s, &session, dataset) : make_rows(s, &session, dataset);
done:
    cogvideo_dataset_close(&dataset);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = { { "Options", table, 0 },
                                    { "Model", cli_model_table, offsetof(settings, model) },
                                    { 0 } };

const cli_command cmd_dataset_tokens = {
    .name = "dataset tokens",
    .summary = "turn a dataset into training rows with a model's tokenizers",
    .usage = "[OPTIONS] DATA -o ROWS | --check",
    .details =
        "A row is int32 without a header: text ids, padded with <pad>, then frames of codes, in time order. The "
        "model's\n"
        "durations set the time between the frames of a row: 1 second for stage 1 of CogVideo, and 1/2, 1/4 and 1/8\n"
        "second for the rounds of stage 2. 'cogvideo tokens convert --row' reads a row.\n"
        "Codes that change where the picture does not are noise to a network that learns to predict them; --check "
        "counts\n"
        "such codes.",
    .examples = "  cogvideo dataset tokens shapes -o stage1.rows\n"
                "  cogvideo dataset tokens shapes --for stage2 -o stage2.rows\n"
                "  cogvideo dataset tokens shapes --check --clips 2",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a dataset is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
