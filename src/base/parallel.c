#include "base/parallel.h"

#include <omp.h>

int cv_thread_index(void)
{
    return omp_get_thread_num();
}
