#include "base/parallel.h"

#include <omp.h>
#include <pthread.h>

static void *wait_for_all(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

int cv_threads_possible(int wanted)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[CV_MAX_THREADS];
    int others = (wanted < CV_MAX_THREADS ? wanted : CV_MAX_THREADS) - 1, started = 0;

    pthread_mutex_lock(&gate);
    while (started < others && pthread_create(&threads[started], NULL, wait_for_all, &gate) == 0)
        started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return 1 + started;
}

int cv_thread_index(void)
{
    return omp_get_thread_num();
}
