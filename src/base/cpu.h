/* cpu.h - what the processor and the operating system offer, detected at run time. */
#ifndef CV_BASE_CPU_H
#define CV_BASE_CPU_H

#include <stdbool.h>

bool cv_cpu_has_avx2(void);   /* AVX2, FMA and F16C together */
bool cv_cpu_has_avx512(void); /* AVX-512 F, BW, VL and VNNI together, and the above */
/* AMX tiles with products of bf16 and of bytes, AVX-512's bf16, and the above. Asks the system for the registers of
 * tiles, which a process has only then, and for good. */
bool cv_cpu_has_amx(void);
bool cv_cpu_has_dotprod(void); /* NEON with the byte dot product of ARMv8.2 */
/* Returns how many threads are worth starting: the cores that this process may use by its affinity mask and the
 * quota of its control groups; at least 1. */
int cv_thread_count(void);
/* Spreads over all memory nodes the pages that this thread, and threads it starts from now on, touch first. Returns
 * false where the system does not support that. */
bool cv_memory_interleave(void);
/* Returns how many bytes can be allocated without swapping, within the machine, the control groups and the process's
 * own limits; -1 where the system does not say. */
long long cv_memory_available(void);
/* Returns how many bytes the process's limits of address space and data (ulimit -v, ulimit -d) leave; -1 where there
 * is no limit or the system does not say. */
long long cv_address_space_left(void);
/* Returns the peak of resident memory of this process in bytes; 0 where the system does not say. */
long long cv_memory_peak(void);

#endif
