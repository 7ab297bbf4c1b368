#include "start.h"
#include "say.h"

#include "base/mem.h"
#include "base/parallel.h"

#include <cogvideo/version.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEED 480000000ll /* bytes of address space of the libraries and of a small model's run on one thread */

/* --- where the program lies -------------------------------------------------------------------------------- */

/* Each way is wrong somewhere: /proc may not be mounted, and names the loader or the emulator where one of those was started with the
 * program as its argument; the system's name for what it started is a script's where the program is its interpreter; the loader's name
 * may be no path. */
char *cli_program_path(int way)
{
    const char *name = way == 0 ? "/proc/self/exe" : (const char *)getauxval(AT_EXECFN);
    Dl_info info;

    if (way > 1) {
        if (dladdr((const void *)(size_t)cli_program_path, &info) == 0 || !info.dli_fname || !strchr(info.dli_fname, '/'))
            return NULL;
        name = info.dli_fname;
    }
    return name ? realpath(name, NULL) : NULL;
}

/* What may be started in place of this process to get another one like it: what the system started, where that was the program and neither
 * the loader (which has no other one loaded) nor an emulator (whose /proc/self/exe it is). NULL where there is nothing. */
static const char *itself(void)
{
    const char *name = (const char *)getauxval(AT_EXECFN);
    struct stat named, running;

    if (!name || getauxval(AT_BASE) == 0 || stat(name, &named) != 0)
        return NULL;
    if (stat("/proc/self/exe", &running) == 0 && (running.st_dev != named.st_dev || running.st_ino != named.st_ino))
        return NULL;
    return name;
}

/* --- the environment --------------------------------------------------------------------------------------- */

/* The value of a variable, or NULL. Before the constructors of the C library getenv knows none. */
static const char *value_of(char *const *environment, const char *name)
{
    const size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static int is_one(const char *value)
{
    return value && strcmp(value, "1") == 0;
}

/* Starts the program anew with more in its environment: texts such as "NAME=value", which replace what is there. Returns where that fails. */
static void start_anew(char **argv, char *const *environment, char *const *more, size_t count)
{
    const char *program = itself();
    size_t size = 0;
    char **whole;

    while (environment[size])
        size++;
    if (count == 0 || !program || !(whole = malloc((size + count + 1) * sizeof *whole)))
        return;
    size = 0;
    for (; *environment; environment++) {
        int replaced = 0;

        for (size_t i = 0; i < count; i++)
            replaced |= strncmp(*environment, more[i], strcspn(more[i], "=") + 1) == 0;
        if (!replaced)
            whole[size++] = *environment;
    }
    memcpy(whole + size, more, count * sizeof *whole);
    whole[size + count] = NULL;
    execve(program, argv, whole);
    free(whole);
}

/* By default OpenMP's threads spin while they wait for each other, which on a machine that does other work as well takes ten
 * times as long. OpenBLAS takes a buffer for each thread it might start, which is none: the layers split the work. */
static void settle_environment(char **argv, char *const *environment)
{
    static char wait[] = "OMP_WAIT_POLICY=passive", team[] = "OMP_NUM_THREADS=1", threads[] = "OPENBLAS_NUM_THREADS=1";
    char *more[3];
    size_t count = 0;

    if (!value_of(environment, "OMP_WAIT_POLICY") && !value_of(environment, "GOMP_SPINCOUNT"))
        more[count++] = wait;
    if (!is_one(value_of(environment, "OMP_NUM_THREADS")))
        more[count++] = team;
    if (!is_one(value_of(environment, "OPENBLAS_NUM_THREADS")))
        more[count++] = threads;
    start_anew(argv, environment, more, count);
}

/* OpenBLAS may not know the processor, which it says once it is loaded. */
static void settle_core(char **argv)
{
    const char *core = cogvideo_blas_core();
    char text[64], *more = text;

    if (!core)
        return;
    snprintf(text, sizeof text, "OPENBLAS_CORETYPE=%s", core);
    start_anew(argv, environ, &more, 1);
}

/* --- streams and memory ------------------------------------------------------------------------------------ */

/* The next file that is opened would take the place of a standard stream that is closed, and get its messages. What is opened here fails
 * to be read and written as the closed one did. */
static void fill_streams(void)
{
    for (int stream = 0; stream <= 2; stream++)
        if (fcntl(stream, F_GETFD) == -1)
            (void)!open("/", O_PATH);
}

/* Buffers of all its threads are taken while OpenBLAS is loaded, which would never end without room for them. */
static void check_memory(char *const *environment)
{
    const char *team = value_of(environment, "OMP_NUM_THREADS");
    cpu_set_t processors;
    int threads = team ? atoi(team) : 0, count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
    char text[400];

    if (threads > 0 && threads < count)
        count = threads;
    if (cv_can_map(count, CV_BLAS_BUFFER + CV_BLAS_BUFFER / 16))
        return;
    snprintf(text, sizeof text, CLI_ERROR "OpenBLAS takes %lld MB of address space at its start, and there is less: raise the limits of the process to "
             "%lld MB or more ('ulimit -v %lld', or -d)%s\n", count * CV_BLAS_BUFFER / 1000000, (NEED + count * CV_BLAS_BUFFER) / 1000000,
             (NEED + count * CV_BLAS_BUFFER) / 1000, count > 1 ? ", or set OMP_NUM_THREADS=1" : "");
    (void)!write(STDERR_FILENO, text, strlen(text));
    _exit(1);
}

static int settled;

static void settle(int argc, char **argv, char **environment)
{
    (void)argc;
    settled = 1;
    fill_streams();
    settle_environment(argv, environment);
    check_memory(environment);
}

/* Libraries read the environment, open files and take memory in their constructors: all of this comes before those. Not so in a build
 * with sanitizers, which need a constructor themselves. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif
#if !defined(SANITIZED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((section(".preinit_array"), used)) static void (*const before_constructors)(int, char **, char **) = settle;
#endif

void cli_start(char **argv)
{
    if (!settled)
        settle(0, argv, environ);
    settle_core(argv);
}
