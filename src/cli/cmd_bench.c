/* cogvideo bench - measures how fast this machine is, and how near the program comes to its limits. */
#include "commands.h"
#include "json_out.h"
#include "session.h"
#include "interrupt.h"
#include "say.h"

typedef struct settings {
    int threads, rounds, hidden, cache, lookahead, json, quiet;
    const char *kernels, *model, *config, *type, *work, *prompt;
    double seconds, hits;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "threads", 't', "N", CLI_THREADS_HELP, ARG_INT, FIELD(threads), 0, 1024, 0, NULL },
    { "rounds", 0, "N", "how many times everything is measured in turn; default 5", ARG_INT, FIELD(rounds), 1, 1000, 5,
      NULL },
    { "hidden", 0, "N", "width of the layers; default 3072, that of the full-size model", ARG_INT, FIELD(hidden), 64,
      16384, 0, NULL },
    { "model", 'm', "DIR", "a model: measure whole steps of it instead", ARG_TEXT, FIELD(model), 0, 0, 0, NULL },
    { "config", 0, "FILE", "a model config: measure whole steps of a model of that size, with random weights, instead",
      ARG_TEXT, FIELD(config), 0, 0, 0, NULL },
    { "work", 0, "DIR", "with --config: the directory in which that model is made, and found the next time", ARG_TEXT,
      FIELD(work), 0, 0, 0, NULL },
    { "type", 0, "TYPE", "with --config: type of the weights: f32, f16, bf16, q8 or q4; default q8", ARG_TEXT,
      FIELD(type), 0, 0, 0, "f32|f16|bf16|q8|q4" },
    { "cache", 0, "TYPE", "type of the model's KV cache: f16, q8 or f32; default f16", ARG_CHOICE, FIELD(cache), 0, 0,
      0, "f16|q8|f32" },
    { "seconds", 0, "X", "measure each kind of step for at most X seconds; default 10", ARG_NUMBER, FIELD(seconds),
      0.01, 100000, 10, NULL },
    { "lookahead", 0, NULL, "of that model only: steps that look at 1, 2, 4, 8 and 16 places of a sequence", ARG_FLAG,
      FIELD(lookahead), 0, 0, 0, NULL },
    { "prompt", 0, "TEXT", "for --lookahead and --model: what is drawn; default: a text of no meaning", ARG_TEXT,
      FIELD(prompt), 0, 0, 0, NULL },
    { "hits", 0, "X",
      "for --lookahead: let this share of the guesses come true, from 0.01 to 1; default: those that do", ARG_NUMBER,
      FIELD(hits), 0.01, 1, 0, NULL },
    { "kernels", 0, "NAME",
      "plain, avx2, avx512, amx or neon; default: COGVIDEO_CPU, or the best that the processor can run", ARG_TEXT,
      FIELD(kernels), 0, 0, 0, NULL },
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "print no progress", ARG_FLAG, FIELD(quiet), 0, 0, 0, NULL },
    { 0 },
};

static int on_measured(void *user, const cogvideo_progress *report)
{
    const settings *s = user;
    const long long each = report->total / (s->rounds + 1); /* measurements in a round, one of which warms up */

    if (!s->quiet && each > 0 && report->done % each == 0)
        cli_say("measuring: round %lld of %d", report->done / each, s->rounds);
    return cli_interrupted();
}

static void print_text(const cogvideo_bench_report *report)
{
    printf("%d threads, kernels %s, layers %d wide", report->threads, report->kernels, report->hidden);
    if (report->rounds > 1)
        printf(", medians of %d rounds", report->rounds);
    puts("\n");
    for (int i = 0; i < report->count; i++) {
        const cogvideo_bench_row *row = &report->rows[i];

        printf("%-28s %8.*f %-8s", row->name, row->rate < 100 ? 2 : 1, row->rate, row->unit);
        if (row->limit[0])
            printf(" %5.1f %% of %s", 100 * row->share, row->limit);
        putchar('\n');
    }
}

static void print_json(const cogvideo_bench_report *report)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_integer(&json, "threads", report->threads);
    json_string(&json, "kernels", report->kernels);
    json_integer(&json, "hidden", report->hidden);
    json_integer(&json, "rounds", report->rounds);
    json_begin_array(&json, "rows");
    for (int i = 0; i < report->count; i++) {
        const cogvideo_bench_row *row = &report->rows[i];

        json_begin(&json, NULL);
        json_string(&json, "name", row->name);
        json_number(&json, "rate", row->rate, 6);
        json_string(&json, "unit", row->unit);
        if (row->limit[0]) {
            json_string(&json, "limit", row->limit);
            json_number(&json, "share", row->share, 4);
        }
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    cogvideo_bench_options options = { .threads = s->threads,
                                       .rounds = s->rounds,
                                       .hidden = s->hidden,
                                       .kernels = s->kernels,
                                       .model = s->model,
                                       .config = s->config,
                                       .type = s->type,
                                       .cache = (cogvideo_cache)s->cache,
                                       .work = s->work,
                                       .seconds = s->seconds,
                                       .lookahead = s->lookahead,
                                       .prompt = s->prompt,
                                       .hits = s->hits,
                                       .progress = on_measured,
                                       .user = given };
    static cogvideo_bench_report report;
    cogvideo_error err;

    (void)arguments;
    if ((s->model || s->config) && s->hidden > 0)
        return cli_usage_error(command, "--hidden is for layers alone: a model has a width of its own");
    if (s->model && s->config)
        return cli_usage_error(command, "either --model or --config is measured, not both");
    if (s->lookahead && !s->model && !s->config)
        return cli_usage_error(command, "--lookahead needs a model to draw with: --model DIR or --config FILE");
    if (s->prompt && !s->model)
        return cli_usage_error(command, "--prompt needs a trained model: --model DIR");
    if (!s->lookahead && (s->prompt || s->hits > 0))
        return cli_usage_error(command, "--prompt and --hits go with --lookahead alone");
    if (s->config && !s->work)
        return cli_usage_error(command, "--config needs a directory for the model: --work DIR");
    cli_progress_init(&session.progress, s->quiet);
    if (cogvideo_bench(&options, &report, &err) != COGVIDEO_OK)
        return cli_failed(&session, &err);
    cli_progress_end(&session.progress);
    if (s->json)
        print_json(&report);
    else
        print_text(&report);
    return CLI_OK;
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_bench = {
    .name = "bench",
    .summary = "measure this machine, and how near the program comes to its limits",
    .usage = "[OPTIONS]",
    .details =
        "Reads memory and multiplies as fast as the processor can, then runs the linear layers of one transformer\n"
        "layer in each type of weights: one token of one sequence (batch 1), of several sequences at once, and many\n"
        "tokens of one (rows). Then come two convolutions over clips; the rate of the second counts the operations of\n"
        "the plain algorithm, while the program needs fewer. All are measured in turn, so that other work on the\n"
        "machine affects all alike.",
    .examples =
        "  cogvideo bench\n"
        "  cogvideo bench --hidden 512 --rounds 3 --threads 1 --json > machine.json\n"
        "  cogvideo bench --config configs/small.json --type q8 --work seeded --seconds 1\n"
        "  cogvideo bench --config configs/small.json --work seeded --seconds 1 --lookahead --hits 0.7\n"
        "  cogvideo bench --model weights/shapes --lookahead --prompt 'a large red star moves left on a white background'",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
