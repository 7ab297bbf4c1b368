/* cogvideo evaluate - metrics of generated videos, each with its protocol. */
#include "commands.h"
#include "evaluate_options.h"
#include "evaluate_print.h"
#include "json_out.h"
#include "say.h"

#include "evaluate/set.h"
#include <string.h>

typedef struct settings {
    cli_evaluate_options networks;
    cli_protocol_options protocol;
    cli_counting_options counting;
    const char *real, *metric, *features;
    int features_only, through_tokenizer, few, json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "real", 'r', "SET", "the real clips; default: with the networks of the shapes world, clips that are drawn of it",
      ARG_TEXT, FIELD(real), 0, 0, 0, NULL },
    { "metric", 0, "NAME,...", "which: fvd, is, image-is, fid, clip, clipscore, clip100; default fvd", ARG_TEXT,
      FIELD(metric), 0, 0, 0, "fvd|is|clip|fid|image-is|clipscore|clip100" },
    { "features", 0, "DIR", "keep features in this folder, and take from it what was computed before", ARG_TEXT,
      FIELD(features), 0, 0, 0, NULL },
    { "features-only", 0, NULL, "stop when the features are there", ARG_FLAG, FIELD(features_only), 0, 0, 0, NULL },
    { "real-through-tokenizer", 0, NULL,
      "first encode and decode the real clips by the image tokenizer of --model, as the papers of VideoGPT and CogVideo "
      "also did",
      ARG_FLAG, FIELD(through_tokenizer), 0, 0, 0, NULL },
    { "few", 0, NULL, "compare even fewer than 32 clips", ARG_FLAG, FIELD(few), 0, 0, 0, NULL },
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

static void print_files(const cogvideo_evaluation *evaluation, int as_json)
{
    json_out json = { .stream = stdout, .first = 1 };

    if (!as_json) {
        for (int i = 0; i < evaluation->file_count; i++)
            cli_print("%s\n", evaluation->files[i]);
        return;
    }
    json_begin(&json, NULL);
    json_begin_array(&json, "files");
    for (int i = 0; i < evaluation->file_count; i++)
        json_string(&json, NULL, evaluation->files[i]);
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

static int print(cli_session *session, const settings *s, const cogvideo_evaluation *evaluation)
{
    cogvideo_error err;
    char *text;

    if (s->features_only) {
        print_files(evaluation, s->json);
    } else if (!s->json) {
        cli_print_evaluation(evaluation);
    } else {
        if (cogvideo_evaluation_json(evaluation, &text, &err) != COGVIDEO_OK)
            return cli_failed(session, &err);
        puts(text);
        cogvideo_free(text);
    }
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    const char *generated = arguments->count ? arguments->values[0] : NULL;
    const int decodes = s->through_tokenizer || (generated && cv_set_holds_codes(generated)) ||
                        (s->real && cv_set_holds_codes(s->real));
    cogvideo_evaluate_options options;
    cogvideo_evaluation evaluation = { 0 };
    cli_networks open = { 0 };
    cogvideo_error err;
    int status;

    if (!generated && !s->features_only)
        return cli_usage_error(command, "a set of generated clips is missing");
    if (s->features_only && (!s->features || (!generated && !s->real)))
        return cli_usage_error(command, "--features-only needs --features DIR and a set, generated or --real");
    cogvideo_evaluate_defaults(&options);
    cli_protocol(&s->protocol, &options.protocol);
    cli_counting(&s->counting, &options.protocol);
    options.generated = generated;
    options.real = s->real;
    options.metrics = s->metric ? s->metric : options.metrics;
    options.features = s->features;
    options.features_only = s->features_only;
    options.real_through_tokenizer = s->through_tokenizer;
    options.few = s->few;
    if ((status = cli_open_networks(command, &open, &s->networks, decodes, &options)) == CLI_OK) {
        if (cogvideo_evaluate(&options, &evaluation, &err) != COGVIDEO_OK)
            status = cli_failed(&open.session, &err);
        else
            status = print(&open.session, s, &evaluation);
    }
    cogvideo_evaluation_free(&evaluation);
    cli_close_networks(&open);
    return status;
}

static const arg_group groups[] = { { "Options", table, 0 },
                                    { "Protocol", cli_protocol_table, offsetof(settings, protocol) },
                                    { "Counting", cli_counting_table, offsetof(settings, counting) },
                                    { "Networks", cli_evaluate_table, offsetof(settings, networks) },
                                    { 0 } };

const cli_command cmd_evaluate = {
    .name = "evaluate",
    .summary = "metrics of generated videos: FVD, Inception Score, CLIP score, FID",
    .usage = "[OPTIONS] SET",
    .details =
        "A set is a folder of videos, of folders of pictures, or of clips of codes; a dataset; a list (.list) with a\n"
        "line of path, tab and prompt for each clip; or a file of features. Prompts stand in a dataset, in a list, in\n"
        "the clip.json that generate leaves beside clip.mp4, or in clip.txt.\n\n"
        "Every field of the protocol is printed beside each number: numbers of different protocols cannot be compared\n"
        "(docs/evaluation.md). The networks that come with the program know the shapes world alone, and what they\n"
        "measure is called fvd-shapes, is-shapes and clip-shapes. With --features an interrupted run goes on where it\n"
        "is begun again.",
    .examples =
        "  cogvideo evaluate shapes --metric fvd,is,clip --samples 20 --few\n"
        "  cogvideo evaluate shapes --samples 20 --few --features features --json\n"
        "  cogvideo evaluate clips --real videos --metric fvd,is,clip,fid --metrics weights/metrics --protocol stylegan-v",
    .min_arguments = 0,
    .max_arguments = 1,
    .missing = "a set of generated clips is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
