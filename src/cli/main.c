/* cogvideo - the program: finds the command that the first word or words name, and runs it. */
#include "commands.h"
#include "interrupt.h"
#include "options.h"
#include "overview.h"
#include "say.h"
#include "start.h"

#include <cogvideo/version.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int print_version(void)
{
    char info[2048];

    cogvideo_build_info(info, sizeof info);
    printf("cogvideo %s\n%s%s", cogvideo_version(), info, info[0] && info[strlen(info) - 1] != '\n' ? "\n" : "");
    return CLI_OK;
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

static int dispatch(int argc, char **argv)
{
    const arg_option *help = &cli_program_table[CLI_HELP_OPTION];
    const cli_command *command;
    int words;

    if (argc < 2) {
        cli_print_overview(stderr);
        return CLI_USAGE;
    }
    if (args_says(&cli_program_table[CLI_VERSION_OPTION], argv[1]))
        return print_version();
    if (args_says(help, argv[1]))
        return run_command(&cmd_help, argc, argv, 2);
    command = cli_find_command(argv + 1, argc - 1, &words);
    if (command)
        return run_command(command, argc, argv, 1 + words);
    if (argc == 3 && args_says(help, argv[2]) && cli_print_family(argv[1], stdout))
        return CLI_OK;
    return cli_unknown_command(argv + 1, argc - 1);
}

/* Results that did not reach standard output are lost, whatever the command returned. */
static int flush_output(int status)
{
    const int failed = ferror(stdout);

    errno = 0;
    if (fflush(stdout) == 0 && !failed)
        return status;
    if (status == CLI_OK || errno) /* a command that failed has reported why */
        cli_error("standard output: cannot be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
    return status == CLI_OK ? CLI_FAILED : status;
}

int main(int argc, char **argv)
{
    int status;

    cli_start(argv);
    cli_catch_signals();
    cli_sampling_rows();
    status = flush_output(dispatch(argc, argv));
    if (status != CLI_OK && cli_interrupted())
        status = 128 + cli_interrupted();
    return status;
}
