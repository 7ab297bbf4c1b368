#include "base/parallel.h"

#include <ctype.h>
#include <limits.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_LOOKS 1000

typedef struct probe {
    pthread_t thread;
    pthread_mutex_t *gate;
    pid_t number;
} probe;

static void *wait_for_all(void *given)
{
    probe *p = given;

    p->number = (pid_t)syscall(SYS_gettid);
    pthread_mutex_lock(p->gate);
    pthread_mutex_unlock(p->gate);
    return NULL;
}

/* Waits until the system has released a thread, which counts among the process's threads a little longer than it
 * runs. */
static void join(const probe *p)
{
    pthread_join(p->thread, NULL);
    for (int i = 0; i < MOST_LOOKS && syscall(SYS_tgkill, getpid(), p->number, 0) == 0; i++)
        usleep(50);
}

int cv_threads_possible(int wanted)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    probe probes[CV_MAX_THREADS];
    int others = (wanted < CV_MAX_THREADS ? wanted : CV_MAX_THREADS) - 1, started = 0;

    pthread_mutex_lock(&gate);
    for (; started < others; started++) {
        probes[started] = (probe){ .gate = &gate };
        if (pthread_create(&probes[started].thread, NULL, wait_for_all, &probes[started]) != 0)
            break;
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++)
        join(&probes[i]);
    return 1 + started;
}

/* As OpenMP reads it: a number of kilobytes, or of another unit by its letter. 0: it says nothing. */
static long long openmp_stack(void)
{
    static const char units[] = "BKMG";
    const char *text = getenv("OMP_STACKSIZE"), *unit;
    char *end;
    long long size = text ? strtoll(text, &end, 10) : 0;

    if (size <= 0 || size > LLONG_MAX >> 30)
        return 0;
    unit = *end ? strchr(units, toupper((unsigned char)*end)) : units + 1;
    return unit ? size << 10 * (unit - units) : 0;
}

long long cv_stack_bytes(void)
{
    const long long others = openmp_stack();
    struct rlimit limit;
    long long bytes = LLONG_MAX;

    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < LLONG_MAX)
        bytes = (long long)limit.rlim_cur;
    return others > 0 && others < bytes ? others : bytes;
}

int cv_threads_default(int threads)
{
    const int before = omp_get_max_threads();

    omp_set_num_threads(threads);
    return before;
}

int cv_thread_index(void)
{
    return omp_get_thread_num();
}
