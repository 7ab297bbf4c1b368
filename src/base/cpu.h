/* cpu.h - what the processor offers, asked at run time (the operating system's consent included). */
#ifndef CV_BASE_CPU_H
#define CV_BASE_CPU_H

#include <stdbool.h>

bool cv_cpu_has_avx2(void);   /* AVX2, FMA and F16C together */
bool cv_cpu_has_avx512(void); /* AVX-512 F, BW, VL and VNNI together, and the above */
bool cv_cpu_has_dotprod(void); /* NEON with the byte dot product of ARMv8.2 */
/* Threads that are worth starting: cores that this process may use, by its affinity mask and the quota of its control groups; at least 1. */
int cv_thread_count(void);
/* Pages that this thread, and those it starts from now on, are first to touch are spread over all memory nodes. False where the
 * system does not do that. */
bool cv_memory_interleave(void);
/* Bytes of memory that can be had without swapping: in the machine, in the control groups and within the process's own limits; -1 where
 * the system does not tell. */
long long cv_memory_available(void);
/* Bytes that the process's limits of address space and data (ulimit -v, ulimit -d) leave; -1 where there is none, or the system does
 * not tell. */
long long cv_address_space_left(void);
/* Bytes of memory this process has resident now and at its peak (0 where the system does not tell). */
long long cv_memory_peak(void);

#endif
