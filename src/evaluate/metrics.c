#include "evaluate/metrics.h"

#include "evaluate/result.h"
#include "metric/frechet.h"
#include "metric/inception_score.h"
#include "metric/shuffle.h"

#include <math.h>
#include <string.h>

#define LEAST 2     /* samples without which there is no covariance */
#define FEW 32      /* below which a distance says nothing */
#define ENOUGH 2048 /* below which it is much too large */

/* The classes of the shapes world are those of its I3D. */
static const cv_metric metrics[] = {
    { "fvd", "fvd", "fvd-shapes", "i3d", NULL, CV_METRIC_FRECHET, CV_SCORE_COSINE },
    { "is", "is", "is-shapes", "c3d", "i3d", CV_METRIC_INCEPTION_SCORE, CV_SCORE_COSINE },
    { "image-is", "image-is", NULL, "inception", NULL, CV_METRIC_INCEPTION_SCORE, CV_SCORE_COSINE },
    { "fid", "fid", NULL, "inception", NULL, CV_METRIC_FRECHET, CV_SCORE_COSINE },
    { "clip", "clipsim", "clip-shapes", "clip", NULL, CV_METRIC_CLIP, CV_SCORE_COSINE },
    { "clipscore", "clipscore", NULL, "clip", NULL, CV_METRIC_CLIP, CV_SCORE_CLIPSCORE },
    { "clip100", "clip100", NULL, "clip", NULL, CV_METRIC_CLIP, CV_SCORE_HUNDRED },
};

/* --- names ---------------------------------------------------------------------------------------------------- */

static const cv_metric *find(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        if (strlen(metrics[i].word) == length && memcmp(metrics[i].word, word, length) == 0)
            return &metrics[i];
    return NULL;
}

cogvideo_status cv_metrics_parse(const cv_metric *out[CV_METRICS_MOST], int *count, const char *words,
                                 cogvideo_error *err)
{
    *count = 0;
    for (const char *at = words;; at++) {
        const size_t length = strcspn(at, ",");
        const cv_metric *metric = find(at, length);

        if (!metric)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "there is no metric '%.*s'; fvd, is, image-is, fid, clip, clipscore and clip100 are known",
                           length < 40 ? (int)length : 40, at);
        for (int i = 0; i < *count; i++)
            if (out[i] == metric)
                return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the metric '%s' is asked for twice", metric->word);
        out[(*count)++] = metric;
        at += length;
        if (!*at)
            return COGVIDEO_OK;
    }
}

const char *cv_metric_name(const cv_metric *metric, const cv_protocol *protocol)
{
    return protocol->info.shapes && metric->shapes_name ? metric->shapes_name : metric->name;
}

char *cv_metric_text(const cv_metric *metric, const char *prompt, cogvideo_error *err)
{
    cv_buffer text = { 0 };

    if (cv_buffer_printf(&text, err, "%s%s", metric->scale == CV_SCORE_CLIPSCORE ? "A photo depicts " : "", prompt) !=
        COGVIDEO_OK)
        cv_buffer_free(&text);
    return text.data;
}

/* --- Frechet distance ----------------------------------------------------------------------------------------- */

cogvideo_status cv_frechet_allowed(const char *name, const char *clips, int count, bool few, cogvideo_error *err)
{
    if (count < LEAST)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: %d %s; at least %d are needed for a covariance", name, count,
                       clips, LEAST);
    if (count < FEW && !few)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: %d %s say nothing about a distribution; at least %d are needed (--few computes it all the "
                       "same)",
                       name, count, clips, FEW);
    return COGVIDEO_OK;
}

static cv_feature_set set_of(const cv_rows *rows)
{
    return (cv_feature_set){ rows->features, rows->clips * rows->frames, rows->width, rows->frames };
}

typedef struct reporting {
    const cv_metric_work *work;
    const char *what;
    int draws;
} reporting;

static int report(void *user, double done)
{
    const reporting *r = user;
    const cogvideo_progress progress = { .what = r->what,
                                         .unit = "draws",
                                         .done = (long long)(done * r->draws + 0.5),
                                         .total = r->draws,
                                         .rounds = 1 };

    return r->work->progress ? r->work->progress(r->work->user, &progress) : 0;
}

cogvideo_status cv_frechet_value(double *out, const cv_protocol *p, const cv_rows *generated, const cv_rows *real,
                                 cogvideo_error *err)
{
    const cv_frechet_options options = { .biased = strcmp(p->given.covariance, "n") == 0 };
    const cv_feature_set a = set_of(generated), b = set_of(real);
    cv_frechet result;
    cogvideo_status status;

    CV_TRY(cv_frechet_distance(&a, &b, &options, &result, err));
    *out = result.distance;
done:
    return status;
}

/* What a reader of the number must know of a set. */
static cogvideo_status warn(cogvideo_metric *out, const char *kind, int count, int width, bool frames,
                            cogvideo_error *err)
{
    const char *const items = frames ? "frames" : "clips";
    cogvideo_status status = COGVIDEO_OK;

    if (count < ENOUGH)
        CV_TRY(cv_metric_warn(out, err, "%d %s %s: %s is too large below %d", count, kind, items,
                              strcmp(out->name, "fid") == 0   ? "FID"
                              : strcmp(out->name, "fvd") == 0 ? "FVD"
                                                              : out->name,
                              ENOUGH));
    if (count <= width)
        CV_TRY(cv_metric_warn(out, err, "%d %s %s: too few for a covariance of full rank in %d dimensions", count, kind,
                              items, width));
done:
    return status;
}

cogvideo_status cv_measure_frechet(cogvideo_metric *out, const cv_metric_work *work, const cv_protocol *p,
                                   const cv_rows *generated, const cv_rows *real, cogvideo_error *err)
{
    reporting reported = { work, out->name, p->draws };
    const cv_frechet_options options = { .biased = strcmp(p->given.covariance, "n") == 0,
                                         .draws = p->draws,
                                         .extrapolate = p->info.width <= CV_WIDE_FEATURES || p->draws > 0,
                                         .seed = p->given.seed,
                                         .progress = p->draws ? report : NULL,
                                         .user = &reported };
    const cv_feature_set a = set_of(generated), b = set_of(real);
    cv_frechet result;
    cogvideo_status status;

    CV_TRY(cv_frechet_distance(&a, &b, &options, &result, err));
    out->value = result.distance;
    out->dimension = p->info.width;
    out->has_interval = p->draws > 0;
    out->low = result.low;
    out->high = result.high;
    out->has_extrapolated = options.extrapolate;
    out->extrapolated = result.extrapolated;
    CV_TRY(warn(out, "generated", a.count, a.width, p->info.frames, err));
    CV_TRY(warn(out, "real", b.count, b.width, p->info.frames, err));
done:
    return status;
}

/* --- Inception Score ------------------------------------------------------------------------------------------ */

static cogvideo_status score(cv_inception_score *out, const cv_protocol *p, const double *probabilities, int count,
                             int classes, cogvideo_error *err)
{
    int32_t *order = NULL;
    cogvideo_status status = COGVIDEO_OK;

    if (p->given.shuffle >= 0) {
        CV_NEW(order, count, err);
        cv_numpy_permutation(order, count, (uint32_t)p->given.shuffle);
    }
    CV_TRY(cv_inception_score_of(probabilities, count, classes, order, p->given.splits, out, err));
done:
    cv_free(order);
    return status;
}

/* The heads whose product is one distribution over all that a caption of the shapes world says of the object, but for
 * its size. */
static bool is_joint(const cv_feature_head *head)
{
    return strcmp(head->name, "colour") == 0 || strcmp(head->name, "shape") == 0 || strcmp(head->name, "motion") == 0;
}

/* out [count][classes of the joint heads] of probabilities [count][classes]. */
static void multiply(double *out, int joint, const float *probabilities, int count, const cv_feature_info *info)
{
    for (int i = 0; i < count; i++) {
        const float *p = probabilities + (size_t)i * (size_t)info->classes;
        double *row = out + (size_t)i * (size_t)joint;
        int filled = 1;

        row[0] = 1;
        for (int h = 0; h < info->head_count; p += info->heads[h++].classes) {
            const int classes = info->heads[h].classes;

            if (!is_joint(&info->heads[h]))
                continue;
            for (int k = filled - 1; k >= 0; k--) /* from behind, so that nothing is overwritten before it is read */
                for (int c = classes - 1; c >= 0; c--)
                    row[k * classes + c] = row[k] * (double)p[c];
            filled *= classes;
        }
    }
}

static cogvideo_status score_heads(cogvideo_metric *out, const cv_protocol *p, const cv_rows *rows, int count,
                                   double *room, cogvideo_error *err)
{
    const cv_feature_info *info = &p->info;
    cogvideo_status status = COGVIDEO_OK;
    cv_inception_score alone;

    for (int h = 0, first = 0; h < info->head_count; first += info->heads[h++].classes) {
        const int classes = info->heads[h].classes;

        for (int i = 0; i < count; i++)
            for (int c = 0; c < classes; c++)
                room[(size_t)i * (size_t)classes + (size_t)c] =
                    (double)rows->probabilities[(size_t)i * (size_t)info->classes + (size_t)(first + c)];
        CV_TRY(score(&alone, p, room, count, classes, err));
        CV_TRY(cv_metric_add_detail(out, "heads", info->heads[h].name, alone.mean, count, err));
    }
done:
    return status;
}

cogvideo_status cv_measure_inception_score(cogvideo_metric *out, const cv_protocol *p, const cv_rows *rows,
                                           cogvideo_error *err)
{
    const cv_feature_info *info = &p->info;
    const int count = rows->clips * rows->frames;
    int joint = 1;
    double *probabilities = NULL;
    cv_inception_score result;
    cogvideo_status status;

    for (int h = 0; h < info->head_count; h++)
        joint *= is_joint(&info->heads[h]) ? info->heads[h].classes : 1;
    if (info->head_count == 0)
        joint = info->classes;
    CV_NEW(probabilities, (size_t)count * (size_t)(joint > info->classes ? joint : info->classes), err);
    if (info->head_count)
        multiply(probabilities, joint, rows->probabilities, count, info);
    for (size_t i = 0; !info->head_count && i < (size_t)count * (size_t)joint; i++)
        probabilities[i] = (double)rows->probabilities[i];
    CV_TRY(score(&result, p, probabilities, count, joint, err));
    out->value = result.mean;
    out->has_deviation = p->given.splits > 1;
    out->deviation = result.deviation;
    if (info->head_count)
        CV_TRY(score_heads(out, p, rows, count, probabilities, err));
done:
    cv_free(probabilities);
    return status;
}

/* --- CLIP ----------------------------------------------------------------------------------------------------- */

static double cosine(const float *a, const float *b, int width)
{
    double dot = 0, aa = 0, bb = 0;

    for (int i = 0; i < width; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : 0;
}

double cv_text_score(const float *vectors, int frames, int width, const float *text, cv_score_scale scale)
{
    double sum = 0;

    for (int f = 0; f < frames; f++) {
        const double c = cosine(vectors + (size_t)f * (size_t)width, text, width);

        sum += scale == CV_SCORE_CLIPSCORE ? 2.5 * fmax(c, 0) : scale == CV_SCORE_HUNDRED ? 100 * c : c;
    }
    return sum / frames;
}

cogvideo_status cv_measure_clip(cogvideo_metric *out, const cv_metric *metric, const cv_protocol *p,
                                const cv_rows *rows, const cv_set *set, cv_texts *texts, cogvideo_error *err)
{
    const size_t clip = (size_t)rows->frames * (size_t)rows->width;
    double sum = 0, squares = 0, *scores = NULL;
    cogvideo_status status;

    CV_NEW(scores, rows->clips + 1, err);
    for (int i = 0; i < rows->clips; i++) {
        const float *feature;
        char *text = cv_metric_text(metric, set->items[rows->items[i]].prompt, err);

        status = text ? cv_texts_get(texts, text, &feature, err) : COGVIDEO_ERROR_MEMORY;
        cv_free(text);
        if (status != COGVIDEO_OK)
            goto done;
        scores[i] = cv_text_score(rows->features + (size_t)i * clip, rows->frames, rows->width, feature, metric->scale);
        sum += scores[i];
    }
    sum /= rows->clips;
    for (int i = 0; i < rows->clips; i++)
        squares += (scores[i] - sum) * (scores[i] - sum);
    out->value = metric->scale == CV_SCORE_HUNDRED ? fmax(sum, 0) : sum;
    out->has_deviation = 1;
    out->deviation = sqrt(squares / rows->clips);
    out->dimension = p->info.width;
    status = COGVIDEO_OK;
done:
    cv_free(scores);
    return status;
}
