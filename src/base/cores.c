#include "base/cores.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads the number at *at and moves *at behind it; returns -1 where there is none that a set can hold. */
static long read_cpu(const char **at)
{
    char *end;
    long cpu;

    if (**at < '0' || **at > '9')
        return -1;
    cpu = strtol(*at, &end, 10);
    *at = end;
    return cpu < CPU_SETSIZE ? cpu : -1;
}

bool cv_cpu_list(const char *text, cpu_set_t *out)
{
    CPU_ZERO(out);
    for (;; text++) {
        long first = read_cpu(&text), last = first;

        if (first >= 0 && *text == '-') {
            text++;
            last = read_cpu(&text);
        }
        if (first < 0 || last < first || (*text && *text != ',' && *text != '\n')) {
            CPU_ZERO(out);
            return false;
        }
        for (long cpu = first; cpu <= last; cpu++)
            CPU_SET((size_t)cpu, out);
        if (*text != ',')
            return true;
    }
}

static bool read_siblings(const char *root, int cpu, cpu_set_t *out)
{
    char path[4096], text[1024];
    FILE *file;
    size_t size;

    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, cpu);
    if (!(file = fopen(path, "re")))
        return false;
    size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    return cv_cpu_list(text, out);
}

int cv_cores(const char *root, const cpu_set_t *set)
{
    int cores = 0;

    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        cpu_set_t siblings;
        int first = cpu;

        if (!CPU_ISSET((size_t)cpu, set))
            continue;
        if (read_siblings(root, cpu, &siblings))
            for (first = 0; first < cpu && !(CPU_ISSET((size_t)first, &siblings) && CPU_ISSET((size_t)first, set));)
                first++;
        cores += first == cpu; /* each core is counted with the first of its processors */
    }
    return cores;
}
