#include "support/program.h"
#include "support/check.h"
#include "support/clip.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char output[1 << 18];

static int run(const char *arguments)
{
    char command[8192];
    const char *program = getenv("COGVIDEO_PROGRAM");
    FILE *pipe;
    size_t size;
    int status;

    assert_true(snprintf(command, sizeof command, "cd '%s' && '%s' %s", check_temp(),
                         program ? program : "build/cogvideo", arguments) < (int)sizeof command);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = '\0';
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The arguments, in `text` of `size` bytes. */
#define ARGUMENTS(text, format)                                                     \
    do {                                                                            \
        va_list list;                                                               \
                                                                                    \
        va_start(list, format);                                                     \
        assert_true(vsnprintf(text, sizeof text, format, list) < (int)sizeof text); \
        va_end(list);                                                               \
    } while (0)

int program_run(const char *format, ...)
{
    char arguments[7000];

    ARGUMENTS(arguments, format);
    return run(arguments);
}

const char *program_output(void)
{
    return output;
}

void program_check(const char *arguments, int expected, const char *words)
{
    int code = run(arguments);

    if (code != expected || !strstr(output, words))
        fail_msg("cogvideo %s: ended with %d (%d was expected), said '%s' ('%s' was expected)", arguments, code,
                 expected, output, words);
}

void program_ok(const char *format, ...)
{
    char arguments[7000];
    int code;

    ARGUMENTS(arguments, format);
    code = run(arguments);
    if (code != 0)
        fail_msg("cogvideo %s: ended with %d, its errors are above; said '%s'", arguments, code, output);
}

static int lines_of(const char *path)
{
    FILE *file = fopen(path, "r");
    int lines = 0, byte;

    while (file && (byte = getc(file)) != EOF)
        lines += byte == '\n';
    if (file)
        fclose(file);
    return lines;
}

/* The run stands still while its lines are counted, and then works for a moment: however late the counting gets the
 * processor, a fast run has not ended meanwhile. */
void program_interrupt(int signal, const char *journal, int lines, const char *format, ...)
{
    static const struct timespec moment = { .tv_nsec = 500000 };
    char command[8192], arguments[7000], path[4096];
    const char *program = getenv("COGVIDEO_PROGRAM");
    int status = 0, ended;
    pid_t run;

    ARGUMENTS(arguments, format);
    assert_true(snprintf(command, sizeof command, "exec 2>told '%s' %s", program ? program : "build/cogvideo",
                         arguments) < (int)sizeof command);
    assert_true(snprintf(path, sizeof path, "%s/%s", check_temp(), journal) < (int)sizeof path);
    run = fork();
    assert_true(run >= 0);
    if (run == 0) {
        if (chdir(check_temp()) == 0)
            execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (lines_of(path) < lines) {
        kill(run, SIGCONT);
        nanosleep(&moment, NULL);
        kill(run, SIGSTOP);
        assert_int_equal(waitpid(run, &status, WUNTRACED), run);
        if (!WIFSTOPPED(status))
            fail_msg("cogvideo %s: ended before %d lines of %s", arguments, lines, journal);
    }
    kill(run, signal);
    kill(run, SIGCONT);
    assert_int_equal(waitpid(run, &status, 0), run);
    ended = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - 128; /* as a shell has it */
    if (ended != signal || access(path, F_OK) != 0)
        fail_msg("cogvideo %s: was not ended by signal %d after %d lines of %s", arguments, signal, lines, journal);
}

void program_equal_files(const char *a, const char *b)
{
    cv_buffer x = clip_bytes(a), y = clip_bytes(b);

    if (x.size != y.size || memcmp(x.data, y.data, x.size) != 0)
        fail_msg("%s and %s differ", a, b);
    cv_buffer_free(&x);
    cv_buffer_free(&y);
}
