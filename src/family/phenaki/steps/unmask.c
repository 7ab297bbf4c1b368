#include "family/phenaki/steps/unmask.h"

#include <math.h>
#include <string.h>

#define HALF_PI 1.57079632679489661923f
#define PI 3.14159265358979323846f
#define RUN 256 /* codes whose noise is made at a time */

/* The Gumbel distribution of a uniform number, as each original keeps it from being infinite. */
static float gumbel(const cv_unmask *how, float u)
{
    if (how->sampler == COGVIDEO_SAMPLER_MASKGIT)
        return -logf(-logf(fmaxf(u, 1.17549435e-38f)));
    return -logf(-logf(u + 1e-10f) + 1e-10f);
}

/* Not less than the above, without its two logarithms; it tells of most codes that they cannot be the best. */
static float gumbel_at_most(float u)
{
    return u < 0.5f ? 0.37f : u < 0.9f ? 2.26f : u < 0.99f ? 4.61f : u < 0.999f ? 6.91f : INFINITY;
}

/* --- how many are masked -------------------------------------------------------------------------------------- */

static int at_least_one(int count)
{
    return count > 1 ? count : 1;
}

/* Google's: each step settles one at least, until one is left. */
static int maskgit_count(int places, int steps, int step)
{
    int count = places;

    for (int done = 1; done <= step; done++) {
        const float share = fmaxf(1e-6f, cosf(HALF_PI * ((float)done / (float)steps)));
        const int wanted = (int)floorf((float)places * share);

        count = at_least_one(wanted < count - 1 ? wanted : count - 1);
    }
    return count;
}

int cv_unmask_count(const cv_unmask *how, int step)
{
    const int places = how->places - how->given;

    if (step == 0)
        return places;
    if (how->sampler == COGVIDEO_SAMPLER_MASKGIT)
        return maskgit_count(places, how->steps, step);
    return at_least_one((int)rintf((float)places * cosf((float)step / (float)how->steps * PI * 0.5f)));
}

/* --- which are masked ----------------------------------------------------------------------------------------- */

/* A number whose order among whole numbers is that of a float among floats. */
static uint32_t rank_of(float key)
{
    const float sum = key + 0.0f; /* -0 is 0 */
    uint32_t bits;

    memcpy(&bits, &sum, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* The greatest rank that `count` of the keys, at least, have or exceed: found bit by bit, which needs no memory. */
static uint32_t lowest_of_highest(const float *keys, int n, int count)
{
    uint32_t rank = 0;

    for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
        int found = 0;

        for (int i = 0; i < n; i++)
            found += rank_of(keys[i]) >= (rank | bit);
        if (found >= count)
            rank |= bit;
    }
    return rank;
}

/* Masks those of the highest keys [places - given] for the next step; of equal ones the first. */
static void mask_highest(const cv_unmask *how, int step, cv_unmask_box *box, const float *keys)
{
    const int n = how->places - how->given, count = cv_unmask_count(how, step + 1);
    const uint32_t lowest = lowest_of_highest(keys, n, count);
    int32_t *ids = box->ids + how->given;
    int left = count;

    for (int i = 0; i < n; i++)
        left -= rank_of(keys[i]) > lowest;
    for (int i = 0; i < n; i++) {
        const uint32_t rank = rank_of(keys[i]);

        if (rank > lowest || (rank == lowest && left-- > 0))
            ids[i] = how->codes;
    }
}

/* --- a step --------------------------------------------------------------------------------------------------- */

void cv_unmask_begin(const cv_unmask *how, cv_unmask_box *box)
{
    for (int i = 0; i < how->places; i++) {
        const bool given = i < how->given;

        if (!given)
            box->ids[i] = how->codes;
        box->drawn[i] = box->ids[i];
        box->settled[i] = -1;
        box->confidence[i] = given ? 1 : 0;
    }
}

/* What the noise is added to: logits / temperature. */
static float temperature_at(const cv_unmask *how, int step)
{
    if (how->sampler == COGVIDEO_SAMPLER_MASKGIT)
        return 1;
    return (float)fmax(how->temperature * ((double)(how->steps - 1 - step) / how->steps), 1e-10);
}

typedef struct draw {
    const cv_exec *exec;
    const cv_unmask *how;
    int step;
    float temperature;
    cv_unmask_uniform *uniform;
    void *user;
} draw;

/* The code with the greatest noisy logit, the first on a tie, and how far the second is. */
static int draw_code(const draw *d, const float *logits, int place, float *margin)
{
    float noise[RUN], best = -INFINITY, second = -INFINITY;
    int code = 0;

    for (int first = 0; first < d->how->codes; first += RUN) {
        const int count = d->how->codes - first < RUN ? d->how->codes - first : RUN;

        d->uniform(d->user, CV_NOISE_CODES, d->step, place, first, noise, count);
        for (int i = 0; i < count; i++) {
            const float logit = logits[first + i] / d->temperature;
            float noisy;

            if (logit + gumbel_at_most(noise[i]) < second)
                continue;
            noisy = logit + gumbel(d->how, noise[i]);
            if (noisy > best) {
                second = best;
                best = noisy;
                code = first + i;
            } else if (noisy > second) {
                second = noisy;
            }
        }
    }
    *margin = best - second;
    return code;
}

/* The logarithm of a code's probability, which is finite where the probability is 0; *probability is what `logits`,
 * which become probabilities, say. */
static float log_probability(const draw *d, float *logits, int code, float *probability)
{
    const int codes = d->how->codes;
    int best = 0;
    float below;

    for (int i = 1; i < codes; i++)
        best = logits[i] > logits[best] ? i : best;
    below = logits[code] - logits[best];
    d->exec->kernels.softmax(logits, codes);
    *probability = logits[code];
    return logf(logits[best]) + below;
}

/* How much a place wants to be masked again: what was settled before this step does not. */
static float key_of(const draw *d, const cv_unmask_box *box, int place, float log_p)
{
    const cv_unmask *how = d->how;
    const float ratio = (float)(d->step + 1) / (float)how->steps;
    float u;

    if (box->settled[place] != d->step)
        return -INFINITY;
    if (how->sampler != COGVIDEO_SAMPLER_MASKGIT)
        return -box->confidence[place];
    d->uniform(d->user, CV_NOISE_CHOICE, d->step, place, 0, &u, 1);
    return -(log_p + (float)how->choice_temperature * (1 - ratio) * gumbel(how, u));
}

void cv_unmask_step(const cv_exec *exec, const cv_unmask *how, int step, cv_unmask_box *box, float *logits,
                    cv_unmask_uniform *uniform, void *user, float *margins)
{
    const draw d = { exec, how, step, temperature_at(how, step), uniform, user };
    const size_t V = (size_t)how->codes;
    const int given = how->given, n = how->places - given;

#pragma omp parallel for schedule(dynamic, 4) num_threads(exec->threads)
    for (int i = 0; i < n; i++) {
        float *row = logits + (size_t)i * V, margin = 1e9f;
        const int place = given + i;

        if (box->ids[place] == how->codes) {
            box->drawn[place] = draw_code(&d, row, place, &margin);
            box->settled[place] = step;
            row[0] = log_probability(&d, row, box->drawn[place], &box->confidence[place]);
        }
        if (margins)
            margins[i] = margin;
    }
    memcpy(box->ids + given, box->drawn + given, (size_t)n * sizeof *box->ids);
    if (how->sampler == COGVIDEO_SAMPLER_CRITIC || step + 1 >= how->steps)
        return;
    for (int i = 0; i < n; i++)
        logits[i] = key_of(&d, box, given + i, logits[(size_t)i * V]);
    mask_highest(how, step, box, logits);
}

/* --- a critic ------------------------------------------------------------------------------------------------- */

/* What the noise on the scores of a step is multiplied by. */
static float annealed(const cv_unmask *how, int step)
{
    switch (how->critic_anneal) {
    case COGVIDEO_ANNEAL_DECAY:
        return (float)((double)(how->steps - 1 - step) / how->steps);
    case COGVIDEO_ANNEAL_INCREASE:
        return (float)((double)(step + 1) / how->steps);
    case COGVIDEO_ANNEAL_FIXED:
        break;
    }
    return 1;
}

void cv_unmask_judge(const cv_unmask *how, int step, cv_unmask_box *box, float *scores, cv_unmask_uniform *uniform,
                     void *user)
{
    const int n = how->places - how->given;

    if (step + 1 >= how->steps)
        return;
    for (int i = 0; i < n; i++) {
        float u;

        uniform(user, CV_NOISE_CRITIC, step, how->given + i, 0, &u, 1);
        scores[i] += (float)how->critic_noise * (u - 0.5f) * annealed(how, step);
    }
    mask_highest(how, step, box, scores);
}
