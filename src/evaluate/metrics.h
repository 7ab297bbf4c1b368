/* metrics.h - the metrics by name, and each of them from features. */
#ifndef CV_EVALUATE_METRICS_H
#define CV_EVALUATE_METRICS_H

#include "evaluate/cache.h"
#include "evaluate/set.h"
#include "evaluate/texts.h"

typedef enum cv_metric_kind { CV_METRIC_FRECHET, CV_METRIC_INCEPTION_SCORE, CV_METRIC_CLIP } cv_metric_kind;

/* How cosines become a score. */
typedef enum cv_score_scale {
    CV_SCORE_COSINE,    /* clipsim: the mean of cosines */
    CV_SCORE_CLIPSCORE, /* clipscore: 2.5 max(cosine, 0), of "A photo depicts PROMPT" */
    CV_SCORE_HUNDRED,   /* clip100: max(100 times the mean, 0) */
} cv_score_scale;

typedef struct cv_metric {
    const char *word;        /* by which it is asked for */
    const char *name;        /* in results */
    const char *shapes_name; /* where its network knows the shapes world alone; NULL = it cannot be had then */
    const char *network;
    const char *shapes_network; /* which computes it where that one knows the shapes world alone; NULL = the same */
    cv_metric_kind kind;
    cv_score_scale scale;
} cv_metric;

/* The metrics of a list of words, of which `out` has room for CV_METRICS_MOST. An unknown word, or one that comes
 * twice, is an error. */
#define CV_METRICS_MOST 8
cogvideo_status cv_metrics_parse(const cv_metric *out[CV_METRICS_MOST], int *count, const char *words,
                                 cogvideo_error *err);
/* "fvd", or "fvd-shapes". */
const char *cv_metric_name(const cv_metric *metric, const cv_protocol *protocol);
/* The text whose feature a clip is compared with, in fresh memory. */
char *cv_metric_text(const cv_metric *metric, const char *prompt, cogvideo_error *err);

/* Whether sets of so many vectors may be compared at all; `clips` says what they are: "generated clips". */
cogvideo_status cv_frechet_allowed(const char *name, const char *clips, int count, bool few, cogvideo_error *err);

/* Reports of a bootstrap, and whether to stop. */
typedef struct cv_metric_work {
    cogvideo_progress_fn *progress;
    void *user;
} cv_metric_work;

/* Fills value, interval, extrapolated, deviation, dimension and details, as far as each has them, and warnings. */
cogvideo_status cv_measure_frechet(cogvideo_metric *out, const cv_metric_work *work, const cv_protocol *protocol,
                                   const cv_rows *generated, const cv_rows *real, cogvideo_error *err);
cogvideo_status cv_measure_inception_score(cogvideo_metric *out, const cv_protocol *protocol, const cv_rows *rows,
                                           cogvideo_error *err);
/* `rows` are of the set's items, whose prompts `texts` knows. */
cogvideo_status cv_measure_clip(cogvideo_metric *out, const cv_metric *metric, const cv_protocol *protocol,
                                const cv_rows *rows, const cv_set *set, cv_texts *texts, cogvideo_error *err);
/* The score of one clip: vectors [frames][width] against a text's. */
double cv_text_score(const float *vectors, int frames, int width, const float *text, cv_score_scale scale);

/* The distance alone, of other rows: for references. */
cogvideo_status cv_frechet_value(double *out, const cv_protocol *protocol, const cv_rows *generated,
                                 const cv_rows *real, cogvideo_error *err);

#endif
