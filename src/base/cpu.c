#include "base/cpu.h"

#include "base/cgroup.h"
#include "base/cores.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#include <limits.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_NODES 1024

bool cv_cpu_has_avx2(void)
{
#if defined(__x86_64__)
    unsigned eax, ebx, ecx, edx;

    /* Clang 14 has no name for F16C, so bit 29 of ECX in leaf 1 is read. The other two also check that the system
     * saves the registers. */
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __get_cpuid(1, &eax, &ebx, &ecx, &edx) &&
           (ecx >> 29 & 1);
#else
    return false;
#endif
}

bool cv_cpu_has_avx512(void)
{
#if defined(__x86_64__)
    return cv_cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

bool cv_cpu_has_amx(void)
{
#if defined(__x86_64__) && defined(SYS_arch_prctl)
    enum { ASK = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM and its feature, of Linux 5.16 */
    unsigned eax, ebx, ecx, edx, low;

    return cv_cpu_has_avx512() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx >> 22 & 1) && /* AMX-BF16 */
           (edx >> 25 & 1) &&                                                                           /* AMX-INT8 */
           (edx >> 24 & 1) &&                                                                           /* AMX-TILE */
           __get_cpuid_count(7, 1, &low, &ebx, &ecx, &edx) && (low >> 5 & 1) && /* AVX512_BF16 */
           syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
#else
    return false;
#endif
}

bool cv_cpu_has_dotprod(void)
{
#if defined(__aarch64__)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
    return false;
#endif
}

/* Virtual machines either list the siblings among their processors or show each processor as a core. Where no
 * siblings are listed, two threads on two processors that are in fact siblings still gain (q8 weights 1024 wide, 512
 * rows: 1.7 times, 16 rows: 1.2 times), so only listed siblings count as one core. */
int cv_thread_count(void)
{
    cpu_set_t set;
    int count = 1, quota = cv_cgroup_cpus("");

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = cv_cores("", &set);
    if (quota > 0 && quota < count)
        count = quota;
    return count > 0 ? count : 1;
}

/* Returns the smaller of two amounts, either of which may be unknown (negative). */
static long long lesser(long long a, long long b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Returns what a limit leaves to a process that uses so many pages. */
static long long left_of(int resource, long long pages)
{
    struct rlimit limit;
    long long used = pages * sysconf(_SC_PAGESIZE);

    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur > LLONG_MAX)
        return -1;
    return used < (long long)limit.rlim_cur ? (long long)limit.rlim_cur - used : 0;
}

long long cv_address_space_left(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long all, data;
    int found;

    if (!file)
        return -1;
    found = fscanf(file, "%lld %*d %*d %*d %*d %lld", &all, &data);
    fclose(file);
    return found == 2 ? lesser(left_of(RLIMIT_AS, all), left_of(RLIMIT_DATA, data)) : -1;
}

long long cv_memory_available(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    long long bytes = -1, kilobytes;
    char line[128];

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lld", &kilobytes) == 1)
            bytes = 1024 * kilobytes;
    if (file)
        fclose(file);
    return lesser(lesser(bytes, cv_cgroup_memory("")), cv_address_space_left());
}

bool cv_memory_interleave(void)
{
    unsigned long nodes[MOST_NODES / (8 * sizeof(unsigned long))] = { 0 };

    return syscall(SYS_get_mempolicy, NULL, nodes, MOST_NODES, NULL, MPOL_F_MEMS_ALLOWED) == 0 &&
           syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, nodes, MOST_NODES) == 0;
}

long long cv_memory_peak(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (long long)usage.ru_maxrss * 1024 : 0;
}
