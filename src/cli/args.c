#include "args.h"

#include "say.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 64
#define MAX_IDS 65536

/* --- the tables ----------------------------------------------------------------------------------------------- */

static const arg_option help_option = { "help", 'h', NULL, "print these options, with examples", ARG_FLAG, 0, 0,
                                        0,      0,   NULL };

const arg_option *args_option(const cli_command *command, size_t index, const char **title)
{
    for (const arg_group *group = command->groups; group->title; group++)
        for (const arg_option *option = group->options; option->name; option++)
            if (index-- == 0) {
                *title = group->title;
                return option;
            }
    *title = "Help";
    return index == 0 ? &help_option : NULL;
}

int args_says(const arg_option *flag, const char *word)
{
    if (word[0] != '-')
        return 0;
    return word[1] == '-' ? strcmp(word + 2, flag->name) == 0 : word[1] && word[1] == flag->letter && !word[2];
}

const char *args_choice(const char **at, size_t *length)
{
    const char *word = *at;

    if (word) {
        *length = strcspn(word, "|");
        *at = word[*length] ? word + *length + 1 : NULL;
    }
    return word;
}

arg_value args_value(const arg_option *option)
{
    static const struct {
        const char *name;
        arg_value value;
    } kinds[] = {
        { "FILE", ARG_FILES },  { "DATA", ARG_FILES },  { "ROWS", ARG_FILES },
        { "DIR", ARG_FOLDERS }, { "RUN", ARG_FOLDERS },
    };

    if (option->kind == ARG_FLAG || option->choices)
        return option->kind == ARG_FLAG ? ARG_NO_VALUE : ARG_WORDS;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(option->value, kinds[i].name) == 0)
            return kinds[i].value;
    return ARG_FREE;
}

/* --- suggestions ---------------------------------------------------------------------------------------------- */

/* Returns the edit distance of two words; words longer than the row are not near. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], m = strlen(b);

    if (m + 1 > sizeof row / sizeof *row)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *args_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t length = strlen(word), least = length / 3 + 2;

    for (size_t i = 0; i < count; i++) {
        size_t d = length > 1 && strncmp(candidates[i], word, length) == 0 ? 0 : distance(word, candidates[i]);

        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}

/* --- storing one argument ------------------------------------------------------------------------------------- */

static void *field_of(const arg_group *group, const arg_option *option, void *settings)
{
    return (char *)settings + group->offset + option->offset;
}

static int bad_value(const cli_command *command, const arg_option *option, const char *text)
{
    if (option->kind == ARG_CHOICE)
        return cli_usage_error(command, "--%s must be one of %s, not '%s'", option->name, option->choices, text);
    return cli_usage_error(command, "--%s must be %s from %.16g to %.16g, not '%s'", option->name,
                           option->kind == ARG_NUMBER ? "a number"
                           : option->kind == ARG_AUTO ? "auto or a whole number"
                                                      : "a whole number",
                           option->min, option->max, text);
}

static int parse_whole(const char *text, double min, double max, int64_t *out)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end || errno || (double)value < min || (double)value > max)
        return 0;
    *out = value;
    return 1;
}

static int parse_choice(const char *choices, const char *text)
{
    size_t length;
    int index = 0;

    for (const char *word; (word = args_choice(&choices, &length)); index++)
        if (strlen(text) == length && strncmp(word, text, length) == 0)
            return index;
    return -1;
}

static int store_ids(const cli_command *command, const arg_option *option, const char *text, arg_ids *ids)
{
    char *copy = cli_format("%s", text), *rest = copy, *word;
    size_t room = 1;
    int status = CLI_OK;

    for (const char *s = text; *s; s++)
        room += *s == ',';
    free(ids->values);
    ids->values = cli_alloc(room, sizeof *ids->values);
    ids->count = 0;
    if (room > MAX_IDS)
        status = cli_usage_error(command, "--%s takes at most %d ids", option->name, MAX_IDS);
    while (status == CLI_OK && (word = strsep(&rest, ","))) {
        int64_t value;

        if (parse_whole(word, option->min, option->max, &value))
            ids->values[ids->count++] = (int32_t)value;
        else
            status = cli_usage_error(command,
                                     "--%s takes whole numbers from %.16g to %.16g with commas between them, "
                                     "not '%s'",
                                     option->name, option->min, option->max, text);
    }
    free(copy);
    return status;
}

static void add_text(arg_texts *texts, const char *text)
{
    const char **values = cli_alloc(texts->count + 1, sizeof *values);

    if (texts->count > 0)
        memcpy(values, texts->values, texts->count * sizeof *values);
    values[texts->count] = text;
    free(texts->values);
    *texts = (arg_texts){ values, texts->count + 1 };
}

static int store(const cli_command *command, const arg_option *option, void *field, const char *text)
{
    int64_t whole = 0;
    double number;
    char *end;

    switch (option->kind) {
    case ARG_FLAG:
        *(int *)field = 1;
        return CLI_OK;
    case ARG_TEXT:
        *(const char **)field = text;
        return CLI_OK;
    case ARG_TEXTS:
        add_text(field, text);
        return CLI_OK;
    case ARG_IDS:
        return store_ids(command, option, text, field);
    case ARG_CHOICE:
        *(int *)field = parse_choice(option->choices, text);
        return *(int *)field < 0 ? bad_value(command, option, text) : CLI_OK;
    case ARG_AUTO:
    case ARG_INT:
        if (option->kind == ARG_AUTO && strcmp(text, "auto") == 0)
            whole = (int64_t)option->initial;
        else if (!parse_whole(text, option->min, option->max, &whole))
            return bad_value(command, option, text);
        *(int *)field = (int)whole;
        return CLI_OK;
    case ARG_BIG:
        return parse_whole(text, option->min, option->max, field) ? CLI_OK : bad_value(command, option, text);
    case ARG_NUMBER:
        number = strtod(text, &end);
        if (end == text || *end || !(number >= option->min && number <= option->max))
            return bad_value(command, option, text);
        *(double *)field = number;
        return CLI_OK;
    }
    return CLI_OK;
}

static void set_initial_values(const cli_command *command, void *settings)
{
    for (const arg_group *group = command->groups; group->title; group++)
        for (const arg_option *option = group->options; option->name; option++) {
            void *field = field_of(group, option, settings);

            if (option->kind == ARG_INT || option->kind == ARG_AUTO || option->kind == ARG_CHOICE)
                *(int *)field = (int)option->initial;
            else if (option->kind == ARG_BIG)
                *(int64_t *)field = (int64_t)option->initial;
            else if (option->kind == ARG_NUMBER)
                *(double *)field = option->initial;
        }
}

/* --- walking the command line --------------------------------------------------------------------------------- */

/* Finds an option by its name of `length` bytes or, with length 0, by its letter. */
static const arg_option *find(const cli_command *command, const char *name, size_t length, char letter,
                              const arg_group **in)
{
    for (const arg_group *group = command->groups; group->title; group++)
        for (const arg_option *option = group->options; option->name; option++) {
            *in = group;
            if (length > 0 ? strlen(option->name) == length && strncmp(option->name, name, length) == 0
                           : option->letter == letter)
                return option;
        }
    return NULL;
}

static int unknown(const cli_command *command, const char *word)
{
    const char *names[MAX_OPTIONS], *nearest;
    size_t count = 0;
    char *name = cli_format("%.*s", (int)strcspn(word + 1 + (word[1] == '-'), "="), word + 1 + (word[1] == '-'));
    int status;

    for (const arg_group *group = command->groups; group->title; group++)
        for (const arg_option *option = group->options; option->name && count < MAX_OPTIONS; option++)
            names[count++] = option->name;
    nearest = args_nearest(name, names, count);
    status = nearest ? cli_usage_error(command, "unknown option '%s'; did you mean '--%s'?", word, nearest)
                     : cli_usage_error(command, "unknown option '%s'", word);
    free(name);
    return status;
}

/* Stores the option at argv[*at] and moves *at to the last word that it took. */
static int take_option(const cli_command *command, int argc, char **argv, int *at, void *settings)
{
    const char *word = argv[*at], *text = NULL;
    const arg_group *group = NULL;
    const arg_option *option;

    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");

        option = length > 0 ? find(command, word + 2, length, 0, &group) : NULL;
        text = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;
    } else {
        option = find(command, NULL, 0, word[1], &group);
        text = word[2] ? word + 2 : NULL;
    }
    if (!option || (option->kind == ARG_FLAG && text && word[1] != '-'))
        return unknown(command, word);
    if (option->kind == ARG_FLAG && text)
        return cli_usage_error(command, "--%s takes no value", option->name);
    if (option->kind != ARG_FLAG && !text) {
        if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
            return cli_usage_error(command, "--%s needs a value: --%s %s", option->name, option->name, option->value);
        text = argv[++*at];
    }
    return store(command, option, field_of(group, option, settings), text);
}

int args_parse(const cli_command *command, int argc, char **argv, int first, void *settings, cli_arguments *out,
               int *help)
{
    int only_arguments = 0;

    set_initial_values(command, settings);
    *out = (cli_arguments){ .values = cli_alloc((size_t)argc + 1, sizeof *out->values), .argc = argc, .argv = argv };
    for (int i = first; i < argc; i++)
        if (args_says(&help_option, argv[i])) {
            *help = 1;
            return CLI_OK;
        } else if (strcmp(argv[i], "--") == 0) {
            break;
        }
    for (int i = first; i < argc; i++) {
        int status;

        if (only_arguments || argv[i][0] != '-' || argv[i][1] == '\0')
            out->values[out->count++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            only_arguments = 1;
        else if ((status = take_option(command, argc, argv, &i, settings)) != CLI_OK)
            return status;
    }
    if (out->count < command->min_arguments)
        return cli_usage_error(command, "%s", command->missing);
    if (out->count > command->max_arguments)
        return cli_usage_error(command, "unexpected argument '%s'", out->values[command->max_arguments]);
    return CLI_OK;
}

void args_free(const cli_command *command, void *settings, cli_arguments *arguments)
{
    for (const arg_group *group = command->groups; group->title; group++)
        for (const arg_option *option = group->options; option->name; option++)
            if (option->kind == ARG_IDS)
                free(((arg_ids *)field_of(group, option, settings))->values);
            else if (option->kind == ARG_TEXTS)
                free(((arg_texts *)field_of(group, option, settings))->values);
    free(arguments->values);
    *arguments = (cli_arguments){ 0 };
}
