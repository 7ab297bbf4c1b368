/* cogvideo dataset tokens - the clips of a dataset as training rows. */
#include "commands.h"
#include "dataset_run.h"
#include "say.h"

typedef struct settings {
    cli_model_options model;
    const char *output;
    int kind, rounds, cut_text, force, json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "output", 'o', "ROWS", "the file to make; ROWS.json beside it says what a row is", ARG_TEXT, FIELD(output), 0, 0,
      0, NULL },
    { "for", 0, "STEP",
      "image: text and the first frame; stage1: all key frames of a clip; stage2: the windows of every round of "
      "interpolation; default stage1", ARG_CHOICE, FIELD(kind), 0, 0, COGVIDEO_ROWS_STAGE1, "image|stage1|stage2" },
    { "rounds", 0, "N", "for stage2: the windows of the first N rounds alone, which are the hard ones; default all", ARG_INT,
      FIELD(rounds), 0, 64, 0, NULL },
    { "cut-text", 0, NULL, "cut captions that are longer than the model's room, with a warning, instead of an error",
      ARG_FLAG, FIELD(cut_text), 0, 0, 0, NULL },
    { "force", 'f', NULL, "replace a file that is there already", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    { "json", 0, NULL, "what was made, as a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
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

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    const cogvideo_rows_options options = { (cogvideo_rows_kind)s->kind, s->cut_text, s->force, s->rounds };
    cli_dataset_run making = { .session = CLI_NO_SESSION };
    cogvideo_dataset_callbacks callbacks;
    cogvideo_dataset *dataset = NULL;
    cogvideo_error err;
    long long rows = 0;
    int status;

    if (!s->output)
        return cli_usage_error(command, "an output is missing: -o ROWS");
    if ((status = cli_check_output(s->output, s->force)) != CLI_OK ||
        (status = cli_open(command, &making.session, &s->model)) != CLI_OK)
        goto done;
    callbacks = cli_dataset_callbacks(&making, "clips");
    if (cogvideo_dataset_open(&dataset, arguments->values[0], &err) != COGVIDEO_OK ||
        cogvideo_dataset_tokens(dataset, making.session.model, s->output, &options, &callbacks, &rows, &err) !=
            COGVIDEO_OK)
        status = cli_failed(&making.session, &err);
    else if (s->json)
        print_json(s->output, rows);
    else if (!s->model.quiet)
        cli_say("%s: %lld row%s", s->output, rows, rows == 1 ? "" : "s");
done:
    cogvideo_dataset_close(&dataset);
    cli_close(&making.session);
    return status;
}

static const arg_group groups[] = {
    { "Options", table, 0 }, { "Model", cli_model_table, offsetof(settings, model) }, { 0 }
};

const cli_command cmd_dataset_tokens = {
    .name = "dataset tokens",
    .summary = "turn a dataset into training rows with a model's tokenizers",
    .usage = "[OPTIONS] DATA -o ROWS",
    .details =
        "A row is int32 without a header: text ids, <pad> behind them, then frames of codes, in time order. The frames\n"
        "of a row stand as far apart as the model's durations say: 1 second for stage 1 of CogVideo, and 1/2, 1/4 and\n"
        "1/8 second for the rounds of stage 2. 'cogvideo tokens convert --row' reads one.",
    .examples = "  cogvideo dataset tokens shapes -o stage1.rows\n"
                "  cogvideo dataset tokens shapes --for stage2 -o stage2.rows",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a dataset is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
