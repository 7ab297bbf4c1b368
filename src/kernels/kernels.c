#include "kernels/kernels.h"

#include "base/cpu.h"

void cv_kernels_best(cv_kernels *out)
{
    cv_kernels_ref(out);
#if CV_HAVE_AVX2
    if (cv_cpu_has_avx2())
        cv_kernels_avx2(out);
#endif
}
