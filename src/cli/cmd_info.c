/* cogvideo info - describes a model directory. */
#include "commands.h"
#include "session.h"
#include "model_json.h"
#include "say.h"

#include "base/units.h"

#include <stdarg.h>

typedef struct settings {
    cli_model_options model;
    int json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

/* Prints a line of the list of parts: "yes" and a description of the part, or "no". */
static void print_part(const char *name, int has, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void print_part(const char *name, int has, const char *format, ...)
{
    va_list args;

    printf("  %-16s %s", name, has ? "yes" : "no");
    va_start(args, format);
    if (has)
        vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void print_text(const cogvideo_model *model, const cogvideo_model_info *info)
{
    char size[CV_UNITS];
    const char *file;
    uint64_t bytes;
    int tensors;

    cv_units_bytes(size, (double)info->file_bytes);
    cli_print("%s (family %s)\n", info->name, info->family);
    printf("  parameters       %llu (%s) in %s of files\n", (unsigned long long)info->parameters, info->dtype, size);
    if (info->layers > 0)
        printf("  network          %d layers, %d channels, %d heads, %d ids\n", info->layers, info->hidden, info->heads,
               info->vocabulary);
    print_part("stage 1", info->has_stage1, " (%d key frames of %dx%d codes)", info->keyframes, info->grid, info->grid);
    print_part("stage 2", info->has_stage2, " (windows of %dx%d codes)%s", info->window, info->window,
               info->shared_trunk ? ", trunk shared with stage 1" : "");
    print_part("super-resolution", info->has_upscaler, " (%dx%d codes)", info->upscaled_grid, info->upscaled_grid);
    print_part("image tokenizer", info->has_image_tokenizer, " (%d codes)", info->image_codes);
    print_part("text tokenizer", info->has_text_tokenizer, " (%d pieces, texts of up to %d ids)", info->text_pieces,
               info->text_places);
    print_part("code clusters", info->has_clusters, "%s", "");
    for (int i = 0; (file = cogvideo_model_file(model, i, &bytes, &tensors)); i++) {
        cv_units_bytes(size, (double)bytes);
        cli_print("  %s: %s", file, size);
        if (tensors > 0)
            printf(", %d tensor%s", tensors, tensors == 1 ? "" : "s");
        putchar('\n');
    }
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    int status;

    if (arguments->count > 0)
        s->model.model = arguments->values[0];
    status = cli_open(command, &session, &s->model);
    if (status == CLI_OK) {
        if (s->json)
            cli_model_json(session.model, &session.info);
        else
            print_text(session.model, &session.info);
    }
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Options", table, 0 }, { "Model", cli_model_table, offsetof(settings, model) }, { 0 }
};

const cli_command cmd_info = {
    .name = "info",
    .summary = "check every tensor of a model directory and describe it",
    .usage = "[OPTIONS] [MODEL]",
    .examples = "  cogvideo info\n"
                "  cogvideo info weights/shapes --json",
    .min_arguments = 0,
    .max_arguments = 1,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
