/* cgroup.h - the limits that control groups (version 2 or 1) set on this process. */
#ifndef CV_BASE_CGROUP_H
#define CV_BASE_CGROUP_H

/* `root` is put before /proc and /sys: "" except in tests. */

/* CPU time in processors, rounded up; 0 = no limit. */
int cv_cgroup_cpus(const char *root);
/* Bytes that can still be allocated, including cached file pages that the system may drop; -1 = no limit. */
long long cv_cgroup_memory(const char *root);

#endif
