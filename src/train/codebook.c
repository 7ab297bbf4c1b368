#include "train/codebook.h"

#include "base/rng.h"
#include "nn/nearest.h"
#include "train/kmeans.h"

#include <math.h>
#include <string.h>

/* Laplace smoothing: what each code is thought to have got beside its rows. */
#define SMOOTHING 1e-5
#define OUT_OF_REACH 16.0f /* times the largest component of any code */
#define CANDIDATES 16      /* rows among which a dead code's next one is sought */

static cogvideo_status claim(cv_store *store, float **out, const char *name, int rank, const size_t *shape,
                             cogvideo_error *err)
{
    const cv_tensor *tensor;
    cogvideo_status status;

    CV_TRY(cv_store_claim(store, &tensor, name, rank, shape, err));
    *out = cv_tensor_values(tensor);
done:
    return status;
}

cogvideo_status cv_codebook_bind(cv_codebook *out, cv_store *network, cv_store *averages, int codes, int latent,
                                 cogvideo_error *err)
{
    const size_t shape[] = { (size_t)codes, (size_t)latent };
    cogvideo_status status;

    *out = (cv_codebook){ .codes = codes, .latent = latent };
    CV_TRY(claim(network, &out->vectors, "quantize.embed.weight", 2, shape, err));
    CV_TRY(claim(averages, &out->sums, "quantize.embed_avg", 2, shape, err));
    CV_TRY(claim(averages, &out->sizes, "quantize.cluster_size", 1, shape, err));
done:
    return status;
}

cogvideo_status cv_codebook_bind_unit(cv_codebook *out, cv_store *network, cv_store *averages, int codes, int latent,
                                      cogvideo_error *err)
{
    const size_t shape[] = { 1, (size_t)codes, (size_t)latent }; /* of one codebook; the original may have several */
    cogvideo_status status;

    *out = (cv_codebook){ .codes = codes, .latent = latent, .unit = true };
    CV_TRY(claim(network, &out->vectors, "vq._codebook.embed", 3, shape, err));
    CV_TRY(claim(averages, &out->sums, "vq._codebook.embed_avg", 3, shape, err));
    CV_TRY(claim(averages, &out->sizes, "vq._codebook.cluster_size", 2, shape, err));
done:
    return status;
}

static size_t at(const cv_codebook *codebook, int code)
{
    return (size_t)code * (size_t)codebook->latent;
}

/* Gives a code its length, where that is 1; a code of zeros stays one. */
static void shorten(const cv_codebook *codebook, int code)
{
    float *vector = codebook->vectors + at(codebook, code);
    double length = 0;

    if (!codebook->unit)
        return;
    for (int k = 0; k < codebook->latent; k++)
        length += (double)vector[k] * (double)vector[k];
    for (int k = 0; k < codebook->latent && length > 0; k++)
        vector[k] = (float)((double)vector[k] / sqrt(length));
}

void cv_codebook_start(const cv_exec *exec, const cv_codebook *codebook, const float *z, int rows, int batches,
                       int rounds, uint64_t seed, cv_arena *arena)
{
    size_t mark = cv_arena_mark(arena);
    int32_t *labels = cv_arena_take(arena, (size_t)rows, sizeof *labels);
    float one = (float)rows / (float)batches / (float)codebook->codes;

    cv_kmeans(exec, codebook->vectors, labels, z, rows, codebook->latent, codebook->codes, rounds, seed, arena);
    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
    for (int code = 0; code < codebook->codes; code++) {
        shorten(codebook, code);
        codebook->sizes[code] = one;
        for (int k = 0; k < codebook->latent; k++)
            codebook->sums[at(codebook, code) + (size_t)k] = one * codebook->vectors[at(codebook, code) + (size_t)k];
    }
}

void cv_codebook_count(const cv_codebook *codebook, const int32_t *ids, int rows, int batches)
{
    for (int code = 0; code < codebook->codes; code++)
        codebook->sizes[code] = 0;
    for (int row = 0; row < rows; row++)
        codebook->sizes[ids[row]] += 1.0f / (float)batches;
}

/* Of the codes not yet `done` the one that gets most rows; the first of several. */
static int busiest(const cv_codebook *codebook, const bool *done)
{
    int best = -1;

    for (int code = 0; code < codebook->codes; code++)
        if (!done[code] && (best < 0 || codebook->sizes[code] > codebook->sizes[best]))
            best = code;
    return best;
}

int cv_codebook_merge(const cv_codebook *codebook, double distance, bool *done)
{
    float largest = 0;
    int kept = 0;

    for (int code = 0; code < codebook->codes; code++)
        for (int k = 0; codebook->sizes[code] > 0 && k < codebook->latent; k++)
            largest = fmaxf(largest, fabsf(codebook->vectors[at(codebook, code) + (size_t)k]));
    memset(done, 0, (size_t)codebook->codes * sizeof *done);
    for (int code; (code = busiest(codebook, done)) >= 0;) {
        done[code] = true;
        kept += codebook->sizes[code] > 0;
        for (int other = 0; other < codebook->codes; other++) {
            float *vector = codebook->vectors + at(codebook, other);

            if (done[other] || cv_squared_distance(codebook->vectors + at(codebook, code), vector, codebook->latent) >=
                                   distance * distance)
                continue;
            done[other] = true;
            codebook->sizes[other] = 0;
            for (int k = 0; k < codebook->latent; k++)
                vector[k] = codebook->unit ? 0 : OUT_OF_REACH * largest;
        }
    }
    return kept;
}

static double total(const cv_codebook *codebook)
{
    double sum = 0;

    for (int code = 0; code < codebook->codes; code++)
        sum += (double)codebook->sizes[code];
    return sum;
}

/* sizes and sums = decay * themselves + (1 - decay) * the batch's */
static void average(const cv_codebook *codebook, float decay, const float *z, const int32_t *ids, int rows)
{
    size_t latent = (size_t)codebook->latent;

    for (int code = 0; code < codebook->codes; code++)
        codebook->sizes[code] *= decay;
    for (size_t i = 0; i < (size_t)codebook->codes * latent; i++)
        codebook->sums[i] *= decay;
    for (int row = 0; row < rows; row++) {
        float *sum = codebook->sums + at(codebook, ids[row]);

        codebook->sizes[ids[row]] += 1 - decay;
        for (size_t k = 0; k < latent; k++)
            sum[k] += (1 - decay) * z[(size_t)row * latent + k];
    }
}

/* How far each row of the batch is from its code. */
static void measure(const cv_codebook *codebook, const float *z, const int32_t *ids, int rows, double *away)
{
    for (int row = 0; row < rows; row++)
        away[row] =
            cv_squared_distance(z + at(codebook, row), codebook->vectors + at(codebook, ids[row]), codebook->latent);
}

/* A code becomes a row of the batch, with an average code's share: of a few random rows the one farthest from its code.
 * Any random row would mostly be of what is frequent, and split codes that serve well. A row serves once. */
static void start_again(const cv_codebook *codebook, const cv_codebook_options *options, uint64_t step, int code,
                        const float *z, double *away, int rows, float share)
{
    const float *row;
    int farthest = -1;

    for (int i = 0; i < CANDIDATES; i++) {
        const uint32_t counter[4] = { (uint32_t)step, (uint32_t)(step >> 32), (uint32_t)code, (uint32_t)i };
        uint32_t bits[4];
        int chosen;

        cv_rng_block(bits, options->seed, counter);
        chosen = (int)(cv_rng_unit(bits[0], bits[1]) * rows);
        chosen = chosen < rows ? chosen : rows - 1;
        if (farthest < 0 || away[chosen] > away[farthest])
            farthest = chosen;
    }
    away[farthest] = 0;
    row = z + at(codebook, farthest);
    codebook->sizes[code] = share;
    for (size_t k = 0; k < (size_t)codebook->latent; k++) {
        codebook->vectors[at(codebook, code) + k] = row[k];
        codebook->sums[at(codebook, code) + k] = share * row[k];
    }
}

static bool is_dead(const cv_codebook *codebook, const cv_codebook_options *options, int code, double share)
{
    return (double)codebook->sizes[code] < options->dead * share;
}

int cv_codebook_update(const cv_codebook *codebook, const cv_codebook_options *options, uint64_t step, const float *z,
                       const int32_t *ids, int rows, double *away)
{
    double share = (double)rows / codebook->codes, sum;
    int started = 0;

    average(codebook, (float)options->decay, z, ids, rows);
    sum = total(codebook);
    for (int code = 0; code < codebook->codes; code++) {
        double size = ((double)codebook->sizes[code] + SMOOTHING) / (sum + codebook->codes * SMOOTHING) * sum;

        if (is_dead(codebook, options, code, share))
            continue;
        for (size_t k = 0; k < (size_t)codebook->latent; k++)
            codebook->vectors[at(codebook, code) + k] = (float)((double)codebook->sums[at(codebook, code) + k] / size);
        shorten(codebook, code);
    }
    measure(codebook, z, ids, rows, away);
    for (int code = 0; code < codebook->codes; code++)
        if (is_dead(codebook, options, code, share)) {
            start_again(codebook, options, step, code, z, away, rows, (float)share);
            started++;
        }
    return started;
}

int cv_codebook_used(const cv_codebook *codebook, double share)
{
    double least = share * total(codebook) / codebook->codes;
    int used = 0;

    for (int code = 0; code < codebook->codes; code++)
        used += (double)codebook->sizes[code] >= least && codebook->sizes[code] > 0;
    return used;
}
