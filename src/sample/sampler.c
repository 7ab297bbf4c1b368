#include "sample/sampler.h"

#include <float.h>
#include <math.h>

/* The buffers of one call. */
typedef struct workspace {
    double *weights; /* of clusters, or of codes */
    double *inner;   /* of the codes of one cluster */
    int32_t *order;  /* candidates, best first */
} workspace;

/* The candidates of a draw: order[0 .. count), whose weights sum to `total`. */
typedef struct kept {
    int count;
    double total;
} kept;

/* Given back at once: nothing else takes from the arena during a call. There are never more clusters than codes. */
static workspace carve(cv_arena *arena, int codes, const cv_clusters *clusters)
{
    const size_t count = clusters ? (size_t)cv_clusters_count(clusters) : 0, mark = cv_arena_mark(arena);
    workspace work = { .weights = cv_arena_take(arena, count + (size_t)codes, sizeof *work.weights) };

    work.inner = work.weights ? work.weights + count : NULL;
    work.order = cv_arena_take(arena, (size_t)codes, sizeof *work.order);
    cv_arena_rewind(arena, mark);
    return work;
}

size_t cv_sampler_scratch(int codes, const cv_clusters *clusters)
{
    cv_arena arena = { 0 };

    carve(&arena, codes, clusters);
    return arena.peak;
}

/* Returns the greatest logit; NaN where the logits are not sound. Several lanes keep the processor from waiting for
 * each comparison. */
static float greatest(const float *logits, int n)
{
    enum { LANES = 8 };
    float best[LANES];
    int unsound[LANES] = { 0 }, i = 0;

    for (int lane = 0; lane < LANES; lane++)
        best[lane] = -INFINITY;
    for (; i + LANES <= n; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            float logit = logits[i + lane];

            unsound[lane] |= !(logit < INFINITY);
            best[lane] = logit > best[lane] ? logit : best[lane];
        }
    for (; i < n; i++) {
        unsound[0] |= !(logits[i] < INFINITY);
        best[0] = logits[i] > best[0] ? logits[i] : best[0];
    }
    for (int lane = 1; lane < LANES; lane++) {
        unsound[0] |= unsound[lane];
        best[0] = best[lane] > best[0] ? best[lane] : best[0];
    }
    return unsound[0] || best[0] == -INFINITY ? NAN : best[0];
}

bool cv_logits_sound(const float *logits, int n)
{
    return !isnan(greatest(logits, n));
}

/* exp((logit - best) / T) with scale = 1 / T: from 0 to 1. Returns 1 where even the best is minus infinity, in a
 * cluster that is never drawn. */
static inline float weight_of(float logit, float best, float scale)
{
    return best > -INFINITY ? expf((logit - best) * scale) : 1;
}

/* 1 / T as a positive number, so that the product with minus infinity is minus infinity. */
static float scale_of(double temperature)
{
    return (float)fmax(fmin(1 / temperature, FLT_MAX), FLT_MIN);
}

/* --- candidates, best first ----------------------------------------------------------------------------------- */

static inline bool better(const double *weights, int32_t a, int32_t b)
{
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
}

/* Restores the heap order[0 .. size), whose best is at 0, below `at`. */
static void sift(const double *weights, int32_t *order, int size, int at)
{
    int32_t moving = order[at];

    while (2 * at + 1 < size) {
        int child = 2 * at + 1;

        if (child + 1 < size && better(weights, order[child + 1], order[child]))
            child++;
        if (!better(weights, order[child], moving))
            break;
        order[at] = order[child];
        at = child;
    }
    order[at] = moving;
}

static void list_all(int32_t *order, int n)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
}

/* Puts the best of the n candidates in `order` first, until there are `limit` of them or their weights reach `enough`.
 * A heap finds each in log n steps, so taking a few of many costs little more than reading all once. */
static kept take_best(const double *weights, int32_t *order, int n, int limit, double enough)
{
    kept best = { 0 };

    for (int i = n / 2 - 1; i >= 0; i--)
        sift(weights, order, n, i);
    while (best.count < limit && (best.count == 0 || best.total < enough)) {
        int last = n - 1 - best.count;
        int32_t top = order[0];

        order[0] = order[last];
        order[last] = top;
        sift(weights, order, last, 0);
        best.total += weights[top];
        best.count++;
    }
    for (int i = 0; i < best.count && i < n / 2; i++) {
        int32_t other = order[i];

        order[i] = order[n - 1 - i];
        order[n - 1 - i] = other;
    }
    return best;
}

/* Returns the candidate at which the running sum of weights passes u * total. Candidates of weight 0 are skipped, so
 * that rounding at u near 1 ends at the last one that can be drawn. `order` NULL: all, in their own order. */
static int draw(const double *weights, const int32_t *order, kept from, double u)
{
    double sum = 0, target = u * from.total;
    int found = order ? order[0] : 0;

    for (int i = 0; i < from.count; i++) {
        int candidate = order ? order[i] : i;

        if (weights[candidate] > 0) {
            found = candidate;
            sum += weights[candidate];
            if (sum > target)
                break;
        }
    }
    return found;
}

/* --- by clusters ---------------------------------------------------------------------------------------------- */

static kept keep_clusters(const workspace *work, const float *logits, float best, const cogvideo_sampling *sampling,
                          const cv_clusters *clusters)
{
    int codes = cv_clusters_codes(clusters), count = cv_clusters_count(clusters);
    const int32_t *labels = cv_clusters_labels(clusters);
    float scale = scale_of(sampling->temperature);

    for (int c = 0; c < count; c++)
        work->weights[c] = 0;
    for (int code = 0; code < codes; code++)
        work->weights[labels[code]] += (double)weight_of(logits[code], best, scale);
    list_all(work->order, count);
    return take_best(work->weights, work->order, count, sampling->clusters < count ? sampling->clusters : count,
                     INFINITY);
}

/* work->inner = the weights of the codes of a cluster. */
static kept weigh_members(const workspace *work, const float *logits, const cogvideo_sampling *sampling,
                          const int32_t *members, int count)
{
    kept all = { .count = count };
    float best = -INFINITY, scale = scale_of(sampling->temperature * sampling->code_temperature);

    for (int i = 0; i < count; i++)
        best = logits[members[i]] > best ? logits[members[i]] : best;
    for (int i = 0; i < count; i++) {
        work->inner[i] = (double)weight_of(logits[members[i]], best, scale);
        all.total += work->inner[i];
    }
    return all;
}

/* --- plain ---------------------------------------------------------------------------------------------------- */

enum { BLOCK = 32 };
/* Exponents that differ by less may round to equal weights, of which the lower code is the better one; below the least,
 * where weights have no full precision, they may differ by more. */
#define NEAR 1e-4F
#define LEAST_EXPONENT (-80)

/* Lists the codes that can be among the best k, which are few where k is, and gives how many. Each of the k blocks with
 * the greatest logits has a code at least as good as the worst of these blocks' best: all others are out. */
static int list_leaders(const workspace *work, const float *logits, float best, int codes, int k, float scale)
{
    const int blocks = codes / BLOCK; /* what is behind them is listed unseen */
    double *maxima = work->weights;
    int count = 0;
    float least;

    if (k < blocks) {
        for (int b = 0; b < blocks; b++) {
            const float top = greatest(logits + b * BLOCK, BLOCK);

            maxima[b] = isnan(top) ? -INFINITY : (double)top;
        }
        list_all(work->order, blocks);
        take_best(maxima, work->order, blocks, k, INFINITY);
        least = (float)maxima[work->order[k - 1]];
        if ((least - best) * scale > LEAST_EXPONENT) {
            least -= NEAR / scale;
            for (int b = 0; b < blocks; b++)
                for (int code = b * BLOCK; maxima[b] >= (double)least && code < (b + 1) * BLOCK; code++)
                    if (logits[code] >= least)
                        work->order[count++] = code;
            for (int code = blocks * BLOCK; code < codes; code++)
                work->order[count++] = code;
            return count;
        }
    }
    list_all(work->order, codes);
    return codes;
}

/* The best k codes. */
static kept keep_few(const workspace *work, const float *logits, float best, int codes, int k, float scale)
{
    const int count = list_leaders(work, logits, best, codes, k, scale);

    for (int i = 0; i < count; i++)
        work->weights[work->order[i]] = (double)weight_of(logits[work->order[i]], best, scale);
    return take_best(work->weights, work->order, count, k, INFINITY);
}

/* Weighs codes and keeps those of top_k and top_p. *in_order: all are kept, and work->order is not used. */
static kept keep_codes(const workspace *work, const float *logits, float best, int codes,
                       const cogvideo_sampling *sampling, bool *in_order)
{
    float scale = scale_of(sampling->temperature);
    bool few = sampling->top_k > 0 && sampling->top_k < codes;
    bool share = sampling->top_p < 1;
    kept all = { .count = codes }, result;
    double enough;

    *in_order = !few && !share;
    if (few) {
        result = keep_few(work, logits, best, codes, sampling->top_k, scale);
    } else {
        for (int code = 0; code < codes; code++) {
            work->weights[code] = (double)weight_of(logits[code], best, scale);
            all.total += work->weights[code];
        }
        if (*in_order)
            return all;
        list_all(work->order, codes);
        return take_best(work->weights, work->order, codes, codes, sampling->top_p * all.total);
    }
    if (!share)
        return result;
    enough = sampling->top_p * result.total;
    all = result;
    result = (kept){ 0 };
    while (result.count < all.count && (result.count == 0 || result.total < enough))
        result.total += work->weights[work->order[result.count++]];
    return result;
}

/* --- the rule ------------------------------------------------------------------------------------------------- */

static int best_code(const float *logits, int codes)
{
    float best = -INFINITY;
    int found = 0;

    for (int code = 0; code < codes; code++)
        if (logits[code] > best) {
            best = logits[code];
            found = code;
        }
    return found;
}

int cv_sample(const float *logits, int codes, const cogvideo_sampling *sampling, const cv_clusters *clusters,
              double u_cluster, double u_code, cv_arena *arena)
{
    workspace work = carve(arena, codes, clusters);
    const float best = greatest(logits, codes);
    const int32_t *members;
    bool in_order;
    kept from;
    int count;

    if (isnan(best))
        return -1;
    if (sampling->greedy)
        return best_code(logits, codes);
    if (sampling->clusters <= 0) {
        from = keep_codes(&work, logits, best, codes, sampling, &in_order);
        return draw(work.weights, in_order ? NULL : work.order, from, u_code);
    }
    from = keep_clusters(&work, logits, best, sampling, clusters);
    members = cv_clusters_members(clusters, draw(work.weights, work.order, from, u_cluster), &count);
    from = weigh_members(&work, logits, sampling, members, count);
    return members[draw(work.inner, NULL, from, u_code)];
}

void cv_sample_probabilities(double *out, const float *logits, int codes, const cogvideo_sampling *sampling,
                             const cv_clusters *clusters, cv_arena *arena)
{
    workspace work = carve(arena, codes, clusters);
    const float best = greatest(logits, codes);
    bool in_order;
    kept from;

    for (int code = 0; code < codes; code++)
        out[code] = 0;
    if (sampling->greedy) {
        out[best_code(logits, codes)] = 1;
        return;
    }
    if (sampling->clusters <= 0) {
        from = keep_codes(&work, logits, best, codes, sampling, &in_order);
        for (int i = 0; i < from.count; i++) {
            int code = in_order ? i : work.order[i];

            out[code] = work.weights[code] / from.total;
        }
        return;
    }
    from = keep_clusters(&work, logits, best, sampling, clusters);
    for (int i = 0; i < from.count; i++) {
        double share = work.weights[work.order[i]] / from.total;
        int count;
        const int32_t *members = cv_clusters_members(clusters, work.order[i], &count);
        kept inside = weigh_members(&work, logits, sampling, members, count);

        for (int m = 0; m < count; m++)
            out[members[m]] = share * work.inner[m] / inside.total;
    }
}

void cv_logits_guide(float *logits, const float *unconditional, double scale, int n)
{
    float by = (float)scale;

    for (int i = 0; i < n; i++)
        logits[i] = unconditional[i] + by * (logits[i] - unconditional[i]);
}

double cv_log_probability(const float *logits, int n, int code)
{
    double best = (double)greatest(logits, n), sum = 0;

    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i] - best);
    return (double)logits[code] - best - log(sum);
}

double cv_entropy(const float *logits, int n)
{
    double best = (double)greatest(logits, n), sum = 0, weighted = 0;

    for (int i = 0; i < n; i++) {
        double below = (double)logits[i] - best, share = exp(below);

        sum += share;
        if (share > 0) /* where it is 0, so is its product with any logit */
            weighted += share * below;
    }
    return log(sum) - weighted / sum;
}
