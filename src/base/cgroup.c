#include "base/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_LIMIT (LLONG_MAX / 4) /* version 1 writes a number near 2^63 where there is no limit */

/* Calls `look` for the process's group of a controller and for each group above it. A container sees only a part of
 * that tree, often under another name: missing folders are skipped, and the top folder is always read. */
static void each_group(const char *root, const char *controller, void (*look)(void *user, const char *folder),
                       void *user)
{
    char path[4096], line[4096], folder[8300];
    FILE *file;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!(file = fopen(path, "re")))
        return;
    while (fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        char *rest = NULL;
        int found = 0, unified;

        if (!group)
            continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        names++;
        unified = strncmp(line, "0:", 2) == 0; /* version 2 */
        for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
            found |= strcmp(name, controller) == 0;
        if (!found && !unified)
            continue;
        for (;;) {
            char *slash = strrchr(group, '/');

            snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s%s%s", root, found ? "/" : "", found ? controller : "",
                     strcmp(group, "/") == 0 ? "" : group);
            look(user, folder);
            if (!slash || !*group)
                break;
            *slash = 0;
        }
    }
    fclose(file);
}

/* Reads the first two numbers of a file, "max" as NO_LIMIT; returns how many there are. */
static int read_numbers(const char *folder, const char *name, long long out[2])
{
    char path[8500], text[128] = "", *at = text;
    FILE *file;
    int count = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!(file = fopen(path, "re")))
        return 0;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    while (count < 2) {
        char *end = at;

        at += strspn(at, " \n");
        if (strncmp(at, "max", 3) == 0) {
            out[count] = NO_LIMIT;
            end = at + 3;
        } else {
            out[count] = strtoll(at, &end, 10);
            if (end == at)
                break;
        }
        at = end;
        count++;
    }
    return count;
}

/* Returns the number behind `key` in the group's memory.stat; 0 where there is none. */
static long long read_stat(const char *folder, const char *key)
{
    char path[8500], line[256];
    long long value = 0;
    size_t length = strlen(key);
    FILE *file;

    snprintf(path, sizeof path, "%s/memory.stat", folder);
    if (!(file = fopen(path, "re")))
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            value = strtoll(line + length, NULL, 10);
    fclose(file);
    return value;
}

static void read_cpu_limit(void *user, const char *folder)
{
    long long quota[2], period[2];
    int *least = user, cpus;

    if (read_numbers(folder, "cpu.max", quota) == 2)
        period[0] = quota[1];
    else if (read_numbers(folder, "cpu.cfs_quota_us", quota) < 1 ||
             read_numbers(folder, "cpu.cfs_period_us", period) < 1)
        return;
    if (quota[0] <= 0 || quota[0] >= NO_LIMIT || period[0] <= 0 || quota[0] / period[0] >= INT_MAX)
        return;
    cpus = (int)((quota[0] + period[0] - 1) / period[0]);
    if (*least == 0 || cpus < *least)
        *least = cpus;
}

int cv_cgroup_cpus(const char *root)
{
    int least = 0;

    each_group(root, "cpu", read_cpu_limit, &least);
    return least;
}

static void read_memory_limit(void *user, const char *folder)
{
    long long *least = user, limit[2], used[2], left;

    if (read_numbers(folder, "memory.max", limit) >= 1) {
        if (limit[0] >= NO_LIMIT || read_numbers(folder, "memory.current", used) < 1)
            return;
        left = limit[0] - used[0] + read_stat(folder, "active_file") +
               read_stat(folder, "inactive_file"); /* without shared memory */
    } else {
        if (read_numbers(folder, "memory.limit_in_bytes", limit) < 1 || limit[0] >= NO_LIMIT ||
            read_numbers(folder, "memory.usage_in_bytes", used) < 1)
            return;
        left = limit[0] - used[0] + read_stat(folder, "total_active_file") + read_stat(folder, "total_inactive_file");
    }
    left = left < 0 ? 0 : left;
    if (*least < 0 || left < *least)
        *least = left;
}

long long cv_cgroup_memory(const char *root)
{
    long long least = -1;

    each_group(root, "memory", read_memory_limit, &least);
    return least;
}
