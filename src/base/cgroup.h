/* cgroup.h - what a container may use: limits of the control groups (version 2, or 1) that this process is in. */
#ifndef CV_BASE_CGROUP_H
#define CV_BASE_CGROUP_H

/* `root` stands before /proc and /sys: "" but in tests. */

/* Processors' worth of time, rounded up; 0: no limit. */
int cv_cgroup_cpus(const char *root);
/* Bytes that can still be taken, files' pages that may be dropped included; -1: no limit. */
long long cv_cgroup_memory(const char *root);

#endif
