/* cores.h - counts the cores behind a set of processors. Hyper-threads of one core share its execution units, and
 * one thread of the kernels keeps those busy. */
#ifndef CV_BASE_CORES_H
#define CV_BASE_CORES_H

#include <sched.h>
#include <stdbool.h>

/* Parses a list of processors such as "0-3,64-67". Returns false, with an empty set, where the text is not such a
 * list. */
bool cv_cpu_list(const char *text, cpu_set_t *out);
/* Returns the number of cores of which `set` holds at least one processor. Where the system does not list a
 * processor's siblings, the processor counts as a core. `root` is put before /sys: "" except in tests. */
int cv_cores(const char *root, const cpu_set_t *set);

#endif
