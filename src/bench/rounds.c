#include "bench/rounds.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static int find(const cv_bench_item *items, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(items[i].row.name, name) == 0)
            return i;
    return -1;
}

static double measure(const cv_bench_item *item)
{
    double started = cv_clock(), work = item->run(item->user), took = cv_clock() - started;

    if (item->seconds)
        took = *item->seconds;
    return took > 0 ? work / took / 1e9 : 0;
}

cogvideo_status cv_bench_rounds(cv_bench_item *items, int count, int rounds, const cogvideo_bench_options *options,
                                cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    double *rates = NULL, *shares = NULL; /* [count][rounds]; [rounds] */

    CV_NEW(rates, (size_t)count * (size_t)rounds, err);
    CV_NEW(shares, rounds, err);
    for (int round = -1; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            const double rate = measure(&items[i]);
            const cogvideo_progress progress = { .what = items[i].row.name,
                                                 .unit = "measurements",
                                                 .done = (long long)(round + 1) * count + i,
                                                 .total = (long long)(rounds + 1) * count };

            if (round >= 0)
                rates[i * rounds + round] = rate;
            if (options->progress && options->progress(options->user, &progress)) {
                status = cv_cancelled(err);
                goto done;
            }
        }
    for (int i = 0; i < count; i++) {
        int limit = items[i].row.limit[0] ? find(items, count, items[i].row.limit) : -1;

        for (int round = 0; round < rounds && limit >= 0; round++)
            shares[round] = rates[i * rounds + round] / rates[limit * rounds + round];
        items[i].row.share = limit >= 0 ? median(shares, rounds) : 0;
    }
    for (int i = 0; i < count; i++)
        items[i].row.rate = median(rates + i * rounds, rounds);
done:
    cv_free(rates);
    cv_free(shares);
    return status;
}

void cv_bench_row(cogvideo_bench_report *out, const char *name, double rate, const char *unit)
{
    cogvideo_bench_row *row = &out->rows[out->count];

    if (out->count == COGVIDEO_BENCH_ROWS)
        return;
    out->count++;
    *row = (cogvideo_bench_row){ .rate = rate };
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->unit, sizeof row->unit, "%s", unit);
}

void cv_bench_memory(cogvideo_bench_report *out)
{
    cv_bench_row(out, "memory so far at most", (double)cv_memory_peak() / 1e9, "GB");
}
