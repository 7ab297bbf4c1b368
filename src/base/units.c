#include "base/units.h"

#include <stddef.h>
#include <stdio.h>

void cv_units_bytes(char out[CV_UNITS], double bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    size_t unit = 0;

    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        unit++;
    }
    snprintf(out, CV_UNITS, bytes < 9.995 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

void cv_units_seconds(char out[CV_UNITS], double seconds)
{
    const long long whole = seconds > 0 && seconds < 1e12 ? (long long)(seconds + 0.5) : 0;

    if (whole >= 3600)
        snprintf(out, CV_UNITS, "%lld h %02lld min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        snprintf(out, CV_UNITS, "%lld min %02lld s", whole / 60, whole % 60);
    else
        snprintf(out, CV_UNITS, "%lld s", whole);
}
