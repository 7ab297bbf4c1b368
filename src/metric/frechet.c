#include "metric/frechet.h"

#include "base/mem.h"
#include "base/rng.h"
#include "nn/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256 /* rows that are taken to f64 at once */
#define SHARES 8  /* of the sets, for extrapolation */
#define SMALLEST_SHARE 0.25

/* The random numbers of one purpose never meet those of another. */
enum { RANDOM_DRAW = 1, RANDOM_SHARE };

/* One of the two sets, and which of its rows are looked at. */
typedef struct sample {
    const cv_feature_set *set;
    double *centre; /* [width] the mean of all rows */
    int32_t *times; /* [count] how often each row is in the sample */
    int32_t *order; /* [count] scratch of choosing */
    int size;       /* rows of the sample, repeated ones as often as they are in it */
    int different;  /* the same, each once */
    /* What follows from that: */
    double *mean;       /* [width], minus `centre` */
    double *covariance; /* [width][width], symmetric; NULL = only its trace is wanted */
    double trace;
} sample;

typedef struct comparison {
    const cv_frechet_options *options;
    sample samples[2];
    int width, done, steps;
    double *block;    /* [BLOCK][width] */
    double *matrix;   /* [width][width] scratch, or [count][count] of `products` */
    double *values;   /* of matrices: as many as their sides */
    double *products; /* [count][count] of centred rows; NULL = by covariances */
    cogvideo_error *err;
} comparison;

static cogvideo_status check(const cv_feature_set *set, const char *which, cogvideo_error *err)
{
    if (set->count < 2)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the %s set has %d sample%s, but a Frechet distance needs at least 2", which, set->count,
                       set->count == 1 ? "" : "s");
    if (set->group < 0 || (set->group > 0 && set->count % set->group != 0))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the %s set has %d samples, which are not groups of %d", which,
                       set->count, set->group);
    if (set->width < 1 || set->width > CV_BLAS_MAX_EIGEN)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "features of the %s set are %d wide, not 1 to %d", which,
                       set->width, CV_BLAS_MAX_EIGEN);
    for (int r = 0; r < set->count; r++)
        for (int i = 0; i < set->width; i++)
            if (!isfinite(set->rows[(size_t)r * (size_t)set->width + (size_t)i]))
                return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "sample %d of the %s set has a feature that is not finite",
                               r, which);
    return COGVIDEO_OK;
}

static void find_centre(sample *s)
{
    for (int r = 0; r < s->set->count; r++)
        for (int i = 0; i < s->set->width; i++)
            s->centre[i] += (double)s->set->rows[(size_t)r * (size_t)s->set->width + (size_t)i];
    for (int i = 0; i < s->set->width; i++)
        s->centre[i] /= s->set->count;
}

/* out [width] = row r minus the centre. */
static void centred_row(double *out, const sample *s, int r)
{
    const float *row = s->set->rows + (size_t)r * (size_t)s->set->width;

    for (int i = 0; i < s->set->width; i++)
        out[i] = (double)row[i] - s->centre[i];
}

/* The mean and the covariance of a sample. A row that is in it k times is in the sum of squares once, times the root of
 * k. */
static void measure(sample *s, const comparison *c)
{
    const int width = s->set->width;
    const double divisor = c->options->biased ? s->size : s->size - 1;
    double squares = 0, mean_square = 0;
    int filled = 0;

    s->different = 0;
    memset(s->mean, 0, (size_t)width * sizeof *s->mean);
    if (s->covariance)
        memset(s->covariance, 0, (size_t)width * (size_t)width * sizeof *s->covariance);
    for (int r = 0; r < s->set->count; r++) {
        double *row = c->block + (size_t)filled * (size_t)width, root = sqrt(s->times[r]);
        double square = 0; /* of a row first: a sum of that many numbers at once would lose digits */

        if (s->times[r] == 0)
            continue;
        s->different++;
        centred_row(row, s, r);
        for (int i = 0; i < width; i++) {
            s->mean[i] += s->times[r] * row[i];
            row[i] *= root;
            square += row[i] * row[i];
        }
        squares += square;
        if (s->covariance && ++filled == BLOCK) {
            cv_blas_add_square_f64(s->covariance, c->block, width, filled);
            filled = 0;
        }
    }
    if (filled > 0)
        cv_blas_add_square_f64(s->covariance, c->block, width, filled);
    for (int i = 0; i < width; i++) {
        s->mean[i] /= s->size;
        mean_square += s->mean[i] * s->mean[i];
    }
    s->trace = (squares - s->size * mean_square) / divisor;
    for (int i = 0; s->covariance && i < width; i++)
        for (int j = i; j < width; j++) {
            double *value = s->covariance + (size_t)i * (size_t)width + (size_t)j;

            *value = (*value - s->size * s->mean[i] * s->mean[j]) / divisor;
            s->covariance[(size_t)j * (size_t)width + (size_t)i] = *value;
        }
}

/* The trace of (A B)^(1/2). With A = V^T diag(w) V, its rows the eigenvectors, A^(1/2) B A^(1/2) is a rotation of
 * diag(w)^(1/2) V B V^T diag(w)^(1/2). Of the two this one keeps the digits of small eigenvalues, as its rows grow from
 * the first to the last. A is that of the sample with fewer rows: directions that so few rows cannot have are left out,
 * as the roots of their rounding would count. Both covariances are lost. */
static cogvideo_status root_of_covariances(comparison *c, double *trace)
{
    const int width = c->width, fewer = c->samples[1].different < c->samples[0].different;
    const int absent = width - (c->samples[fewer].different - 1);
    double *vectors = c->samples[fewer].covariance, *rotated = c->samples[!fewer].covariance;
    cogvideo_status status;

    CV_TRY(cv_blas_eigen_f64(c->values, vectors, true, width, c->err));
    for (int i = 0; i < width; i++)
        for (int j = 0; j < width; j++)
            vectors[(size_t)i * (size_t)width + (size_t)j] *= i < absent ? 0 : sqrt(fmax(c->values[i], 0));
    cv_blas_matmul_nn_f64(c->matrix, vectors, rotated, width, width, width);
    cv_blas_matmul_nt_f64(rotated, c->matrix, vectors, width, width, width);
    CV_TRY(cv_blas_eigen_f64(c->values, rotated, false, width, c->err));
    *trace = 0;
    for (int i = 0; i < width; i++)
        *trace += sqrt(fmax(c->values[i], 0));
done:
    return status;
}

/* The same from the products of the sets' centred rows. Those of a sample, which has another mean, are these minus the
 * means of its rows and columns; repeated rows are taken together, times the root of how many they are. */
static cogvideo_status root_of_products(comparison *c, double *trace)
{
    const sample *a = &c->samples[0], *b = &c->samples[1];
    const int rows = a->set->count, columns = b->set->count;
    const double divisor = c->options->biased ? (double)a->size * b->size : (double)(a->size - 1) * (b->size - 1);
    double *column_means = c->block, all = 0;
    int kept = 0;
    cogvideo_status status;

    memset(column_means, 0, (size_t)columns * sizeof *column_means);
    for (int i = 0; i < rows; i++)
        for (int j = 0; a->times[i] > 0 && j < columns; j++)
            column_means[j] += a->times[i] * c->products[(size_t)i * (size_t)columns + (size_t)j] / a->size;
    for (int j = 0; j < columns; j++)
        all += b->times[j] * column_means[j] / b->size;
    for (int i = 0; i < rows; i++) {
        const double *products = c->products + (size_t)i * (size_t)columns;
        double *out = c->matrix + (size_t)kept * (size_t)b->different, row_mean = 0;

        if (a->times[i] == 0)
            continue;
        for (int j = 0; j < columns; j++)
            row_mean += b->times[j] * products[j] / b->size;
        for (int j = 0; j < columns; j++)
            if (b->times[j] > 0)
                *out++ = (products[j] - column_means[j] - row_mean + all) * sqrt((double)a->times[i] * b->times[j]);
        kept++;
    }
    CV_TRY(cv_blas_singular_values_f64(c->values, c->matrix, kept, b->different, c->err));
    *trace = 0;
    for (int i = 0; i < kept && i < b->different; i++)
        *trace += c->values[i];
    *trace /= sqrt(divisor);
done:
    return status;
}

/* The distance of the samples as they are chosen; rounding may make it a little negative. */
static cogvideo_status distance(comparison *c, double *out)
{
    const sample *a = &c->samples[0], *b = &c->samples[1];
    double between = 0, trace;
    cogvideo_status status;

    for (int i = 0; i < 2; i++)
        measure(&c->samples[i], c);
    for (int i = 0; i < c->width; i++) {
        double difference = a->centre[i] - b->centre[i] + (a->mean[i] - b->mean[i]);

        between += difference * difference;
    }
    CV_TRY(c->products ? root_of_products(c, &trace) : root_of_covariances(c, &trace));
    *out = between + a->trace + b->trace - 2 * trace;
    if (c->options->progress && c->options->progress(c->options->user, (double)++c->done / c->steps) != 0)
        status = cv_fail(c->err, COGVIDEO_ERROR_CANCELLED, "the Frechet distance was stopped");
done:
    return status;
}

/* --- choosing rows ----------------------------------------------------------------------------------------------- */

/* A number 0 .. count - 1. */
static int random_below(int count, uint64_t seed, uint32_t purpose, int round, int set, int place)
{
    uint32_t bits[4];

    cv_rng_block(bits, seed, (const uint32_t[4]){ (uint32_t)place, (uint32_t)round, (uint32_t)set, purpose });
    return (int)(cv_rng_unit(bits[0], bits[1]) * count);
}

static void choose_all(sample *s)
{
    s->size = s->set->count;
    for (int r = 0; r < s->set->count; r++)
        s->times[r] = 1;
}

/* How many there are that are drawn together. */
static int group_of(const sample *s)
{
    return s->set->group > 0 ? s->set->group : 1;
}

/* Takes the rows of a group once more. */
static void take_group(sample *s, int index)
{
    const int group = group_of(s);

    for (int r = 0; r < group; r++)
        s->times[index * group + r]++;
    s->size += group;
}

static void choose_none(sample *s)
{
    s->size = 0;
    memset(s->times, 0, (size_t)s->set->count * sizeof *s->times);
}

static void choose_with_replacement(sample *s, uint64_t seed, int draw, int set)
{
    const int groups = s->set->count / group_of(s);

    choose_none(s);
    for (int g = 0; g < groups; g++)
        take_group(s, random_below(groups, seed, RANDOM_DRAW, draw, set, g));
}

static void choose_share(sample *s, double share, uint64_t seed, int round, int set)
{
    const int groups = s->set->count / group_of(s);
    int wanted = (int)lround(share * groups);

    wanted = wanted < 2 && groups > 1 ? 2 : wanted < 1 ? 1 : wanted;
    choose_none(s);
    for (int g = 0; g < groups; g++)
        s->order[g] = g;
    for (int g = 0; g < wanted; g++) {
        int other = g + random_below(groups - g, seed, RANDOM_SHARE, round, set, g), chosen = s->order[other];

        s->order[other] = s->order[g];
        take_group(s, chosen);
    }
}

/* --- uncertainty ------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Between the sorted values, as numpy interpolates. */
static double quantile(const double *sorted, int count, double q)
{
    double place = q * (count - 1);
    int below = (int)place, above = below + 1 < count ? below + 1 : below;

    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

static cogvideo_status bootstrap(comparison *c, double whole, cv_frechet *out)
{
    const int draws = c->options->draws;
    double *values;
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(values, draws, c->err);
    for (int d = 0; d < draws; d++) {
        for (int i = 0; i < 2; i++)
            choose_with_replacement(&c->samples[i], c->options->seed, d, i);
        CV_TRY(distance(c, &values[d]));
    }
    qsort(values, (size_t)draws, sizeof *values, compare_doubles);
    out->low = 2 * whole - quantile(values, draws, 0.975);
    out->high = 2 * whole - quantile(values, draws, 0.025);
done:
    cv_free(values);
    return status;
}

static cogvideo_status extrapolate(comparison *c, double whole, cv_frechet *out)
{
    double x[SHARES], y[SHARES], mean_x = 0, mean_y = 0, covariance = 0, variance = 0;
    cogvideo_status status = COGVIDEO_OK;

    for (int k = 0; k < SHARES; k++) {
        double share = SMALLEST_SHARE + k * (1 - SMALLEST_SHARE) / (SHARES - 1);

        for (int i = 0; i < 2; i++)
            choose_share(&c->samples[i], share, c->options->seed, k, i);
        x[k] = 1 / share;
        y[k] = whole;
        if (k < SHARES - 1)
            CV_TRY(distance(c, &y[k]));
        mean_x += x[k] / SHARES;
        mean_y += y[k] / SHARES;
    }
    for (int k = 0; k < SHARES; k++) {
        covariance += (x[k] - mean_x) * (y[k] - mean_y);
        variance += (x[k] - mean_x) * (x[k] - mean_x);
    }
    out->extrapolated = mean_y - covariance / variance * mean_x;
done:
    return status;
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static cogvideo_status find_products(comparison *c)
{
    double *rows[2] = { NULL };
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < 2; i++) {
        const sample *s = &c->samples[i];

        CV_NEW(rows[i], (size_t)s->set->count * (size_t)c->width, c->err);
        for (int r = 0; r < s->set->count; r++)
            centred_row(rows[i] + (size_t)r * (size_t)c->width, s, r);
    }
    cv_blas_matmul_nt_f64(c->products, rows[0], rows[1], c->samples[0].set->count, c->samples[1].set->count, c->width);
done:
    cv_free(rows[0]);
    cv_free(rows[1]);
    return status;
}

static cogvideo_status begin(comparison *c, const cv_feature_set *a, const cv_feature_set *b)
{
    const cv_feature_set *sets[2] = { a, b };
    const size_t square = (size_t)c->width * (size_t)c->width, products = (size_t)a->count * (size_t)b->count;
    const bool fewer = a->count < c->width && b->count < c->width;
    cogvideo_status status;

    for (int i = 0; i < 2; i++) {
        sample *s = &c->samples[i];

        s->set = sets[i];
        CV_NEW(s->centre, c->width, c->err);
        CV_NEW(s->mean, c->width, c->err);
        CV_NEW(s->times, s->set->count, c->err);
        CV_NEW(s->order, s->set->count, c->err);
        if (!fewer)
            CV_NEW(s->covariance, square, c->err);
        find_centre(s);
        choose_all(s);
    }
    CV_NEW(c->block, (size_t)BLOCK * (size_t)c->width, c->err);
    CV_NEW(c->values, c->width, c->err);
    CV_NEW(c->matrix, fewer ? products : square, c->err);
    status = COGVIDEO_OK;
    if (fewer) {
        CV_NEW(c->products, products, c->err);
        status = find_products(c);
    }
done:
    return status;
}

static void end(comparison *c)
{
    for (int i = 0; i < 2; i++) {
        cv_free(c->samples[i].centre);
        cv_free(c->samples[i].mean);
        cv_free(c->samples[i].times);
        cv_free(c->samples[i].order);
        cv_free(c->samples[i].covariance);
    }
    cv_free(c->block);
    cv_free(c->values);
    cv_free(c->matrix);
    cv_free(c->products);
}

cogvideo_status cv_frechet_distance(const cv_feature_set *a, const cv_feature_set *b, const cv_frechet_options *options,
                                    cv_frechet *out, cogvideo_error *err)
{
    comparison c = { .options = options, .width = a->width, .err = err };
    double whole;
    cogvideo_status status;

    *out = (cv_frechet){ 0 };
    if (a->width != b->width)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "features of the first set are %d wide and those of the second %d; both must come from one network",
            a->width, b->width);
    CV_TRY(check(a, "first", err));
    CV_TRY(check(b, "second", err));
    c.steps = 1 + options->draws + (options->extrapolate ? SHARES - 1 : 0);
    CV_TRY(begin(&c, a, b));
    CV_TRY(distance(&c, &whole));
    out->distance = fmax(whole, 0);
    if (options->draws > 0)
        CV_TRY(bootstrap(&c, whole, out));
    if (options->extrapolate)
        CV_TRY(extrapolate(&c, whole, out));
done:
    end(&c);
    return status;
}
