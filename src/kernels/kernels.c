#include "kernels/kernels.h"

#include "base/cpu.h"

bool cv_kernels_choose(int number, cv_kernels *out)
{
    cv_kernels_ref(out);
    if (number == 0)
        return true;
#if CV_HAVE_AVX2
    if (!cv_cpu_has_avx2())
        return false;
    cv_kernels_avx2(out);
    if (number == 1)
        return true;
    if (!cv_cpu_has_avx512())
        return false;
    cv_kernels_avx512(out);
    return number == 2;
#elif CV_HAVE_NEON
    if (!cv_cpu_has_dotprod())
        return false;
    cv_kernels_neon(out);
    return number == 1;
#else
    return false;
#endif
}

void cv_kernels_best(cv_kernels *out)
{
    cv_kernels table;

    for (int number = 0; cv_kernels_choose(number, &table); number++)
        *out = table;
}
