/* cores.h - how many cores stand behind a set of processors: hyper-threads of one core share its units, and the kernels keep those
 * busy with one thread. */
#ifndef CV_BASE_CORES_H
#define CV_BASE_CORES_H

#include <sched.h>
#include <stdbool.h>

/* The processors of a list such as "0-3,64-67"; false, and an empty set, where the text is no such list. */
bool cv_cpu_list(const char *text, cpu_set_t *out);
/* Cores of which `set` holds at least one processor, as the system tells their siblings; where it does not, a processor is a core.
 * `root` stands before /sys: "" but in tests. */
int cv_cores(const char *root, const cpu_set_t *set);

#endif
