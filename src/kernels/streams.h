/* streams.h - the order in which the rows of a matrix are read from memory.
 *
 * The rows of a tile lie far apart: each is part of a stream that runs through many rows without a break, as the
 * hardware's prefetchers like it. Side by side they would be streams of one short row each. */
#ifndef CV_KERNELS_STREAMS_H
#define CV_KERNELS_STREAMS_H

#include "kernels/vec.h"

/* `tiles` tiles of R rows, and the rows that are left behind all of them; `all` is the number of both. */
typedef struct streams {
    int R, tiles, all, step, apart;
} streams;

enum { SHORT_ROW = 512 }; /* bytes: the keys of an attention, which lie in a cache and have their totals side by side */

/* Rows that are read `again` come from a cache: there they lie side by side, since those far apart would often fall on
 * the same lines of the first one. */
INLINE streams streams_of(const cv_weight *w, int R, bool again)
{
    const int tiles = w->N / R;
    const bool near = again || cv_weight_row_bytes(w->type, (size_t)w->K) < SHORT_ROW;

    return (streams){ R, tiles, tiles + w->N % R, near ? R : 1, near ? 1 : tiles };
}

/* The first row of tile i, whose others lie `apart` from each other; behind the tiles, a row that is left. */
INLINE int first_row(streams s, int i)
{
    return i < s.tiles ? i * s.step : s.tiles * s.R + i - s.tiles;
}

/* Writes the totals of a tile's rows where they belong. */
INLINE void scatter(float *out, size_t apart, const float *totals, int R)
{
    EACH (r, R)
        out[(size_t)r * apart] = totals[r];
}

enum { LINE = 64 }; /* bytes that are prefetched at once */

/* What a stream needs next, into the first cache, and what it needs later, into the second. */
INLINE void prefetch_stream(const void *at)
{
    prefetch((const char *)at + 384);
    prefetch_second((const char *)at + 2048);
}

#endif
