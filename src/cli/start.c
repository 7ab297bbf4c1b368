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
#include <time.h>
#include <unistd.h>

#define NEED 480000000ll /* bytes of address space that the libraries and a run of a small model on one thread take */

/* --- where the program is ------------------------------------------------------------------------------------- */

/* No single way is right everywhere. /proc may not be mounted, and names the loader or the emulator if one of those
 * was started with the program as its argument; the name in the auxiliary vector is a script's if the program is the
 * script's interpreter; argv[0] may not be a path. */
char *cli_program_path(int way)
{
    const char *name = way == 0 ? "/proc/self/exe" : (const char *)getauxval(AT_EXECFN);
    Dl_info info;

    if (way > 1) {
        if (dladdr((const void *)(size_t)cli_program_path, &info) == 0 || !info.dli_fname ||
            !strchr(info.dli_fname, '/'))
            return NULL;
        name = info.dli_fname;
    }
    return name ? realpath(name, NULL) : NULL;
}

/* Returns what can be executed to start this program again: what the system started, if that was the program and not
 * the loader (which has no other one loaded) or an emulator (whose /proc/self/exe it is). NULL if there is nothing. */
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

/* --- the environment ------------------------------------------------------------------------------------------ */

/* Returns the value of a variable; NULL where it is not set, or empty. getenv does not work before the C library's
 * constructors. */
static const char *value_of(char *const *environment, const char *name)
{
    const size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return (*environment)[length + 1] ? *environment + length + 1 : NULL;
    return NULL;
}

static int is_one(const char *value)
{
    return value && strcmp(value, "1") == 0;
}

/* Restarts the program with further variables: texts such as "NAME=value", which replace existing ones. Returns only
 * if that fails. */
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

/* Whether something else runs on this machine: processes that are ready to run, beside this one, at each of several
 * looks. True where the system does not say. */
static int others_run(void)
{
    enum { LOOKS = 4 };
    const struct timespec pause = { .tv_nsec = 300000 };

    for (int look = 0; look < LOOKS; look++) {
        char text[100] = "", *running = text;
        int file;

        if (look > 0)
            nanosleep(&pause, NULL);
        file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return 1;
        if (read(file, text, sizeof text - 1) < 0)
            text[0] = '\0';
        close(file);
        for (int word = 0; running && word < 3; word++) /* behind three averages: RUNNING/ALL */
            running = (running = strchr(running, ' ')) ? running + 1 : NULL;
        if (!running || atoi(running) < 1)
            return 1;
        if (atoi(running) == 1)
            return 0;
    }
    return 1;
}

#ifdef __clang__ /* the variable that the compiler's OpenMP reads */
#define SPIN_TIME "KMP_BLOCKTIME"
#define SPIN_SHORTLY SPIN_TIME "=1"
#else
#define SPIN_TIME "GOMP_SPINCOUNT"
#define SPIN_SHORTLY SPIN_TIME "=1000"
#endif

/* Threads that sleep while they wait for each other wake up late: the shipped model's clip takes twice as long. Threads
 * that spin take the processors of whatever else runs, and of each other: then it takes many times as long. So they
 * spin only on a machine that does nothing else, and for no longer than threads are apart at the end of a small layer:
 * 1000 turns of GCC's OpenMP, some 20 us, are as fast there as any number, and cost half as much again where something
 * else begins to run. LLVM's OpenMP counts milliseconds. OpenBLAS allocates a buffer for each thread that it might
 * start; it starts none, because the layers split the work. */
static void settle_environment(char **argv, char *const *environment)
{
    static char sleep_at_once[] = "OMP_WAIT_POLICY=passive", spin_shortly[] = SPIN_SHORTLY,
                team[] = "OMP_NUM_THREADS=1", threads[] = "OPENBLAS_NUM_THREADS=1";
    char *more[4];
    size_t count = 0;

    if (!value_of(environment, "OMP_WAIT_POLICY") && !value_of(environment, SPIN_TIME))
        more[count++] = others_run() ? sleep_at_once : spin_shortly;
    if (!is_one(value_of(environment, "OMP_NUM_THREADS")))
        more[count++] = team;
    if (!is_one(value_of(environment, "OPENBLAS_NUM_THREADS")))
        more[count++] = threads;
    start_anew(argv, environment, more, count);
}

/* Sets OPENBLAS_CORETYPE if OpenBLAS does not know the processor, which it says once it is loaded. */
static void settle_core(char **argv)
{
    const char *core = cogvideo_blas_core();
    char text[64], *more = text;

    if (!core)
        return;
    snprintf(text, sizeof text, "OPENBLAS_CORETYPE=%s", core);
    start_anew(argv, environ, &more, 1);
}

/* --- streams and memory --------------------------------------------------------------------------------------- */

/* If a standard stream is closed, the next file to be opened would take its number and get its messages. Files
 * opened here instead fail to be read or written, as the closed stream would. */
static void fill_streams(void)
{
    for (int stream = 0; stream <= 2; stream++)
        if (fcntl(stream, F_GETFD) == -1)
            (void)!open("/", O_PATH);
}

/* OpenBLAS allocates the buffers of all its threads while it is loaded, and would retry forever without room for
 * them. */
static void check_memory(char *const *environment)
{
    const char *team = value_of(environment, "OMP_NUM_THREADS");
    cpu_set_t processors;
    int threads = team ? atoi(team) : 0,
        count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
    char text[400];

    if (threads > 0 && threads < count)
        count = threads;
    if (cv_can_map(count, CV_BLAS_BUFFER + CV_BLAS_BUFFER / 16))
        return;
    snprintf(
        text, sizeof text,
        CLI_ERROR
        "OpenBLAS needs %lld MB of address space when it starts, and less is left: raise the limits of the process to "
        "%lld MB or more ('ulimit -v %lld', or -d)%s\n",
        count * CV_BLAS_BUFFER / 1000000, (NEED + count * CV_BLAS_BUFFER) / 1000000,
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

/* Libraries read the environment, open files and allocate memory in their constructors, so this runs before those.
 * Sanitizers need a constructor themselves, so builds with them cannot do that. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif
#if !defined(SANITIZED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((section(".preinit_array"), used)) static void (*const before_constructors)(int, char **,
                                                                                          char **) = settle;
#endif

void cli_start(char **argv)
{
    if (!settled)
        settle(0, argv, environ);
    settle_core(argv);
}
