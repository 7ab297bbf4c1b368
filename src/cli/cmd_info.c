/* cogvideo info - what a model directory holds. */
#include "commands.h"
#include "common.h"

#include <stdarg.h>

typedef struct settings {
    cli_model_options model;
    int json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "json", 0, NULL, "as a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

static void print_json(const cogvideo_model *model, const cogvideo_model_info *info)
{
    json_out json = { .stream = stdout, .first = 1 };
    const char *file;
    uint64_t bytes;
    int tensors;

    json_begin(&json, NULL);
    json_string(&json, "name", info->name);
    json_string(&json, "family", info->family);
    json_bool(&json, "stage1", info->has_stage1);
    json_bool(&json, "stage2", info->has_stage2);
    json_bool(&json, "shared_trunk", info->shared_trunk);
    json_bool(&json, "upscaler", info->has_upscaler);
    json_bool(&json, "image_tokenizer", info->has_image_tokenizer);
    json_bool(&json, "text_tokenizer", info->has_text_tokenizer);
    json_bool(&json, "clusters", info->has_clusters);
    json_string(&json, "dtype", info->dtype);
    json_integer(&json, "layers", info->layers);
    json_integer(&json, "hidden", info->hidden);
    json_integer(&json, "heads", info->heads);
    json_integer(&json, "vocabulary", info->vocabulary);
    json_integer(&json, "image_codes", info->image_codes);
    json_integer(&json, "text_pieces", info->text_pieces);
    json_integer(&json, "grid", info->grid);
    json_integer(&json, "window", info->window);
    json_integer(&json, "keyframes", info->keyframes);
    json_integer(&json, "text_places", info->text_places);
    json_integer(&json, "upscaled_grid", info->upscaled_grid);
    json_integer(&json, "rate", info->rate);
    json_integer(&json, "picture_size", info->picture_size);
    json_integer(&json, "rounds", info->rounds);
    json_number(&json, "seconds", info->seconds, 15);
    json_integer(&json, "parameters", (long long)info->parameters);
    json_integer(&json, "file_bytes", (long long)info->file_bytes);
    json_begin_array(&json, "files");
    for (int i = 0; (file = cogvideo_model_file(model, i, &bytes, &tensors)); i++) {
        json_begin(&json, NULL);
        json_string(&json, "file", file);
        json_integer(&json, "bytes", (long long)bytes);
        json_integer(&json, "tensors", tensors);
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

/* A line of the list of parts: "yes" and what the part is like, or "no" alone. */
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
    char size[32];
    const char *file;
    uint64_t bytes;
    int tensors;

    cli_format_bytes(size, sizeof size, (double)info->file_bytes);
    printf("%s (family %s)\n", info->name, info->family);
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
        cli_format_bytes(size, sizeof size, (double)bytes);
        printf("  %s: %s", file, size);
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
            print_json(session.model, &session.info);
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
    .summary = "tell what a model directory holds, after checking every tensor",
    .usage = "[OPTIONS] [MODEL]",
    .examples = "  cogvideo info weights/cogvideo\n  cogvideo info --json --model weights/cogvideo",
    .min_arguments = 0,
    .max_arguments = 1,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
