#include "train/colour_pairs.h"

#include "nn/nearest.h"
#include "train/kmeans.h"

#include <math.h>
#include <string.h>

#define ROUNDS 25
#define PLAIN 1e-4       /* a patch is of one colour if it varies by less than this part of what all do in the mean */
#define PLAIN_SHARE 0.02 /* fewer such patches say nothing about the colours of the others */
#define DIFFERENT 1e-4   /* least squared distance of two colours that are not the same */

/* Two colours and what is between them. */
typedef struct segment {
    double from[3], way[3], square; /* of the way's length */
    int uses;                       /* patches that are closest to it */
} segment;

/* Patches on their way to a codebook. */
typedef struct patches {
    const cv_exec *exec;
    const float *z; /* [rows][3 * pixels] */
    int rows, pixels;
    float *colours;    /* [colours][3] */
    int *plain;        /* [colours]: patches of one colour that are of this one */
    segment *segments; /* [colours * (colours - 1) / 2]: all pairs, from `find_pairs` on the chosen ones first */
    int32_t *pair;     /* [rows]: the segment that a patch is closest to; -1: it is of one colour */
} patches;

static const float *patch_at(const patches *p, int row)
{
    return p->z + (size_t)row * 3 * (size_t)p->pixels;
}

static void mean_of(const patches *p, int row, float mean[3])
{
    for (int c = 0; c < 3; c++) {
        double sum = 0;

        for (int i = 0; i < p->pixels; i++)
            sum += (double)patch_at(p, row)[c * p->pixels + i];
        mean[c] = (float)(sum / p->pixels);
    }
}

/* The sum of squared differences from the patch's own mean. */
static double variation(const patches *p, int row)
{
    double sum = 0;
    float mean[3];

    mean_of(p, row, mean);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < p->pixels; i++) {
            double d = (double)patch_at(p, row)[c * p->pixels + i] - (double)mean[c];

            sum += d * d;
        }
    return sum;
}

/* --- colours -------------------------------------------------------------------------------------------------- */

/* Marks the patches of nearly one colour in `pair`; returns their number. */
static int mark_plain(patches *p, cv_arena *arena)
{
    size_t mark = cv_arena_mark(arena);
    double *varies = cv_arena_take(arena, (size_t)p->rows, sizeof *varies), mean = 0;
    int plain = 0;

    for (int row = 0; arena->base && row < p->rows; row++) {
        varies[row] = variation(p, row);
        mean += varies[row] / p->rows;
    }
    for (int row = 0; arena->base && row < p->rows; row++) {
        p->pair[row] = varies[row] <= PLAIN * mean ? -1 : 0;
        plain += p->pair[row] < 0;
    }
    cv_arena_rewind(arena, mark);
    return plain;
}

/* Colours by k-means over the patches that are marked, or over `all`. */
static void find_colours(patches *p, int colours, bool all, uint64_t seed, cv_arena *arena)
{
    size_t mark = cv_arena_mark(arena);
    float *means = cv_arena_take(arena, 3 * (size_t)p->rows, sizeof *means);
    int32_t *labels = cv_arena_take(arena, (size_t)p->rows, sizeof *labels);
    int count = arena->base ? 0 : p->rows;

    for (int row = 0; arena->base && row < p->rows; row++)
        if (all || p->pair[row] < 0)
            mean_of(p, row, means + 3 * (size_t)count++);
    cv_kmeans(p->exec, p->colours, labels, means, count, 3, colours, ROUNDS, seed, arena);
    if (arena->base)
        memset(p->plain, 0, (size_t)colours * sizeof *p->plain);
    for (int i = 0; arena->base && i < count; i++)
        p->plain[labels[i]]++;
    cv_arena_rewind(arena, mark);
}

/* How many colours are not the same as one before. */
static int count_different(const patches *p, int colours)
{
    int different = 0;

    for (int i = 0; i < colours; i++) {
        bool is_new = true;

        for (int j = 0; j < i && is_new; j++)
            is_new = cv_squared_distance(p->colours + 3 * i, p->colours + 3 * j, 3) > DIFFERENT;
        different += is_new;
    }
    return different;
}

/* --- pairs ---------------------------------------------------------------------------------------------------- */

static segment between(const patches *p, int first, int second)
{
    segment s = { .uses = 0 };

    for (int c = 0; c < 3; c++) {
        s.from[c] = (double)p->colours[3 * first + c];
        s.way[c] = (double)p->colours[3 * second + c] - s.from[c];
        s.square += s.way[c] * s.way[c];
    }
    return s;
}

/* How far along the segment the mixture closest to a pixel lies, 0 to 1, and the squared distance from it. */
static double share_of(const patches *p, const segment *s, int row, int pixel, double *away)
{
    const float *x = patch_at(p, row) + pixel;
    double product = 0, share;

    for (int c = 0; c < 3; c++)
        product += ((double)x[c * p->pixels] - s->from[c]) * s->way[c];
    share = s->square > 0 ? fmin(fmax(product / s->square, 0), 1) : 0;
    *away = 0;
    for (int c = 0; c < 3; c++) {
        double d = (double)x[c * p->pixels] - s->from[c] - share * s->way[c];

        *away += d * d;
    }
    return share;
}

/* Of the first `count` segments the one that a patch is closest to. */
static int closest(const patches *p, int count, int row)
{
    double least = INFINITY;
    int best = 0;

    for (int s = 0; s < count; s++) {
        double sum = 0, away;

        for (int i = 0; i < p->pixels && sum < least; i++) {
            share_of(p, &p->segments[s], row, i, &away);
            sum += away;
        }
        if (sum < least) {
            least = sum;
            best = s;
        }
    }
    return best;
}

static void find_closest(patches *p, int count)
{
#pragma omp parallel for num_threads(p->exec->threads) schedule(static)
    for (int row = 0; row < p->rows; row++)
        if (p->pair[row] >= 0)
            p->pair[row] = closest(p, count, row);
}

/* Of all pairs of colours those that most patches are mixtures of move to the front. */
static void find_pairs(patches *p, int colours, int count)
{
    int all = 0;

    for (int a = 0; a < colours; a++)
        for (int b = a + 1; b < colours; b++)
            p->segments[all++] = p->plain[a] >= p->plain[b] ? between(p, a, b) : between(p, b, a);
    find_closest(p, all);
    for (int row = 0; row < p->rows; row++)
        if (p->pair[row] >= 0)
            p->segments[p->pair[row]].uses++;
    for (int kept = 0; kept < count; kept++) {
        int best = kept;
        segment swapped = p->segments[kept];

        for (int i = kept; i < all; i++)
            best = p->segments[i].uses > p->segments[best].uses ? i : best;
        p->segments[kept] = p->segments[best];
        p->segments[best] = swapped;
    }
    find_closest(p, count);
}

/* --- patterns ------------------------------------------------------------------------------------------------- */

/* patterns [count][pixels] by k-means over the shares of the patches of more than one colour. */
static void find_patterns(const patches *p, float *patterns, int count, uint64_t seed, cv_arena *arena)
{
    size_t mark = cv_arena_mark(arena), pixels = (size_t)p->pixels;
    float *shares = cv_arena_take(arena, (size_t)p->rows * pixels, sizeof *shares);
    int32_t *labels = cv_arena_take(arena, (size_t)p->rows, sizeof *labels);
    int mixed = 0;
    double away;

    for (int row = 0; arena->base && row < p->rows; row++) {
        if (p->pair[row] < 0)
            continue;
        for (int i = 0; i < p->pixels; i++)
            shares[(size_t)mixed * pixels + (size_t)i] = (float)share_of(p, &p->segments[p->pair[row]], row, i, &away);
        mixed++;
    }
    if (arena->base && mixed == 0) /* nothing but plain patches: any pattern will do */
        memset(shares, 0, (size_t)(mixed = p->rows) * pixels * sizeof *shares);
    cv_kmeans(p->exec, patterns, labels, shares, arena->base ? mixed : p->rows, p->pixels, count, ROUNDS, seed, arena);
    cv_arena_rewind(arena, mark);
}

/* --- codes ---------------------------------------------------------------------------------------------------- */

/* A code whose pixels have these shares of the way between two colours. */
static void set_code(const patches *p, float *vector, const segment *s, const float *shares)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < p->pixels; i++)
            vector[c * p->pixels + i] = (float)(s->from[c] + (double)shares[i] * s->way[c]);
}

static void set_codes(const patches *p, const cv_codebook *codebook, const cv_colour_pairs *pairs,
                      const float *patterns)
{
    const int count = cv_colour_pairs_patterns(pairs);
    const size_t latent = (size_t)codebook->latent;
    const float *end = codebook->vectors + (size_t)codebook->codes * latent;
    float *vector = codebook->vectors;

    for (int colour = 0; colour < pairs->colours; colour++, vector += latent) {
        const segment alone = between(p, colour, colour);

        set_code(p, vector, &alone, patterns); /* any: the way has no length */
    }
    for (int pair = 0; pair < pairs->count; pair++)
        for (int i = 0; i < count; i++, vector += latent)
            set_code(p, vector, &p->segments[pair], patterns + (size_t)i * (size_t)p->pixels);
    for (; vector < end; vector += latent) /* of equal codes the first is nearest, so nothing is encoded as these */
        memcpy(vector, codebook->vectors, latent * sizeof *vector);
}

int cv_colour_pairs_start(const cv_exec *exec, const cv_codebook *codebook, const cv_colour_pairs *pairs,
                          const float *z, int rows, uint64_t seed, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), colours = (size_t)pairs->colours;
    const int count = cv_colour_pairs_patterns(pairs);
    patches p = { .exec = exec, .z = z, .rows = rows, .pixels = codebook->latent / 3 };
    float *patterns = cv_arena_take(arena, (size_t)count * (size_t)p.pixels, sizeof *patterns);
    int different = 0, plain;

    p.colours = cv_arena_take(arena, 3 * colours, sizeof *p.colours);
    p.plain = cv_arena_take(arena, colours, sizeof *p.plain);
    p.segments = cv_arena_take(arena, colours * (colours - 1) / 2, sizeof *p.segments);
    p.pair = cv_arena_take(arena, (size_t)rows, sizeof *p.pair);
    plain = mark_plain(&p, arena);
    find_colours(&p, pairs->colours, plain < pairs->colours || plain < PLAIN_SHARE * rows, seed, arena);
    if (arena->base && (different = count_different(&p, pairs->colours)) < pairs->colours) {
        find_colours(&p, pairs->colours, true, seed, arena);
        different = count_different(&p, pairs->colours);
    }
    if (arena->base)
        find_pairs(&p, pairs->colours, pairs->count);
    find_patterns(&p, patterns, count, seed, arena);
    if (arena->base)
        set_codes(&p, codebook, pairs, patterns);
    cv_arena_rewind(arena, mark);
    return different;
}
