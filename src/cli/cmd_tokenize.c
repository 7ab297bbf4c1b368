/* cogvideo tokenize - turns text into ids and back. */
#include "commands.h"
#include "json_out.h"
#include "prompt.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    cli_model_options model;
    arg_ids decode, name_of, discouraged_ids;
    arg_texts id_of, discouraged;
    int pieces, keep_line_breaks, json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "pieces", 0, NULL, "print a line per id, with its piece", ARG_FLAG, FIELD(pieces), 0, 0, 0, NULL },
    { "decode", 'd', "ID,ID,...", "print the text of these ids instead", ARG_IDS, FIELD(decode), 0, 2147483647, 0,
      NULL },
    { "name-of", 0, "ID,ID,...", "print the name of each id instead: <image_7> is code 7, others are pieces", ARG_IDS,
      FIELD(name_of), 0, 2147483647, 0, NULL },
    { "id-of", 0, "NAME", "print the id of a name instead, of <unk> if nothing has that name; repeatable", ARG_TEXTS,
      FIELD(id_of), 0, 0, 0, NULL },
    { "discourage", 0, "PIECE", "do without a piece wherever the text can be written without it; repeatable", ARG_TEXTS,
      FIELD(discouraged), 0, 0, 0, NULL },
    { "discourage-ids", 0, "N,N,...", "the same of pieces by number, which is the id less the model's first text id",
      ARG_IDS, FIELD(discouraged_ids), 0, 2147483647, 0, NULL },
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

static void print_json(const char *text, const int32_t *ids, char **names, size_t count)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    if (text)
        json_string(&json, "text", text);
    json_ints(&json, "ids", ids, count);
    json_begin_array(&json, "pieces");
    for (size_t i = 0; i < count; i++)
        json_string(&json, NULL, names[i]);
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

/* The forms of a list: ids in one line; a line per piece, with its id or alone; JSON, with the text if there is one. */
typedef enum list_form { FORM_IDS, FORM_PIECES, FORM_NAMES } list_form;

static int print_ids(cli_session *session, const settings *s, list_form form, const char *text, const int32_t *ids,
                     size_t count)
{
    char **names = cli_alloc(count + 1, sizeof *names);
    cogvideo_error err;
    int status = CLI_OK;

    for (size_t i = 0; i < count && status == CLI_OK && (s->json || form != FORM_IDS); i++)
        if (cogvideo_token_name(session->model, ids[i], &names[i], &err) != COGVIDEO_OK)
            status = cli_failed(session, &err);
    if (status == CLI_OK && s->json) {
        print_json(text, ids, names, count);
    } else if (status == CLI_OK && form == FORM_IDS) {
        for (size_t i = 0; i < count; i++)
            printf(i ? ",%d" : "%d", ids[i]);
        putchar('\n');
    } else if (status == CLI_OK) {
        for (size_t i = 0; i < count; i++) {
            if (form == FORM_PIECES)
                printf("%d\t", ids[i]);
            cli_print_text(stdout, names[i]);
            putchar('\n');
        }
    }
    for (size_t i = 0; i < count; i++)
        cogvideo_free(names[i]);
    free(names);
    return status;
}

static int id_of(cli_session *session, const settings *s)
{
    const size_t count = s->id_of.count;
    int32_t *ids = cli_alloc(count, sizeof *ids);
    cogvideo_error err;
    int status = CLI_OK;

    for (size_t i = 0; i < count && status == CLI_OK; i++)
        if (cogvideo_token_find(session->model, s->id_of.values[i], &ids[i], &err) != COGVIDEO_OK)
            status = cli_failed(session, &err);
    if (status == CLI_OK)
        status = print_ids(session, s, s->pieces ? FORM_PIECES : FORM_IDS, NULL, ids, count);
    free(ids);
    return status;
}

static int encode(cli_session *session, const settings *s, const char *argument)
{
    const char *text = cli_prompt(session, argument);
    const cogvideo_text_options options = { .keep_line_breaks = s->keep_line_breaks,
                                            .discouraged = s->discouraged.values,
                                            .discouraged_count = (int)s->discouraged.count,
                                            .discouraged_numbers = s->discouraged_ids.values,
                                            .discouraged_number_count = (int)s->discouraged_ids.count };
    cogvideo_error err;
    int32_t *ids;
    size_t count;
    int status;

    if (!text)
        return CLI_FAILED;
    if (cogvideo_text_encode_with(session->model, text, strlen(text), &options, &ids, &count, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    status = print_ids(session, s, s->pieces ? FORM_PIECES : FORM_IDS, text, ids, count);
    cogvideo_free(ids);
    return status;
}

/* What is asked for: one of four things. */
static int check(const cli_command *command, const settings *s, const cli_arguments *arguments)
{
    const int others = !!s->decode.values + !!s->name_of.values + !!s->id_of.values;
    const char *option = s->decode.values ? "decode" : s->name_of.values ? "name-of" : "id-of";

    if (others + arguments->count == 0)
        return cli_usage_error(command, "a text is missing (or --decode ID,ID,...)");
    if (arguments->count == 0 && others == 1)
        return s->discouraged.values || s->discouraged_ids.values
                   ? cli_usage_error(command, "--%s segments no text, so no piece can be discouraged", option)
                   : CLI_OK;
    return others == 0 ? CLI_OK
                       : cli_usage_error(command, "--%s cannot be combined with %s", option,
                                         arguments->count ? "a text" : "other look-ups");
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    int status;

    if ((status = check(command, s, arguments)) != CLI_OK)
        return status;
    if ((status = cli_open(command, &session, &s->model)) == CLI_OK)
        status = s->decode.values    ? decode(&session, s)
                 : s->name_of.values ? print_ids(&session, s, s->pieces ? FORM_PIECES : FORM_NAMES, NULL,
                                                 s->name_of.values, s->name_of.count)
                 : s->id_of.values   ? id_of(&session, s)
                                     : encode(&session, s, arguments->values[0]);
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
    .details =
        "The text is encoded unchanged, without what a stage would add to a prompt; - reads standard input.\n"
        "The ids are printed in the form that --text-ids takes. A piece that begins a word begins with ▁ (U+2581).",
    .examples = "  cogvideo tokenize \"a large red star\"\n"
                "  echo \"红色圆形\" | cogvideo tokenize --pieces -\n"
                "  cogvideo tokenize --decode 4124,4113,4104,4117\n"
                "  cogvideo tokenize --id-of '<image_7>' --id-of '▁red' --pieces\n"
                "  cogvideo tokenize --model weights/cogview2 --discourage '▁mo' \"a circle moves left\"",
    .min_arguments = 0,
    .max_arguments = 1,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
