/* args.h - the command line of one command: a table of options drives parsing and --help alike. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>

/* Exit codes of the program, told in words by cli_exit_codes. An interrupted run ends with 128 + the signal's number. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

typedef enum arg_kind {
    ARG_FLAG,   /* int: 1 when given */
    ARG_INT,    /* int, from min to max */
    ARG_BIG,    /* int64_t, from min to max */
    ARG_NUMBER, /* double, from min to max */
    ARG_TEXT,   /* const char *: the argument itself */
    ARG_CHOICE, /* int: which of the words in `choices`, from 0 */
    ARG_IDS,    /* arg_ids: whole numbers between commas, each from min to max */
} arg_kind;

typedef struct arg_ids {
    int32_t *values; /* NULL when not given */
    size_t count;
} arg_ids;

/* One option. `initial` is what the field holds when the option is not given (a TEXT's is NULL). */
typedef struct arg_option {
    const char *name;    /* without its dashes */
    char letter;         /* the short form, or 0 */
    const char *value;   /* how help names the argument, which also tells what it is (args_value); NULL for a flag */
    const char *help;    /* what it does, range and default included */
    arg_kind kind;
    size_t offset;       /* of the field in the group's struct */
    double min, max, initial;
    const char *choices; /* "clamp|minmax"; of other kinds than CHOICE: words that a shell offers, or NULL */
} arg_option;

/* Options that stand together in --help and store into one struct inside the command's settings. */
typedef struct arg_group {
    const char *title;
    const arg_option *options; /* ends with a NULL name */
    size_t offset;             /* of the struct in the settings */
} arg_group;

typedef struct cli_command cli_command;

typedef struct cli_arguments {
    char **values; /* what is no option, in order */
    int count;
    int argc; /* the whole command line, for what is recorded */
    char **argv;
} cli_arguments;

struct cli_command {
    const char *name;    /* "decode", "tokens show" */
    const char *summary; /* one line for the list of commands */
    const char *usage;   /* what follows the name in the usage line */
    const char *details; /* paragraphs for --help; NULL when the summary says it all */
    const char *examples;
    int min_arguments, max_arguments;
    const char *choices; /* words that the first argument may be, as an option's; NULL: a file or a text */
    const char *missing; /* what to say when there are fewer: "a file of codes is missing" */
    const arg_group *groups; /* ends with a NULL title */
    size_t settings_size;
    int (*run)(const cli_command *command, void *settings, const cli_arguments *arguments);
};

/* Sets every field to its initial value, then stores what argv[first] and on say. Returns CLI_OK, or
 * CLI_USAGE after an error was printed; *help = 1 where help was asked for, and then nothing is checked.
 * out->values is to be freed by args_free. */
int args_parse(const cli_command *command, int argc, char **argv, int first, void *settings, cli_arguments *out,
               int *help);
void args_free(const cli_command *command, void *settings, cli_arguments *arguments);

/* The options of a command one after the other, --help last; NULL past the end. *title is that of the group. */
const arg_option *args_option(const cli_command *command, size_t index, const char **title);
/* Whether a word of the command line is this flag, long or short. */
int args_says(const arg_option *flag, const char *word);
/* The word of "a|b|c" at *at, and its length; moves *at behind it. NULL past the end, or where *at is NULL. */
const char *args_choice(const char **at, size_t *length);

/* What a shell completes an option's value with. */
typedef enum arg_value { ARG_NO_VALUE, ARG_WORDS, ARG_FILES, ARG_FOLDERS, ARG_FREE } arg_value;
arg_value args_value(const arg_option *option);

/* Prints --help of a command to stdout. */
void args_print_help(const cli_command *command);

/* The candidate that `word` most likely means, or NULL: few letters wrong, or its beginning. */
const char *args_nearest(const char *word, const char *const *candidates, size_t count);

#endif
