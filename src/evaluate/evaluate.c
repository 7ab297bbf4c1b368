/* evaluate.c - cogvideo_evaluate: sets and networks are found and checked, features computed, metrics measured. */
#include "evaluate/attributes.h"
#include "evaluate/features.h"
#include "evaluate/networks.h"
#include "evaluate/result.h"

#include "base/path.h"
#include "base/units.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DRAWN_CLIPS 1000 /* of the shapes world, where nobody says how many */

/* One network, and what it is used for. */
typedef struct use {
    const cv_feature_network *network;
    cv_protocol protocol;
    bool needs[CV_SIDES]; /* which sets it looks at */
    cv_rows rows[CV_SIDES];
    cv_texts texts;
} use;

typedef struct evaluation {
    const cogvideo_evaluate_options *options;
    cogvideo_protocol given;
    const cv_metric *metrics[CV_METRICS_MOST];
    int uses_of[CV_METRICS_MOST]; /* place in `uses` of each metric */
    int count;
    use uses[CV_METRICS_MOST];
    int use_count;
    cv_set sets[CV_SIDES];
    bool drawn, texts; /* real clips are drawn; a metric reads prompts */
    cogvideo_evaluation result;
} evaluation;

static const char *const sides[CV_SIDES] = { [CV_GENERATED] = "generated", [CV_REAL] = "real" };

void cogvideo_evaluate_defaults(cogvideo_evaluate_options *options)
{
    *options = (cogvideo_evaluate_options){ .metrics = "fvd" };
    cogvideo_protocol_named(&options->protocol, cogvideo_protocol_name(0), NULL);
}

static const char *tokenizer_of(const cogvideo_evaluate_options *options)
{
    return options->real_through_tokenizer ? options->model->name : NULL;
}

static cogvideo_status check_options(const cogvideo_evaluate_options *o, cogvideo_error *err)
{
    if (!o->networks)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a model of networks for metrics is missing");
    if (!o->generated && !(o->features_only && o->real))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the generated clips are missing");
    if (o->features_only && !o->features)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "features alone were asked for, but no folder to keep them in");
    if (o->real_through_tokenizer && !o->model)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "real clips go through the tokenizer of a model, and none is given");
    if (o->batch < 0 || o->batch > 1024)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the batch is %d; it must be from 0 to 1024", o->batch);
    return COGVIDEO_OK;
}

/* --- what is needed -------------------------------------------------------------------------------------------- */

/* Adds what a metric needs of its network. */
static cogvideo_status add_use(evaluation *e, int metric, cogvideo_error *err)
{
    const cv_metric *m = e->metrics[metric];
    const cv_feature_network *network;
    int i = 0;
    cogvideo_status status;

    CV_TRY(cv_metric_network(&network, e->options->networks, m, err));
    while (i < e->use_count && e->uses[i].network != network)
        i++;
    if (i == e->use_count)
        e->uses[e->use_count++].network = network;
    e->uses_of[metric] = i;
    e->uses[i].needs[CV_GENERATED] = e->options->generated != NULL;
    e->uses[i].needs[CV_REAL] =
        e->uses[i].needs[CV_REAL] || m->kind == CV_METRIC_FRECHET || (e->options->features_only && e->options->real);
    e->texts = e->texts || (m->kind == CV_METRIC_CLIP && !e->options->features_only);
done:
    return status;
}

/* Whether any network needs real clips; *shapes: all of those that do know the shapes world alone, whose clips can be
 * drawn. */
static bool needs_real(const evaluation *e, bool *shapes)
{
    bool any = false;

    *shapes = true;
    for (int i = 0; i < e->use_count; i++) {
        cv_feature_info info = { 0 };

        if (!e->uses[i].needs[CV_REAL])
            continue;
        any = true;
        e->uses[i].network->info(e->options->networks, &info);
        *shapes = *shapes && info.shapes;
    }
    return any;
}

static cogvideo_status find_real(evaluation *e, cogvideo_error *err)
{
    bool shapes;

    if (!needs_real(e, &shapes))
        return COGVIDEO_OK;
    if (e->options->real)
        return cv_set_find(&e->sets[CV_REAL], e->options->real, false, err);
    if (e->options->features_only) { /* of the set that is there */
        for (int i = 0; i < e->use_count; i++)
            e->uses[i].needs[CV_REAL] = false;
        return COGVIDEO_OK;
    }
    if (!shapes)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a Frechet distance compares generated clips with real ones, and no real ones are given");
    e->drawn = true;
    return cv_set_draw(&e->sets[CV_REAL], CV_DRAWN_REAL, e->given.samples ? e->given.samples : DRAWN_CLIPS,
                       e->given.seed, err);
}

static cogvideo_status check_prompts(const cv_set *set, cogvideo_error *err)
{
    int missing = 0, first = -1;

    if (set->features)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: is a file of features, which has no prompts to compare with",
                       set->path);
    for (int i = 0; i < set->count; i++)
        if (!set->items[i].prompt) {
            first = missing++ ? first : i;
        }
    if (!missing)
        return COGVIDEO_OK;
    return cv_fail(
        err, COGVIDEO_ERROR_ARGUMENT,
        "%s: has no prompt, as have %d of %d clips; clip.json or clip.txt beside clip.mp4, a list of paths and "
        "prompts, or a dataset was expected",
        cv_item_place(&set->items[first]), missing, set->count);
}

/* Pictures where all sets are, as far as they tell. */
static bool are_pictures(const evaluation *e)
{
    bool pictures = true, known = false;

    for (int s = 0; s < CV_SIDES; s++) {
        const cv_set *set = &e->sets[s];

        if (!set->items)
            continue;
        known = true;
        pictures = pictures && set->pictures;
    }
    return known && pictures;
}

static cv_features_job job_of(const evaluation *e, const use *u, cv_side side, const char *what)
{
    return (cv_features_job){ .options = e->options,
                              .protocol = &u->protocol,
                              .set = &e->sets[side],
                              .side = side,
                              .what = what };
}

/* Too few clips are refused before any is looked at. */
static cogvideo_status check_count(const evaluation *e, const use *u, cv_side side, int clips, cogvideo_error *err)
{
    const long long all = (long long)clips * cv_protocol_rows(&u->protocol);
    const int count = all < INT_MAX ? (int)all : INT_MAX;
    const char *item = u->protocol.info.frames ? "frame" : "clip", *plural = count == 1 ? "" : "s";
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < e->count; i++) {
        const char *name = cv_metric_name(e->metrics[i], &u->protocol);
        char what[40];

        if (&e->uses[e->uses_of[i]] != u)
            continue;
        snprintf(what, sizeof what, "%s %s%s", sides[side], item, plural);
        if (e->metrics[i]->kind == CV_METRIC_FRECHET)
            CV_TRY(cv_frechet_allowed(name, what, count, e->options->few != 0, err));
        else if (e->metrics[i]->kind == CV_METRIC_INCEPTION_SCORE && side == CV_GENERATED && count < e->given.splits)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: %d %s cannot be divided into %d splits", name, count,
                           what, e->given.splits);
    }
done:
    return status;
}

/* A set that is a file of features: what is wrong with it is known before others are computed. */
static cogvideo_status read_features(const evaluation *e, use *u, cv_side side, cogvideo_error *err)
{
    const cv_set *set = &e->sets[side];
    cogvideo_status status;

    CV_TRY(cv_cache_load(&u->rows[side], set->path, &u->protocol, side, e->given.samples, e->given.seed, err));
    if (u->rows[side].clips == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds no clips", set->path);
done:
    return status;
}

/* What a network will do, and whether it can. */
static cogvideo_status plan(const evaluation *e, use *u, cogvideo_error *err)
{
    int clips[CV_SIDES] = { 0 };
    uint64_t most = 0;
    char memory[CV_UNITS];
    cogvideo_status status;

    for (int s = 0; s < CV_SIDES; s++) {
        const cv_features_job job = job_of(e, u, (cv_side)s, NULL);
        uint64_t bytes = 0;

        if (!u->needs[s])
            continue;
        if (e->sets[s].features) {
            CV_TRY(read_features(e, u, (cv_side)s, err));
            clips[s] = u->rows[s].clips;
        } else {
            CV_TRY(cv_features_count(&job, &clips[s], err));
            CV_TRY(cv_features_plan(&job, clips[s], &bytes, err));
        }
        if (!e->options->features_only)
            CV_TRY(check_count(e, u, (cv_side)s, clips[s], err));
        most = bytes > most ? bytes : most;
    }
    CV_TRY(cv_network_memory(u->network->name, most, e->options->max_memory, err));
    cv_units_bytes(memory, (double)most);
    cv_log(&e->options->log, COGVIDEO_LOG_INFO, "%s: %d generated and %d real clips of %d frames; memory: %s",
           u->network->name, clips[CV_GENERATED], clips[CV_REAL], u->protocol.frames, memory);
done:
    return status;
}

static cogvideo_status make_folder(const char *folder, cogvideo_error *err)
{
    if (folder && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder of features cannot be made: %s", folder,
                       strerror(errno));
    if (folder && !cv_path_is_dir(folder))
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: is no folder, and features are kept in one", folder);
    return COGVIDEO_OK;
}

/* Two sets of one name and one protocol share a file, in which nothing is lost but which of them is the set. */
static cogvideo_status warn_of_one_file(const evaluation *e, const use *u, cogvideo_error *err)
{
    const cv_set *generated = &e->sets[CV_GENERATED], *real = &e->sets[CV_REAL];
    char *a = NULL, *b = NULL;
    cogvideo_status status;

    if (!u->needs[CV_GENERATED] || !u->needs[CV_REAL] || generated->features || real->features ||
        strcmp(generated->name, real->name) != 0 || strcmp(generated->path, real->path) == 0)
        return COGVIDEO_OK;
    CV_TRY(cv_protocol_of_features(&u->protocol, CV_GENERATED, &a, err));
    CV_TRY(cv_protocol_of_features(&u->protocol, CV_REAL, &b, err));
    if (strcmp(a, b) == 0)
        cv_log(&e->options->log, COGVIDEO_LOG_WARNING,
               "%s and %s: have one name, so that %s features of both are kept in one file; as a set it is %s",
               generated->path, real->path, u->network->name, real->path);
done:
    cv_free(a);
    cv_free(b);
    return status;
}

/* Finds networks and sets, and refuses what can be refused. */
static cogvideo_status prepare(evaluation *e, cogvideo_error *err)
{
    const cogvideo_evaluate_options *o = e->options;
    cogvideo_status status;

    CV_TRY(check_options(o, err));
    CV_TRY(cv_metrics_parse(e->metrics, &e->count, o->metrics, err));
    for (int i = 0; i < e->count; i++)
        CV_TRY(add_use(e, i, err));
    if (o->generated)
        CV_TRY(cv_set_find(&e->sets[CV_GENERATED], o->generated, e->texts, err));
    CV_TRY(find_real(e, err));
    for (int i = 0; i < e->use_count; i++)
        CV_TRY(cv_protocol_resolve(&e->uses[i].protocol, &e->given, e->uses[i].network, o->networks, are_pictures(e),
                                   tokenizer_of(o), err));
    for (int i = 0; i < e->use_count; i++)
        if (cv_protocol_tell_unused(&e->uses[i].protocol, &e->given, &o->log))
            break;
    if (e->texts)
        CV_TRY(check_prompts(&e->sets[CV_GENERATED], err));
    for (int i = 0; i < e->use_count; i++)
        CV_TRY(plan(e, &e->uses[i], err));
    CV_TRY(make_folder(o->features, err));
    for (int i = 0; i < e->use_count && o->features; i++)
        CV_TRY(warn_of_one_file(e, &e->uses[i], err));
done:
    return status;
}

/* --- features --------------------------------------------------------------------------------------------------- */

/* Texts come first: one that is too long is known before hours are spent. */
static cogvideo_status read_texts(evaluation *e, int metric, cogvideo_error *err)
{
    const cogvideo_evaluate_options *o = e->options;
    const cv_set *set = &e->sets[CV_GENERATED];
    use *u = &e->uses[e->uses_of[metric]];
    cogvideo_status status = COGVIDEO_OK;

    if (!u->texts.network)
        cv_texts_begin(&u->texts, u->network, o->networks, o->cut_text != 0);
    for (int i = 0; i < set->count; i++) {
        const cogvideo_progress progress = { .what = "prompts",
                                             .unit = "texts",
                                             .done = i + 1,
                                             .total = set->count,
                                             .rounds = 1 };
        char *text = cv_metric_text(e->metrics[metric], set->items[i].prompt, err);
        const float *feature;

        status = text ? cv_texts_get(&u->texts, text, &feature, err) : COGVIDEO_ERROR_MEMORY;
        cv_free(text);
        if (status != COGVIDEO_OK)
            return cv_fail_prefix(err, status, cv_item_place(&set->items[i]));
        if (o->progress && o->progress(o->user, &progress))
            return cv_cancelled(err);
    }
    return status;
}

static cogvideo_status compute(evaluation *e, use *u, cv_side side, cogvideo_error *err)
{
    char what[80], *file = NULL;
    cv_features_job job;
    cogvideo_status status;

    snprintf(what, sizeof what, "%s clips, %s", sides[side], u->network->name);
    job = job_of(e, u, side, what);
    if (e->sets[side].features) /* they were read before */
        return COGVIDEO_OK;
    CV_TRY(cv_features_run(&job, &u->rows[side], &file, err));
    CV_TRY(cv_evaluation_add_file(&e->result, file, err));
    if (u->rows[side].clips == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: none of its %d clips can be used", e->sets[side].path,
                       e->sets[side].count);
    if (!e->options->features_only)
        CV_TRY(check_count(e, u, side, u->rows[side].clips, err));
done:
    return status;
}

/* --- metrics ---------------------------------------------------------------------------------------------------- */

/* The distance of other drawn clips from the real ones, as many as were generated. */
static cogvideo_status add_reference(evaluation *e, const use *u, cv_drawn drawn, const char *name,
                                     cogvideo_metric *out, cogvideo_error *err)
{
    cv_set set = { 0 };
    cv_rows rows = { 0 };
    cv_protocol protocol = u->protocol;
    char what[80], *file = NULL;
    cv_features_job job = { .options = e->options, .protocol = &protocol, .set = &set, .what = what };
    double value;
    cogvideo_status status;

    protocol.given.samples = 0; /* all that are drawn */
    snprintf(what, sizeof what, "%s clips for comparison, %s", name, u->network->name);
    CV_TRY(cv_set_draw(&set, drawn, u->rows[CV_GENERATED].clips, e->given.seed, err));
    CV_TRY(cv_features_run(&job, &rows, &file, err));
    CV_TRY(cv_evaluation_add_file(&e->result, file, err));
    CV_TRY(cv_frechet_value(&value, &u->protocol, &rows, &u->rows[CV_REAL], err));
    CV_TRY(cv_metric_add_detail(out, "references", name, value, rows.clips, err));
done:
    cv_rows_free(&rows);
    cv_set_free(&set);
    return status;
}

static cogvideo_status measure_frechet(evaluation *e, const use *u, cogvideo_metric *out, cogvideo_error *err)
{
    const cv_metric_work work = { e->options->progress, e->options->user };
    cogvideo_status status;

    CV_TRY(cv_measure_frechet(out, &work, &u->protocol, &u->rows[CV_GENERATED], &u->rows[CV_REAL], err));
    out->real = u->rows[CV_REAL].clips;
    out->left_out += u->rows[CV_REAL].left_out;
    if (e->drawn) {
        CV_TRY(add_reference(e, u, CV_DRAWN_AGAIN, "real", out, err));
        CV_TRY(add_reference(e, u, CV_DRAWN_FROZEN, "frozen", out, err));
    }
done:
    return status;
}

static cogvideo_status describe(cogvideo_metric *out, const cv_metric *metric, const use *u, cogvideo_error *err)
{
    cv_json *protocol = cv_protocol_json(&u->protocol);

    out->name = cv_metric_name(metric, &u->protocol);
    out->network = u->network->name;
    snprintf(out->sha256, sizeof out->sha256, "%s", u->protocol.info.sha256);
    snprintf(out->vocabulary_sha256, sizeof out->vocabulary_sha256, "%s", u->protocol.info.vocabulary_sha256);
    out->generated = u->rows[CV_GENERATED].clips;
    out->left_out = u->rows[CV_GENERATED].left_out;
    out->origin = cv_strdup(u->protocol.info.origin ? u->protocol.info.origin : "", err);
    out->protocol = out->origin ? cv_json_print(protocol, false, err) : NULL;
    cv_json_free(&protocol);
    return out->protocol ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

static cogvideo_status measure(evaluation *e, int index, cogvideo_metric *out, cogvideo_error *err)
{
    const cv_metric *metric = e->metrics[index];
    use *u = &e->uses[e->uses_of[index]];
    const cv_rows *rows = &u->rows[CV_GENERATED];
    cogvideo_status status;

    CV_TRY(describe(out, metric, u, err));
    switch (metric->kind) {
    case CV_METRIC_FRECHET:
        CV_TRY(measure_frechet(e, u, out, err));
        break;
    case CV_METRIC_INCEPTION_SCORE:
        CV_TRY(cv_measure_inception_score(out, &u->protocol, rows, err));
        break;
    case CV_METRIC_CLIP:
        CV_TRY(cv_measure_clip(out, metric, &u->protocol, rows, &e->sets[CV_GENERATED], &u->texts, err));
        if (u->protocol.info.shapes)
            CV_TRY(cv_measure_attributes(out, rows, &e->sets[CV_GENERATED], &u->texts, err));
        break;
    }
    if (e->given.samples > rows->clips + rows->left_out)
        CV_TRY(
            cv_metric_warn(out, err, "%d generated clips are there, %d were asked for", rows->clips, e->given.samples));
    if (out->real && e->given.samples > out->real + u->rows[CV_REAL].left_out)
        CV_TRY(cv_metric_warn(out, err, "%d real clips are there, %d were asked for", out->real, e->given.samples));
done:
    return status;
}

static cogvideo_status work(evaluation *e, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < e->count && e->texts; i++)
        if (e->metrics[i]->kind == CV_METRIC_CLIP)
            CV_TRY(read_texts(e, i, err));
    for (int i = 0; i < e->use_count; i++)
        for (int s = 0; s < CV_SIDES; s++)
            if (e->uses[i].needs[s])
                CV_TRY(compute(e, &e->uses[i], (cv_side)s, err));
    if (e->options->features_only)
        return COGVIDEO_OK;
    CV_NEW(e->result.metrics, e->count, err);
    for (int i = 0; i < e->count; i++) {
        e->result.count++; /* from now on it is freed with the result */
        CV_TRY(measure(e, i, &e->result.metrics[i], err));
    }
done:
    return status;
}

cogvideo_status cogvideo_evaluate(const cogvideo_evaluate_options *options, cogvideo_evaluation *out,
                                  cogvideo_error *err)
{
    evaluation *e = cv_alloc(1, sizeof *e, err);
    cogvideo_status status;

    if (!e)
        return COGVIDEO_ERROR_MEMORY;
    e->options = options;
    e->given = options->protocol;
    CV_TRY(prepare(e, err));
    CV_TRY(work(e, err));
    *out = e->result;
    e->result = (cogvideo_evaluation){ 0 };
done:
    for (int i = 0; i < e->use_count; i++) {
        for (int s = 0; s < CV_SIDES; s++)
            cv_rows_free(&e->uses[i].rows[s]);
        cv_texts_free(&e->uses[i].texts);
    }
    for (int s = 0; s < CV_SIDES; s++)
        cv_set_free(&e->sets[s]);
    cogvideo_evaluation_free(&e->result);
    cv_free(e);
    return status;
}
