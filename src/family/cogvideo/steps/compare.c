/* compare.c - how far two models are from each other, code by code of one clip: what a smaller copy has lost. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/forced.h"
#include "family/cogvideo/model/settings.h"
#include "sample/sampler.h"

#include <math.h>

typedef struct differences {
    int codes; /* in the networks' heads */
    double margin;
    cogvideo_comparison *out;
    double divergence, difference; /* sums */
    long long agreed, firm_agreed;
} differences;

/* The likeliest code, the first on ties, and how far it leads the next in logits. */
static int best_of(const float *logits, int n, double *lead)
{
    int best = 0;
    float next = -INFINITY;

    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best]) {
            next = logits[best];
            best = i;
        } else if (logits[i] > next) {
            next = logits[i];
        }
    *lead = (double)logits[best] - (double)next;
    return best;
}

/* log of the sum of exponentials. */
static double log_sum(const float *logits, int n, float most)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i] - (double)most);
    return (double)most + log(sum);
}

static void see(void *user, int frame, int place, float *const logits[CV_FORCED_MODELS], int32_t code)
{
    differences *d = user;
    const float *a = logits[0], *b = logits[1];
    double lead, unused, divergence = 0, sum_a, sum_b, difference;
    int best_a = best_of(a, d->codes, &lead), best_b = best_of(b, d->codes, &unused);

    (void)frame;
    (void)place;
    sum_a = log_sum(a, d->codes, a[best_a]);
    sum_b = log_sum(b, d->codes, b[best_b]);
    for (int i = 0; i < d->codes; i++) {
        double log_p = (double)a[i] - sum_a, log_q = (double)b[i] - sum_b;

        divergence += exp(log_p) * (log_p - log_q);
    }
    difference = fabs(((double)a[code] - sum_a) - ((double)b[code] - sum_b));
    d->divergence += divergence;
    d->difference += difference;
    d->agreed += best_a == best_b;
    d->out->codes++;
    d->out->largest_difference = fmax(d->out->largest_difference, difference);
    if (lead > d->margin) {
        d->out->firm_codes++;
        d->firm_agreed += best_a == best_b;
    }
}

cogvideo_status cv_cogvideo_compare(const cogvideo_model *first, const cogvideo_generate_options *options_first,
                                    const cogvideo_model *second, const cogvideo_generate_options *options_second,
                                    const cogvideo_score_options *what, double margin, const cogvideo_tokens *clip,
                                    cogvideo_comparison *out, cogvideo_error *err)
{
    const cv_cogvideo *a = cv_cogvideo_of(first), *b = cv_cogvideo_of(second);
    const cv_cogvideo_config *network = &a->description.network, *other = &b->description.network;
    const cv_cogvideo *const models[CV_FORCED_MODELS] = { a, b };
    const cogvideo_generate_options *const options[CV_FORCED_MODELS] = { options_first, options_second };
    differences d = { .codes = network->image_codes, .margin = margin, .out = out };
    const cv_forced_viewer viewer = { .see = see, .user = &d };
    cogvideo_status status;

    *out = (cogvideo_comparison){ 0 };
    if (network->image_codes != other->image_codes || network->grid != other->grid || network->frames != other->frames)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the models cannot be compared: %d image codes, %d by %d places and %d "
                       "frames in one, %d, %d by %d and %d in the other",
                       network->image_codes, network->grid, network->grid, network->frames, other->image_codes,
                       other->grid, other->grid, other->frames);
    CV_TRY(cv_forced_check(a, options_first, clip, err));
    CV_TRY(cv_check_options(cv_cogvideo_of(second), options_second, err));
    CV_TRY(cv_forced_walk(models, 2, options, what, clip, &viewer, err));
    if (out->codes > 0) {
        out->divergence = d.divergence / (double)out->codes;
        out->difference = d.difference / (double)out->codes;
        out->agreement = (double)d.agreed / (double)out->codes;
    }
    if (out->firm_codes > 0)
        out->firm_agreement = (double)d.firm_agreed / (double)out->firm_codes;
done:
    return status;
}
