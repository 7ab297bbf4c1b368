#include "evaluate/features.h"

#include "base/clock.h"

#include <string.h>

#define SAVE_EVERY 60.0 /* seconds */
#define CLIP_BATCH 4
#define FRAME_BATCH 16

/* A clip to be looked at. */
typedef struct sample {
    int item, which;
    bool mirrored;
} sample;

/* What a job holds while it runs. */
typedef struct work {
    const cv_features_job *job;
    cv_cache cache;
    cv_feature_run *run;
    int height, width; /* that `run` is open for */
    int batch;         /* clips that wait for the network, at most */
    float *pixels;     /* [batch][cv_frames_given][3][height][width] */
    int waiting;       /* they are the last rows */
    cv_rows rows;
    int done, total;
    double saved;
    bool dirty; /* rows were computed that the file does not hold */
} work;

/* --- samples -------------------------------------------------------------------------------------------------- */

/* All clips of the set, those of an item together. */
static long long count_all(const cv_features_job *job)
{
    const cogvideo_protocol *p = &job->protocol->given;
    const bool mirrored = job->side == CV_REAL && p->mirror;

    return (long long)job->set->count * p->clips_per_video * (mirrored ? 2 : 1);
}

static sample sample_at(const cv_features_job *job, int index)
{
    const cogvideo_protocol *p = &job->protocol->given;
    const bool mirrored = job->side == CV_REAL && p->mirror;
    const int each = mirrored ? 2 : 1;

    return (sample){ index / each / p->clips_per_video, index / each % p->clips_per_video, index % each == 1 };
}

cogvideo_status cv_features_count(const cv_features_job *job, int *count, cogvideo_error *err)
{
    const long long all = count_all(job);
    const int wanted = job->protocol->given.samples;

    if (all > 100000000)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: %lld clips are too many", job->set->path, all);
    *count = wanted > 0 && wanted < all ? wanted : (int)all;
    return COGVIDEO_OK;
}

/* --- the network ---------------------------------------------------------------------------------------------- */

static cv_feature_settings settings_of(const cv_features_job *job, int height, int width)
{
    const cv_protocol *p = job->protocol;
    const int given = job->options->batch;

    return (cv_feature_settings){ .epsilon = p->epsilon,
                                  .pytorch_input = p->pytorch_input,
                                  .frames = p->info.frames ? 1 : p->frames,
                                  .height = height,
                                  .width = width,
                                  .batch = given            ? given
                                           : p->info.frames ? FRAME_BATCH
                                                            : CLIP_BATCH };
}

static size_t clip_floats(const cv_protocol *p, int height, int width)
{
    return (size_t)cv_frames_given(p) * 3 * (size_t)height * (size_t)width;
}

/* Clips that wait: a clip whose frames are read one by one fills a batch alone. */
static int waiting_room(const cv_features_job *job)
{
    return job->protocol->info.frames ? 1 : settings_of(job, 0, 0).batch;
}

cogvideo_status cv_features_plan(const cv_features_job *job, int clips, uint64_t *bytes, cogvideo_error *err)
{
    const cv_protocol *p = job->protocol;
    cv_feature_settings settings;
    int height, width;
    cogvideo_status status;

    cv_frames_size(p, 224, 224, &height, &width);
    settings = settings_of(job, height, width);
    CV_TRY(p->network->plan(job->options->networks, &settings, bytes, err));
    *bytes += (uint64_t)waiting_room(job) * clip_floats(p, height, width) * sizeof(float);
    *bytes +=
        (uint64_t)clips * (uint64_t)cv_protocol_rows(p) * (uint64_t)(p->info.width + p->info.classes) * sizeof(float);
done:
    return status;
}

/* Makes the network ready for frames of this size. */
static cogvideo_status prepare(work *w, int height, int width, cogvideo_error *err)
{
    const cv_feature_network *network = w->job->protocol->network;
    const cv_feature_settings settings = settings_of(w->job, height, width);
    cogvideo_status status = COGVIDEO_OK;

    if (w->run && w->height == height && w->width == width)
        return COGVIDEO_OK;
    if (w->run)
        network->close(&w->run);
    cv_free(w->pixels);
    w->pixels = NULL;
    w->height = height;
    w->width = width;
    CV_NEW(w->pixels, (size_t)w->batch * clip_floats(w->job->protocol, height, width), err);
    CV_TRY(network->open(&w->run, w->job->options->networks, &settings, err));
done:
    return status;
}

/* Computes the rows of the clips that wait. */
static cogvideo_status flush(work *w, cogvideo_error *err)
{
    const cv_protocol *p = w->job->protocol;
    const cv_feature_network *network = p->network;
    const int items = p->info.frames ? cv_frames_given(p) : w->waiting,
              most = settings_of(w->job, w->height, w->width).batch;
    const size_t item = clip_floats(p, w->height, w->width) / (size_t)(p->info.frames ? items : 1);
    cv_rows *rows = &w->rows;
    const size_t first = (size_t)(rows->clips - w->waiting) * (size_t)rows->frames;
    cogvideo_status status = COGVIDEO_OK;

    for (int at = 0; at < items && w->waiting; at += most) {
        const int count = items - at < most ? items - at : most;
        const size_t row = first + (size_t)at;

        CV_TRY(network->run(w->run, w->pixels + (size_t)at * item, count, rows->features + row * (size_t)rows->width,
                            rows->probabilities ? rows->probabilities + row * (size_t)rows->classes : NULL, err));
    }
    w->dirty = w->dirty || w->waiting > 0;
    w->waiting = 0;
done:
    return status;
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

static void copy_row(work *w, int row, int from)
{
    const cv_cache *c = &w->cache;
    cv_rows *r = &w->rows;
    const size_t features = (size_t)r->frames * (size_t)r->width, classes = (size_t)r->frames * (size_t)r->classes;

    memcpy(r->features + (size_t)row * features, c->features + (size_t)from * features, features * sizeof(float));
    if (classes)
        memcpy(r->probabilities + (size_t)row * classes, c->probabilities + (size_t)from * classes,
               classes * sizeof(float));
}

/* Gives a clip the next row: from the file, or in the line before the network. Rows are computed in their order: what
 * waits is one row after another, so that a row from the file ends a batch. */
static cogvideo_status add_clip(work *w, const cv_chosen *clip, const cv_item *item, int index, cogvideo_error *err)
{
    const int row = w->rows.clips;
    unsigned char *source = w->rows.source + (size_t)row * CV_SHA256_BYTES;
    int height, width, known;
    cogvideo_status status;

    CV_TRY(cv_chosen_source(source, clip, err));
    if ((known = cv_cache_find(&w->cache, source)) >= 0) {
        CV_TRY(flush(w, err));
        copy_row(w, row, known);
    } else {
        if (!w->run)
            CV_TRY(cv_cache_check(&w->cache, err));
        cv_frames_size(w->job->protocol, clip->height, clip->width, &height, &width);
        if (w->waiting && (height != w->height || width != w->width))
            CV_TRY(flush(w, err));
        CV_TRY(prepare(w, height, width, err));
        CV_TRY(cv_frames_fit(w->pixels + (size_t)w->waiting * clip_floats(w->job->protocol, height, width),
                             w->job->protocol, clip, cv_item_place(item), err));
        w->waiting++;
    }
    w->rows.items[row] = index;
    w->rows.clips++;
    if (w->waiting == w->batch)
        CV_TRY(flush(w, err));
done:
    return status;
}

static int poll(void *user)
{
    const work *w = user;
    const cogvideo_evaluate_options *options = w->job->options;
    const cogvideo_progress progress = { .what = w->job->what,
                                         .unit = "clips",
                                         .done = w->done,
                                         .total = w->total,
                                         .rounds = 1 };

    return options->progress ? options->progress(options->user, &progress) : 0;
}

static cogvideo_status save(work *w, bool complete, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(flush(w, err));
    CV_TRY(cv_cache_save(&w->cache, &w->rows, complete, err));
    w->saved = cv_clock();
    w->dirty = false;
done:
    return status;
}

/* One clip of the set. */
static cogvideo_status take(work *w, const sample *s, cogvideo_error *err)
{
    const cv_features_job *job = w->job;
    cv_item *item = &job->set->items[s->item];
    const cv_reading reading = { job->set, job->protocol, job->side, job->options->model, poll, w };
    cogvideo_error why;
    cv_chosen clip = { 0 };
    bool left_out;
    cogvideo_status status;

    if (poll(w))
        return cv_cancelled(err);
    CV_TRY(cv_read_clip(&reading, item, s->which, &clip, &left_out, &why, err));
    if (left_out && job->strict) {
        status = cv_fail(err, why.status, "%s", why.message);
        goto done;
    }
    if (left_out) {
        w->rows.left_out++;
        if (!item->told) /* by an earlier network */
            cv_log(&job->options->log, COGVIDEO_LOG_WARNING, "%s; it is left out", why.message);
        item->told = true;
    } else {
        if (s->mirrored)
            cv_chosen_mirror(&clip);
        CV_TRY(add_clip(w, &clip, item, s->item, err));
    }
    w->done++;
    if (w->dirty && cv_clock() - w->saved > SAVE_EVERY)
        CV_TRY(save(w, false, err));
done:
    cv_chosen_free(&clip);
    return status;
}

static cogvideo_status take_all(work *w, const int *chosen, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < w->total; i++) {
        const sample s = sample_at(w->job, chosen[i]);

        CV_TRY(take(w, &s, err));
    }
    CV_TRY(flush(w, err));
    if (w->cache.path && !cv_cache_holds(&w->cache, &w->rows))
        CV_TRY(save(w, true, err));
    poll(w);
    return COGVIDEO_OK;
done:
    /* What was computed is not lost; the error that ended the run is the one to be told. */
    if (w->dirty || w->waiting)
        save(w, false, NULL);
    return status;
}

cogvideo_status cv_features_run(const cv_features_job *job, cv_rows *out, char **file, cogvideo_error *err)
{
    const cogvideo_evaluate_options *options = job->options;
    work w = { .job = job, .batch = waiting_room(job), .saved = cv_clock() };
    int *chosen = NULL;
    cogvideo_status status;

    *file = NULL;
    CV_TRY(cv_features_count(job, &w.total, err));
    CV_TRY(cv_set_choose(&chosen, &w.total, (int)count_all(job), w.total, job->protocol->given.seed, err));
    CV_TRY(cv_cache_open(&w.cache, options->features, job->set->name, job->protocol, job->side, err));
    CV_TRY(cv_rows_alloc(&w.rows, job->protocol, w.total, err));
    CV_TRY(take_all(&w, chosen, err));
    *out = w.rows;
    w.rows = (cv_rows){ 0 };
    *file = w.cache.path;
    w.cache.path = NULL;
done:
    if (w.run)
        job->protocol->network->close(&w.run);
    cv_rows_free(&w.rows);
    cv_cache_close(&w.cache);
    cv_free(w.pixels);
    cv_free(chosen);
    return status;
}
