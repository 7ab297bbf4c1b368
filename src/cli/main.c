/* cogvideo - the program: one word says what to do, the rest is that command's. */
#include "commands.h"
#include "interrupt.h"
#include "say.h"

#include <cogvideo/version.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_command *const commands[] = {
    &cmd_generate, &cmd_keyframes, &cmd_interpolate, &cmd_upscale, &cmd_decode, &cmd_encode, &cmd_tokenize, &cmd_score, &cmd_compare,
    &cmd_tokens_show, &cmd_tokens_convert, &cmd_tokens_compare, &cmd_info, &cmd_import, &cmd_quantize, &cmd_bench,
    &cmd_dataset_shapes, &cmd_dataset_build, &cmd_dataset_tokens, &cmd_dataset_info, &cmd_train,
};
#define COUNT (sizeof commands / sizeof *commands)

static int print_overview(FILE *stream)
{
    fputs("usage: cogvideo COMMAND ...\n\nText to video on a CPU.\n\nCommands:\n", stream);
    for (size_t i = 0; i < COUNT; i++)
        fprintf(stream, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'cogvideo help COMMAND' or 'cogvideo COMMAND --help' tells its options, with examples.\n"
          "'cogvideo --version' tells the version and what this build can do.\n\n"
          "Example:\n  cogvideo generate --model weights/cogvideo \"一个红色的圆形向左移动\" -o clip.mp4\n", stream);
    return CLI_OK;
}

static int print_version(void)
{
    char info[2048];

    cogvideo_build_info(info, sizeof info);
    printf("cogvideo %s\n%s%s", cogvideo_version(), info, info[0] && info[strlen(info) - 1] != '\n' ? "\n" : "");
    return CLI_OK;
}

/* The command that argv[at] and perhaps the word behind it name; *words = how many words that took. */
static const cli_command *find_command(int argc, char **argv, int at, int *words)
{
    for (size_t i = 0; i < COUNT; i++) {
        const char *name = commands[i]->name, *space = strchr(name, ' ');
        size_t length = space ? (size_t)(space - name) : strlen(name);

        if (strlen(argv[at]) != length || strncmp(argv[at], name, length) != 0)
            continue;
        if (space && (at + 1 >= argc || strcmp(argv[at + 1], space + 1) != 0))
            continue;
        *words = space ? 2 : 1;
        return commands[i];
    }
    return NULL;
}

/* The first word of two-word commands: lists them. Returns 0 where `word` is no such one. */
static int list_family(const char *word, FILE *stream)
{
    size_t length = strlen(word);
    int found = 0;

    for (size_t i = 0; i < COUNT; i++)
        if (strncmp(commands[i]->name, word, length) == 0 && commands[i]->name[length] == ' ') {
            if (!found++)
                fprintf(stream, "usage: cogvideo %s COMMAND ...\n\nCommands:\n", word);
            fprintf(stream, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
        }
    return found;
}

static int unknown_command(int argc, char **argv, int at)
{
    const char *names[COUNT + 4] = { "help" }, *nearest;
    char *two = at + 1 < argc ? cli_format("%s %s", argv[at], argv[at + 1]) : NULL;
    size_t count = 1;

    if (list_family(argv[at], stderr)) {
        free(two);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < COUNT; i++)
        names[count++] = commands[i]->name;
    nearest = args_nearest(argv[at], names, count);
    if (!nearest && two)
        nearest = args_nearest(two, names, count);
    free(two);
    return nearest ? cli_usage_error(NULL, "unknown command '%s'; did you mean '%s'?", argv[at], nearest)
                   : cli_usage_error(NULL, "unknown command '%s'", argv[at]);
}

static int help_on(int argc, char **argv, int at)
{
    const cli_command *command;
    int words;

    if (at >= argc)
        return print_overview(stdout);
    command = find_command(argc, argv, at, &words);
    if (command) {
        args_print_help(command);
        return CLI_OK;
    }
    return list_family(argv[at], stdout) ? CLI_OK : unknown_command(argc, argv, at);
}

static int run_command(const cli_command *command, int argc, char **argv, int first)
{
    void *settings = cli_alloc(1, command->settings_size);
    cli_arguments arguments = { 0 };
    int help = 0, status = args_parse(command, argc, argv, first, settings, &arguments, &help);

    if (status == CLI_OK && help)
        args_print_help(command);
    else if (status == CLI_OK)
        status = command->run(command, settings, &arguments);
    args_free(command, settings, &arguments);
    free(settings);
    return status;
}

static int is_word(const char *word, const char *name, const char *letter)
{
    return strcmp(word, name) == 0 || strcmp(word, letter) == 0;
}

static int dispatch(int argc, char **argv)
{
    const cli_command *command;
    int words;

    if (argc < 2) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    if (is_word(argv[1], "--version", "-V"))
        return print_version();
    if (is_word(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0)
        return help_on(argc, argv, 2);
    command = find_command(argc, argv, 1, &words);
    if (command)
        return run_command(command, argc, argv, 1 + words);
    if (argc == 3 && is_word(argv[2], "--help", "-h") && list_family(argv[1], stdout))
        return CLI_OK;
    return unknown_command(argc, argv, 1);
}

/* By default OpenMP's threads spin while they wait for each other, which on a machine that does other work as well takes ten
 * times as long; and OpenBLAS may not know the processor. Both read the environment before main begins, so the program starts
 * itself anew. Where that fails it is slower, and all else is the same. */
static void settle_environment(char **argv)
{
    const int spins = !getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT");
    const char *core = cogvideo_blas_core();

    if (spins)
        setenv("OMP_WAIT_POLICY", "passive", 1);
    if (core)
        setenv("OPENBLAS_CORETYPE", core, 1);
    if (spins || core)
        execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    int status;

    settle_environment(argv);
    cli_catch_signals();
    status = dispatch(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_OK)
        status = cli_error("standard output: cannot be written: %s", strerror(errno));
    if (status != CLI_OK && cli_interrupted())
        status = 128 + cli_interrupted();
    return status;
}
