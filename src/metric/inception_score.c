#include "metric/inception_score.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

#define MOST 1.0001 /* that a probability can be, of a softmax in single precision */

/* The score of rows first .. end - 1 of the order; q [classes] is scratch. */
static double score(const double *probabilities, int classes, const int32_t *order, int first, int end, double *q)
{
    double sum = 0;

    memset(q, 0, (size_t)classes * sizeof *q);
    for (int i = first; i < end; i++) {
        const double *p = probabilities + (size_t)(order ? order[i] : i) * (size_t)classes;

        for (int c = 0; c < classes; c++)
            q[c] += p[c];
    }
    for (int c = 0; c < classes; c++)
        q[c] /= end - first;
    for (int i = first; i < end; i++) {
        const double *p = probabilities + (size_t)(order ? order[i] : i) * (size_t)classes;

        for (int c = 0; c < classes; c++)
            sum += p[c] > 0 ? p[c] * (log(p[c]) - log(q[c])) : 0;
    }
    return exp(sum / (end - first));
}

static cogvideo_status check(const double *probabilities, int count, int classes, int splits, cogvideo_error *err)
{
    if (count < 1 || splits < 1 || splits > count)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%d sample%s cannot be divided into %d splits", count,
                       count == 1 ? "" : "s", splits);
    for (size_t i = 0; i < (size_t)count * (size_t)classes; i++)
        if (!(probabilities[i] >= 0 && probabilities[i] <= MOST))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the probability of class %d of sample %d is %g",
                           (int)(i % (size_t)classes), (int)(i / (size_t)classes), probabilities[i]);
    return COGVIDEO_OK;
}

cogvideo_status cv_inception_score_of(const double *probabilities, int count, int classes, const int32_t *order,
                                      int splits, cv_inception_score *out, cogvideo_error *err)
{
    double *scores = NULL, *q = NULL;
    cogvideo_status status;

    *out = (cv_inception_score){ 0 };
    CV_TRY(check(probabilities, count, classes, splits, err));
    CV_NEW(scores, splits, err);
    CV_NEW(q, classes, err);
    for (int i = 0; i < splits; i++) {
        int first = (int)((int64_t)i * count / splits), end = (int)((int64_t)(i + 1) * count / splits);

        scores[i] = score(probabilities, classes, order, first, end, q);
        out->mean += scores[i] / splits;
    }
    for (int i = 0; i < splits; i++)
        out->deviation += (scores[i] - out->mean) * (scores[i] - out->mean) / splits;
    out->deviation = splits == 1 ? 0 : sqrt(out->deviation);
done:
    cv_free(scores);
    cv_free(q);
    return status;
}
