/* cogvideo info - describes a model directory. */
#include "commands.h"
#include "session.h"
#include "model_json.h"
#include "say.h"

#include "base/units.h"

typedef struct settings {
    cli_model_options model;
    int json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

/* Prints a line for a row, but none for a number or a text of a part that the model lacks. */
static void print_property(const cogvideo_property *row)
{
    if (row->kind == COGVIDEO_PROPERTY_FLAG)
        cli_print("  %-16s %s\n", row->title, row->number != 0 ? "yes" : "no");
    else if (row->kind == COGVIDEO_PROPERTY_TEXT && row->text[0])
        cli_print("  %-16s %s\n", row->title, row->text);
    else if (row->kind != COGVIDEO_PROPERTY_TEXT && row->number != 0)
        cli_print("  %-16s %.15g%s%s\n", row->title, row->number, row->unit ? " " : "", row->unit ? row->unit : "");
}

static void print_facts(const cogvideo_model_info *info)
{
    char size[CV_UNITS];

    cv_units_bytes(size, (double)info->file_bytes);
    cli_print("%s (family %s)\n", info->name, info->family);
    printf("  parameters       %llu (%s) in %s of files\n", (unsigned long long)info->parameters, info->dtype, size);
    if (info->image_codes > 0)
        printf("  codes            %d, in frames of %dx%d, each of %dx%d pixels\n", info->image_codes, info->width,
               info->height, info->rate_across ? info->rate_across : info->rate, info->rate);
    if (info->has_text_tokenizer)
        printf("  text tokenizer   yes (%d pieces, ids from %d on)\n", info->text_pieces, info->first_text_id);
    else
        puts("  text tokenizer   no");
}

static void print_text(const cogvideo_model *model, const cogvideo_model_info *info)
{
    char size[CV_UNITS];
    cogvideo_property row;
    const char *file;
    uint64_t bytes;
    int tensors;

    print_facts(info);
    for (int i = 0; cogvideo_model_property(model, i, &row); i++)
        print_property(&row);
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

static const arg_group groups[] = { { "Options", table, 0 },
                                    { "Model", cli_model_table, offsetof(settings, model) },
                                    { 0 } };

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
