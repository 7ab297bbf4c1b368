/* cogvideo - the program: one word says what to do, the rest is that command's. */
#include "commands.h"
#include "interrupt.h"
#include "overview.h"
#include "say.h"

#include <cogvideo/version.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

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
    prctl(PR_SET_NAME, "cogvideo"); /* which that start lost */
    cli_catch_signals();
    status = dispatch(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_OK)
        status = cli_error("standard output: cannot be written: %s", strerror(errno));
    if (status != CLI_OK && cli_interrupted())
        status = 128 + cli_interrupted();
    return status;
}
