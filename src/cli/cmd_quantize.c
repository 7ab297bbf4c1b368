/* cogvideo quantize - makes a smaller copy of a model. */
#include "commands.h"
#include "session.h"
#include "model_json.h"
#include "output.h"
#include "say.h"

#include <cogvideo/quantize.h>
#include <stdlib.h>
#include <string.h>

#define MOST_KEEPS 64

typedef struct settings {
    const char *keep;
    int type, force, quiet, json;
} settings;

static const char *const types[] = { "q8", "q4", "f16", "bf16", "f32" };

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "type", 0, "TYPE", "type of matrices: q8, q4, f16, bf16 or f32; default q8", ARG_CHOICE, FIELD(type), 0, 0, 0,
      "q8|q4|f16|bf16|f32" },
    { "keep", 0, "PATTERN=TYPE,...",
      "exceptions by the tensor's name, where * matches anything; the first match counts", ARG_TEXT, FIELD(keep), 0, 0,
      0, NULL },
    { "force", 'f', NULL, "replace an existing model directory", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    { "json", 0, NULL, "print the JSON object of 'info' for what was made", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "print neither progress nor notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0,
      0, NULL },
    { 0 },
};

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    const char *keeps[MOST_KEEPS], *output = arguments->values[1];
    char *list = cli_format("%s", s->keep ? s->keep : ""), *rest = NULL;
    cli_session session = { 0 };
    cogvideo_quantize_options options = {
        .input = arguments->values[0],
        .output = output,
        .type = types[s->type],
        .keep = keeps,
        .force = s->force,
        .log = cli_log(&session),
        .progress = cli_on_progress,
        .user = &session.progress,
    };
    cogvideo_error err;
    int status;

    (void)command;
    for (char *keep = strtok_r(list, ",", &rest); keep && options.keep_count < MOST_KEEPS;
         keep = strtok_r(NULL, ",", &rest))
        keeps[options.keep_count++] = keep;
    cli_progress_init(&session.progress, s->quiet);
    if ((status = cli_check_new(output, s->force)) == CLI_OK && cogvideo_quantize(&options, &err) != COGVIDEO_OK)
        status = cli_failed(&session, &err);
    free(list);
    if (status != CLI_OK)
        return status;
    cli_progress_end(&session.progress);
    return cli_model_made(output, s->quiet, s->json);
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_quantize = {
    .name = "quantize",
    .summary = "make a smaller copy of a model, with matrices in 8 or 4 bits",
    .usage = "[OPTIONS] MODEL DIR",
    .details =
        "q8 has a scale for each row, q4 one for each 64 weights. Norms, biases, tables of positions and the image\n"
        "tokenizer stay unchanged. The copy is made file by file in little memory. A weight that is NaN or infinite "
        "is\n"
        "an error.",
    .examples = "  cogvideo quantize weights/shapes --type q8 shapes-q8\n"
                "  cogvideo quantize weights/shapes --type q4 --keep '*.dense.*=q8' shapes-mixed",
    .min_arguments = 2,
    .max_arguments = 2,
    .missing = "a model and the directory to make are missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
