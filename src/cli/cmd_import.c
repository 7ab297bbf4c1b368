/* cogvideo import - turns the original's checkpoints into a model directory. */
#include "commands.h"
#include "session.h"
#include "model_json.h"
#include "interrupt.h"
#include "sandbox.h"
#include "say.h"

#include <unistd.h>

enum { COUNT = 6 }; /* of the sources */

typedef struct settings {
    const char *sources[COUNT]; /* paths, in the order of sources_table; NULL = not given */
    const char *config, *name, *output;
    int type, force, sandbox, quiet, json;
} settings;

static const char *const types[] = { "f32", "f16", "bf16", "q8", "q4", NULL };

#define FIELD(field) offsetof(settings, field)
/* The options' names are those of the sources (cogvideo/import.h). */
#define SOURCE(index, name, value, what)                                     \
    {                                                                        \
        name, 0, value, what, ARG_TEXT, FIELD(sources[index]), 0, 0, 0, NULL \
    }
static const arg_option sources_table[] = {
    SOURCE(0, "stage1", "DIR", "cogvideo-stage1: the folder with `latest`, one iteration's folder, or the .pt file"),
    SOURCE(1, "stage2", "DIR", "cogvideo-stage2, likewise"),
    SOURCE(2, "upscaler", "DIR", "cogview2-dsr, likewise"),
    SOURCE(3, "image-tokenizer", "FILE", "ice_image.pt"),
    SOURCE(4, "text-tokenizer", "FILE", "ice_text.model"),
    SOURCE(5, "clusters", "FILE", "cluster_label2.npy"),
    { 0 },
};
static const arg_option table[] = {
    { "output", 'o', "DIR", "the model directory to make", ARG_TEXT, FIELD(output), 0, 0, 0, NULL },
    { "config", 0, "FILE", "a model config in place of the built-in one of CogVideo", ARG_TEXT, FIELD(config), 0, 0, 0,
      NULL },
    { "type", 0, "TYPE", "type of the stored weights: f32, f16, bf16, and for matrices q8 or q4; default: unchanged",
      ARG_CHOICE, FIELD(type), 0, 0, 5, "f32|f16|bf16|q8|q4" },
    { "name", 0, "NAME", "the model's name; default: that of the config", ARG_TEXT, FIELD(name), 0, 0, 0, NULL },
    { "force", 'f', NULL, "replace an existing model directory", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    CLI_SANDBOX_OPTION,
    { "json", 0, NULL, "print the JSON object of 'info' for what was made", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "print neither progress nor notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0,
      0, NULL },
    { 0 },
};

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    cogvideo_import_source sources[COUNT];
    cogvideo_import_options options = {
        .sources = sources,
        .source_count = COUNT,
        .config = s->config,
        .type = types[s->type],
        .output = s->output,
        .name = s->name,
        .force = s->force,
        .log = cli_log(&session),
        .progress = cli_on_progress,
        .user = &session.progress,
    };
    const char *inputs[COUNT + 1] = { s->config };
    cogvideo_error err;
    bool any = false;

    (void)arguments;
    if (!s->output)
        return cli_usage_error(command, "an output is missing: -o DIR");
    for (int i = 0; i < COUNT; i++) {
        sources[i] = (cogvideo_import_source){ sources_table[i].name, s->sources[i] };
        inputs[i + 1] = s->sources[i];
        any = any || s->sources[i];
    }
    if (!any)
        return cli_usage_error(command, "nothing to import: name at least one part, such as --stage1 DIR");
    if (!s->force && access(s->output, F_OK) == 0)
        return cli_error("%s already exists; use --force to replace it", s->output);
    if (s->sandbox && cli_sandbox(inputs, sizeof inputs / sizeof *inputs, s->output) != CLI_OK)
        return CLI_FAILED;
    cli_progress_init(&session.progress, s->quiet);
    if (cogvideo_import(&options, &err) != COGVIDEO_OK)
        return cli_failed(&session, &err);
    cli_progress_end(&session.progress);
    return cli_model_made(s->output, s->quiet, s->json);
}

static const arg_group groups[] = { { "Parts, any of them", sources_table, 0 }, { "Options", table, 0 }, { 0 } };

const cli_command cmd_import = {
    .name = "import",
    .summary = "make a model directory from the original's PyTorch checkpoints",
    .usage = "[OPTIONS] PARTS -o DIR",
    .details = "Nothing in the checkpoints is executed, and no Python is needed. The trunk that both stages share is\n"
               "compared bit by bit and stored once if it is equal. Members that no network needs are skipped with a\n"
               "warning; a weight that is NaN or infinite is an error.",
    .examples = "  cogvideo import --stage1 cogvideo-stage1 --stage2 cogvideo-stage2 --upscaler cogview2-dsr \\\n"
                "      --image-tokenizer ice_image.pt --text-tokenizer ice_text.model \\\n"
                "      --clusters cluster_label2.npy --type bf16 -o weights/cogvideo",
    .min_arguments = 0,
    .max_arguments = 0,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
