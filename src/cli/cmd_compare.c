/* cogvideo compare - measures how far one model is from another on a clip. */
#include "commands.h"
#include "generate_options.h"
#include "json_out.h"
#include "prompt.h"
#include "result.h"
#include "say.h"

typedef struct settings {
    int threads, activations, quiet, json;
    cli_text_options text;
    cli_score_options score;
    double margin;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "margin", 0, "X",
      "a token is firm if A's most likely code leads the next one by more than X in logits; default 0.2", ARG_NUMBER,
      FIELD(margin), 0, 1000, 0.2, NULL },
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "threads", 't', "N", CLI_THREADS_HELP, ARG_INT, FIELD(threads), 0, 1024, 0, NULL },
    { "activations", 0, "TYPE",
      "inputs of layers whose weights are q8 or q4: q8, or f32, which compares the weights alone; default q8",
      ARG_CHOICE, FIELD(activations), 0, 0, 0, "q8|f32" },
    { "quiet", 'q', NULL, "print neither progress nor notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0,
      0, NULL },
    { 0 },
};

static void print(const cogvideo_comparison *c, int as_json)
{
    json_out json = { .stream = stdout, .first = 1 };

    if (!as_json) {
        printf("codes                  %lld\n", c->codes);
        printf("KL divergence          %.6f nats per code\n", c->divergence);
        printf("same most likely      %.2f %%\n", 100 * c->agreement);
        printf("  where A is firm      %.2f %% of %lld\n", 100 * c->firm_agreement, c->firm_codes);
        printf("log-probability differs by %.6f on average, %.6f at most\n", c->difference, c->largest_difference);
        return;
    }
    json_begin(&json, NULL);
    json_integer(&json, "codes", c->codes);
    json_number(&json, "divergence", c->divergence, 7);
    json_number(&json, "agreement", c->agreement, 7);
    json_integer(&json, "firm_codes", c->firm_codes);
    json_number(&json, "firm_agreement", c->firm_agreement, 7);
    json_number(&json, "difference", c->difference, 7);
    json_number(&json, "largest_difference", c->largest_difference, 7);
    json_end(&json);
    putchar('\n');
}

static int compare(cli_session *a, cli_session *b, settings *s, const cogvideo_score_options *what,
                   const cogvideo_tokens *clip)
{
    cogvideo_generate_options options_a, options_b;
    cogvideo_comparison comparison;
    cogvideo_error err;
    int status = cli_clip_prompt(a, &s->text, clip);

    if (status != CLI_OK)
        return status;
    cli_warn_of_unknown(a, s->text.prompt);
    cli_fill_text(a, &s->text, &options_a);
    cli_fill_text(b, &s->text, &options_b);
    if (cogvideo_compare(a->model, &options_a, b->model, &options_b, what, s->margin, clip, &comparison, &err) !=
        COGVIDEO_OK)
        return cli_failed(a, &err);
    cli_progress_end(&a->progress);
    print(&comparison, s->json);
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session sessions[2] = { { 0 }, { 0 } };
    cogvideo_tokens clip = { 0 };
    cogvideo_score_options what;
    int status = cli_score_what(command, &s->score, &what);

    if (status != CLI_OK)
        return status;
    for (int i = 0; i < 2 && status == CLI_OK; i++) {
        cli_model_options open = { .model = arguments->values[i],
                                   .threads = s->threads,
                                   .activations = s->activations,
                                   .quiet = s->quiet };

        status = cli_open(command, &sessions[i], &open);
    }
    if (status == CLI_OK && (status = cli_load_clip(&sessions[0], arguments->values[2], &clip)) == CLI_OK)
        status = compare(&sessions[0], &sessions[1], s, &what, &clip);
    cogvideo_tokens_free(&clip);
    cli_close(&sessions[0]);
    cli_close(&sessions[1]);
    return status;
}

static const arg_group groups[] = {
    { "Options", cli_score_table, offsetof(settings, score) },
    { "More options", table, 0 },
    { "Text", cli_prompt_table, offsetof(settings, text) },
    { "More about the text", cli_text_table, offsetof(settings, text) },
    { "Guidance", cli_guide_table, offsetof(settings, text) },
    { 0 },
};

const cli_command cmd_compare = {
    .name = "compare",
    .summary = "measure how far one model is from another on a clip",
    .usage = "[OPTIONS] A B CODES",
    .details =
        "For each code of the clip, given the true codes before it: the divergence of B's distribution from A's,\n"
        "whether the same code is the most likely one in both, and how much the log-probability of the clip's own\n"
        "code differs. If B is a quantized copy of A, this is what quantization has cost.",
    .examples = "  cogvideo quantize weights/shapes --type q4 shapes-q4\n"
                "  cogvideo compare weights/shapes shapes-q4 clip.keyframes.jsonl",
    .min_arguments = 3,
    .max_arguments = 3,
    .missing = "two models and a file of codes are missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
