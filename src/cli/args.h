/* args.h - the command line of one command: a table of options drives parsing and --help. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>

/* Exit codes of the program, which cli_exit_codes explains. An interrupted run ends with 128 + the signal's number. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

typedef enum arg_kind {
    ARG_FLAG,   /* int: 1 when given */
    ARG_INT,    /* int, from min to max */
    ARG_AUTO,   /* int, from min to max, or the word "auto", which gives `initial` */
    ARG_BIG,    /* int64_t, from min to max */
    ARG_NUMBER, /* double, from min to max */
    ARG_TEXT,   /* const char *: the argument itself */
    ARG_CHOICE, /* int: which of the words in `choices`, from 0 */
    ARG_TEXTS,  /* arg_texts: the arguments themselves, each time that the option is given */
    ARG_IDS,    /* arg_ids: whole numbers between commas, each from min to max */
} arg_kind;

typedef struct arg_ids {
    int32_t *values; /* NULL if not given */
    size_t count;
} arg_ids;

typedef struct arg_texts {
    const char **values; /* NULL if not given */
    size_t count;
} arg_texts;

/* One option. `initial` is the value of the field if the option is not given (for ARG_TEXT it is NULL). */
typedef struct arg_option {
    const char *name;  /* without dashes */
    char letter;       /* the short form, or 0 */
    const char *value; /* how help names the argument, which also determines args_value; NULL for a flag */
    const char *help;  /* what it does, with range and default */
    arg_kind kind;
    size_t offset; /* of the field in the group's struct */
    double min, max, initial;
    const char *choices; /* of a CHOICE: "clamp|minmax"; of other kinds: words that a shell offers, or NULL */
} arg_option;

/* Options that are listed together in --help and stored into one struct inside the command's settings. */
typedef struct arg_group {
    const char *title;
    const arg_option *options; /* ends with a NULL name */
    size_t offset;             /* of the struct in the settings */
} arg_group;

typedef struct cli_command cli_command;

typedef struct cli_arguments {
    char **values; /* the arguments that are not options, in order */
    int count;
    int argc; /* the whole command line, for the record */
    char **argv;
} cli_arguments;

struct cli_command {
    const char *name;    /* "decode", "tokens show" */
    const char *summary; /* one line for the list of commands */
    const char *usage;   /* what follows the name in the usage line */
    const char *details; /* paragraphs for --help; NULL if the summary says it all */
    const char *examples;
    int min_arguments, max_arguments;
    const char *choices;     /* words that the first argument may be, as for an option; NULL: a file or a text */
    const char *missing;     /* the error for fewer arguments: "a file of codes is missing" */
    const arg_group *groups; /* ends with a NULL title */
    size_t settings_size;
    int (*run)(const cli_command *command, void *settings, const cli_arguments *arguments);
};

/* Sets every field to its initial value, then stores the options in argv[first] and after. Returns CLI_OK, or
 * CLI_USAGE after printing an error; *help = 1 if help was asked for, and then nothing is checked. Free out->values
 * with args_free. */
int args_parse(const cli_command *command, int argc, char **argv, int first, void *settings, cli_arguments *out,
               int *help);
void args_free(const cli_command *command, void *settings, cli_arguments *arguments);

/* Returns the options of a command one after another, --help last; NULL past the end. *title is the title of the
 * group. */
const arg_option *args_option(const cli_command *command, size_t index, const char **title);
/* Whether a word of the command line is this flag, long or short. */
int args_says(const arg_option *flag, const char *word);
/* Returns the word of "a|b|c" at *at and its length; moves *at past it. NULL past the end, or if *at is NULL. */
const char *args_choice(const char **at, size_t *length);

/* What a shell completes as an option's value. */
typedef enum arg_value { ARG_NO_VALUE, ARG_WORDS, ARG_FILES, ARG_FOLDERS, ARG_FREE } arg_value;
arg_value args_value(const arg_option *option);

/* Prints --help of a command to stdout. */
void args_print_help(const cli_command *command);

/* Returns the candidate that `word` most likely means, which it resembles or abbreviates; NULL if there is none. */
const char *args_nearest(const char *word, const char *const *candidates, size_t count);

#endif
