/* cogvideo tokenize - turns text into ids and back. */
#include "commands.h"
#include "json_out.h"
#include "prompt.h"
#include "say.h"

#include <string.h>

typedef struct settings {
    cli_model_options model;
    arg_ids decode;
    int pieces, keep_line_breaks, json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "pieces", 0, NULL, "print a line per id, with its piece", ARG_FLAG, FIELD(pieces), 0, 0, 0, NULL },
    { "decode", 'd', "ID,ID,...", "print the text of these ids instead", ARG_IDS, FIELD(decode), 0, 2147483647, 0,
      NULL },
    { "keep-line-breaks", 0, NULL, "line breaks become <n>; otherwise spaces", ARG_FLAG, FIELD(keep_line_breaks), 0, 0,
      0, NULL },
    { "json", 0, NULL, "print a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { 0 },
};

static int decode(cli_session *session, const settings *s)
{
    cogvideo_error err;
    char *text;

    if (cogvideo_text_decode(session->model, s->decode.values, s->decode.count, &text, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    if (s->json) {
        json_out json = { .stream = stdout, .first = 1 };

        json_begin(&json, NULL);
        json_ints(&json, "ids", s->decode.values, s->decode.count);
        json_string(&json, "text", text);
        json_end(&json);
        putchar('\n');
    } else {
        cli_print_text(stdout, text);
        putchar('\n');
    }
    cogvideo_free(text);
    return CLI_OK;
}

static void print_json(const cogvideo_model *model, const char *text, const int32_t *ids, size_t count)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_string(&json, "text", text);
    json_ints(&json, "ids", ids, count);
    json_begin_array(&json, "pieces");
    for (size_t i = 0; i < count; i++)
        json_string(&json, NULL, cogvideo_text_piece(model, ids[i]));
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

static int encode(cli_session *session, const settings *s, const char *argument)
{
    const char *text = cli_prompt(session, argument);
    cogvideo_error err;
    int32_t *ids;
    size_t count;

    if (!text)
        return CLI_FAILED;
    if (cogvideo_text_encode(session->model, text, strlen(text), s->keep_line_breaks, &ids, &count, &err) !=
        COGVIDEO_OK)
        return cli_failed(session, &err);
    if (s->json) {
        print_json(session->model, text, ids, count);
    } else if (s->pieces) {
        for (size_t i = 0; i < count; i++) {
            const char *piece = cogvideo_text_piece(session->model, ids[i]);

            printf("%d\t", ids[i]);
            cli_print_text(stdout, piece ? piece : "");
            putchar('\n');
        }
    } else {
        for (size_t i = 0; i < count; i++)
            printf(i ? ",%d" : "%d", ids[i]);
        putchar('\n');
    }
    cogvideo_free(ids);
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    int status;

    if (!s->decode.values == !arguments->count)
        return cli_usage_error(command, s->decode.values ? "--decode cannot be combined with a text"
                                                         : "a text is missing (or --decode ID,ID,...)");
    status = cli_open(command, &session, &s->model);
    if (status == CLI_OK)
        status = s->decode.values ? decode(&session, s) : encode(&session, s, arguments->values[0]);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = { { "Options", table, 0 },
                                    { "Model", cli_model_table, offsetof(settings, model) },
                                    { 0 } };

const cli_command cmd_tokenize = {
    .name = "tokenize",
    .summary = "turn text into ids, or ids into text",
    .usage = "[OPTIONS] TEXT",
    .details = "The text is encoded unchanged, without what a stage would add to a prompt; - reads standard input.\n"
               "The ids are printed in the form that --text-ids takes.",
    .examples = "  cogvideo tokenize \"a large red star\"\n"
                "  echo \"红色圆形\" | cogvideo tokenize --pieces -\n"
                "  cogvideo tokenize --decode 412,401,392,405",
    .min_arguments = 0,
    .max_arguments = 1,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
