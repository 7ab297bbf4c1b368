#include "interrupt.h"

#include "say.h"

#include "base/map.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
}

/* --- mapped files that become unreadable ---------------------------------------------------------------------- */

static int on_terminal; /* a progress bar may be on the current line */

static void put(const char *text, size_t size)
{
    (void)!write(STDERR_FILENO, text, size);
}

/* Like cli_print_text, with functions that a signal handler may call. */
static void put_path(const char *path)
{
    while (*path) {
        const int length = cli_utf8(path), plain = length > 0 && cli_control(path) < 0;

        put(plain ? path : "?", plain ? (size_t)length : 1);
        path += length ? length : 1;
    }
}

/* Reports that a page of a file could not be read. Other threads that meet the same wait here for the end. */
static void report_lost_file(int number, siginfo_t *info, void *context)
{
    static const char reason[] =
        ": cannot be read any more: the file was truncated while in use, or its disk failed; finished results are "
        "kept, and once the file is back, a run that left a journal or a checkpoint continues with --resume\n";
    static atomic_flag reported = ATOMIC_FLAG_INIT;
    const char *path = cv_map_name(info->si_addr);

    (void)context;
    while (atomic_flag_test_and_set(&reported))
        pause();
    if (path) {
        if (on_terminal)
            put("\n", 1);
        put(CLI_ERROR, sizeof CLI_ERROR - 1);
        put_path(path);
        put(reason, sizeof reason - 1);
    }
    signal(number, SIG_DFL);
    raise(number); /* takes effect when this handler returns */
}

/* --- readers that close their pipe ---------------------------------------------------------------------------- */

/* If nobody reads standard output any more (head, less), further work is useless: the program ends silently, as
 * others do. If another pipe has lost its reader, such as that of messages, the write fails and the run goes on. */
static void end_unread(int number)
{
    struct pollfd output = { .fd = STDOUT_FILENO };

    if (poll(&output, 1, 0) != 1 || !(output.revents & (POLLERR | POLLHUP)))
        return;
    signal(number, SIG_DFL);
    raise(number); /* takes effect when this handler returns */
}

/* --- installing the handlers ---------------------------------------------------------------------------------- */

void cli_catch_signals(void)
{
    struct sigaction action, before;

    on_terminal = isatty(STDERR_FILENO);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = report_lost_file;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* the write then fails, which is reported */
    signal(SIGPIPE, end_unread);

    memset(&action, 0, sizeof action);
    action.sa_handler = catch;
    action.sa_flags = SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* not ignored, as it is after nohup */
        sigaction(SIGHUP, &action, NULL);
}

int cli_interrupted(void)
{
    return caught;
}
