#include "support/program.h"
#include "support/check.h"
#include "support/clip.h"

#include <sys/wait.h>

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

void program_interrupt(const char *signal, int number, const char *journal, int lines, const char *format, ...)
{
    char command[8192], arguments[7000];
    const char *program = getenv("COGVIDEO_PROGRAM");

    ARGUMENTS(arguments, format);
    assert_true(
        snprintf(
            command, sizeof command,
            "exec 2>/dev/null; cd '%s' && { nice -n 19 '%s' %s 2>told & }; while kill -0 $! && ! [ $(cat %s 2>/dev/null | wc -l) -ge %d ]; do :; done; "
            "kill -%s $!; wait $!; [ $? = %d ] && [ -e %s ]",
            check_temp(), program ? program : "build/cogvideo", arguments, journal, lines, signal, 128 + number,
            journal) < (int)sizeof command);
    if (system(command) != 0)
        fail_msg("cogvideo %s: was not ended by %s after %d lines of %s", arguments, signal, lines, journal);
}

void program_equal_files(const char *a, const char *b)
{
    cv_buffer x = clip_bytes(a), y = clip_bytes(b);

    if (x.size != y.size || memcmp(x.data, y.data, x.size) != 0)
        fail_msg("%s and %s differ", a, b);
    cv_buffer_free(&x);
    cv_buffer_free(&y);
}
