/* cogvideo rank - sorts clips by how well they fit their prompt. */
#include "commands.h"
#include "evaluate_options.h"
#include "json_out.h"
#include "say.h"

#include "base/path.h"

#include <stdlib.h>

#define MOST_CLIPS 10000

typedef struct settings {
    cli_evaluate_options networks;
    cli_protocol_options protocol;
    const char *prompt;
    int json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "prompt", 'p', "TEXT", "the prompt of all clips; default: each clip's own, from clip.json or clip.txt beside it",
      ARG_TEXT, FIELD(prompt), 0, 0, 0, NULL },
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

static void print(const cogvideo_ranked *ranked, const cli_arguments *clips, int as_json)
{
    json_out json = { .stream = stdout, .first = 1 };

    if (!as_json) {
        for (int i = 0; i < clips->count; i++)
            cli_print("%8.4f  %s\n", ranked[i].score, clips->values[ranked[i].clip]);
        return;
    }
    json_begin(&json, NULL);
    json_begin_array(&json, "clips");
    for (int i = 0; i < clips->count; i++) {
        json_begin(&json, NULL);
        json_string(&json, "clip", clips->values[ranked[i].clip]);
        json_number(&json, "score", ranked[i].score, 8);
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

static int any_codes(const cli_arguments *clips)
{
    for (int i = 0; i < clips->count; i++)
        if (cv_path_ends_in(clips->values[i], ".jsonl"))
            return 1;
    return 0;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cogvideo_ranked *ranked = cli_alloc((size_t)arguments->count, sizeof *ranked);
    cogvideo_evaluate_options options;
    cli_networks open = { 0 };
    cogvideo_error err;
    int status;

    cogvideo_evaluate_defaults(&options);
    cli_protocol(&s->protocol, &options.protocol);
    if ((status = cli_open_networks(command, &open, &s->networks, any_codes(arguments), &options)) == CLI_OK) {
        if (cogvideo_rank(&options, (const char *const *)arguments->values, arguments->count, s->prompt, ranked,
                          &err) != COGVIDEO_OK)
            status = cli_failed(&open.session, &err);
        else
            print(ranked, arguments, s->json);
    }
    cli_close_networks(&open);
    free(ranked);
    return status;
}

static const arg_group groups[] = { { "Options", table, 0 },
                                    { "Protocol", cli_protocol_table, offsetof(settings, protocol) },
                                    { "Networks", cli_evaluate_table, offsetof(settings, networks) },
                                    { 0 } };

const cli_command cmd_rank = {
    .name = "rank",
    .summary = "sort clips by how well CLIP finds that they fit their prompt",
    .usage = "[OPTIONS] CLIP...",
    .details =
        "The best clip comes first. Its score is the mean over frames of the cosine between frame and prompt; the\n"
        "CLIP that comes with the program compares whole clips of the shapes world, of 64x64 pixels.",
    .examples = "  cogvideo rank circle-0.jsonl circle-1.jsonl\n"
                "  cogvideo rank --metrics weights/metrics --prompt \"a red star\" clips/*.mp4",
    .min_arguments = 1,
    .max_arguments = MOST_CLIPS,
    .missing = "a clip is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
