/* cogvideo tokens compare - checks whether two clips have the same codes. */
#include "commands.h"
#include "json_out.h"
#include "result.h"
#include "say.h"

#include <cogvideo/tokens.h>

typedef struct settings {
    int json, quiet;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "print nothing, only set the exit code", ARG_FLAG, FIELD(quiet), 0, 0, 0, NULL },
    { 0 },
};

static void print_json(const cogvideo_tokens_difference *d, int equal)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_bool(&json, "equal", equal);
    json_integer(&json, "frames", d->frames);
    json_integer(&json, "codes", d->codes);
    json_integer(&json, "different", d->different);
    json_integer(&json, "first_frame", d->first_frame);
    json_integer(&json, "first_place", d->first_place);
    json_bool(&json, "same_shape", d->same_shape);
    json_end(&json);
    putchar('\n');
}

static void print_text(const cogvideo_tokens *a, const cogvideo_tokens *b, const cogvideo_tokens_difference *d)
{
    if (d->different == 0)
        printf("equal: %d frames, %lld codes\n", d->frames, d->codes);
    else
        printf("different: %lld of %lld codes (%.2f %%); the first at frame %d, row %d, column %d\n", d->different,
               d->codes, 100.0 * (double)d->different / (double)d->codes, d->first_frame, d->first_place / a->width,
               d->first_place % a->width);
    if (!d->same_shape)
        printf("different lengths: %d and %d frames\n", a->frames, b->frames);
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    cogvideo_tokens a = { 0 }, b = { 0 };
    cogvideo_tokens_difference difference;
    cogvideo_error err;
    int status = CLI_FAILED;

    (void)command;
    if (cli_load_clip(&session, arguments->values[0], &a) != CLI_OK ||
        cli_load_clip(&session, arguments->values[1], &b) != CLI_OK) {
        status = CLI_FAILED;
    } else if (cogvideo_tokens_compare(&a, &b, &difference, &err) != COGVIDEO_OK) {
        cli_error("%s", err.message);
    } else {
        int equal = difference.different == 0 && difference.same_shape;

        if (s->json)
            print_json(&difference, equal);
        else if (!s->quiet)
            print_text(&a, &b, &difference);
        status = equal ? CLI_OK : CLI_FAILED;
    }
    cogvideo_tokens_free(&a);
    cogvideo_tokens_free(&b);
    return status;
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_tokens_compare = {
    .name = "tokens compare",
    .summary = "check whether two clips have the same codes",
    .usage = "[OPTIONS] CODES CODES",
    .details =
        "Ends with 0 when shapes, frames and codes are equal, with 1 when anything differs or a file cannot be read.\n"
        "Headers and times are not compared.",
    .examples = "  cogvideo interpolate key.jsonl --threads 1 -o one-thread.jsonl\n"
                "  cogvideo tokens compare mid.jsonl one-thread.jsonl",
    .min_arguments = 2,
    .max_arguments = 2,
    .missing = "two files of codes are needed",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
