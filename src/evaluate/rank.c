/* rank.c - which of several clips fits its prompt best. */
#include "evaluate/features.h"
#include "evaluate/networks.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const cogvideo_ranked *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->clip > y->clip) - (x->clip < y->clip);
}

static cogvideo_status score(const cv_features_job *job, cv_texts *texts, const char *prompt, cogvideo_ranked *out,
                             cogvideo_error *err)
{
    cv_rows rows = { 0 };
    char *file = NULL;
    cogvideo_status status;

    CV_TRY(cv_features_run(job, &rows, &file, err));
    for (int i = 0; i < rows.clips; i++) {
        const cv_item *item = &job->set->items[i];
        const float *text;

        CV_TRY(cv_texts_get(texts, prompt ? prompt : item->prompt, &text, err));
        out[i] = (cogvideo_ranked){ i, cv_text_score(rows.features + (size_t)i * (size_t)(rows.frames * rows.width),
                                                     rows.frames, rows.width, text, CV_SCORE_COSINE) };
    }
    qsort(out, (size_t)rows.clips, sizeof *out, compare);
done:
    cv_free(file);
    cv_rows_free(&rows);
    return status;
}

cogvideo_status cogvideo_rank(const cogvideo_evaluate_options *options, const char *const *clips, int count,
                              const char *prompt, cogvideo_ranked *out, cogvideo_error *err)
{
    cogvideo_evaluate_options own = *options;
    const cv_metric *metrics[CV_METRICS_MOST];
    const cv_feature_network *network;
    cv_protocol protocol;
    cv_texts texts = { 0 };
    cv_set set = { 0 };
    cv_features_job job = { .options = &own, .protocol = &protocol, .set = &set, .what = "clips", .strict = true };
    uint64_t bytes;
    const float *text;
    cogvideo_status status;
    int found;

    if (!options->networks)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a model of networks for metrics is missing");
    /* Each clip is one, and all of them are looked at. */
    own.protocol.samples = 0;
    own.protocol.clips_per_video = 1;
    own.features = NULL;
    CV_TRY(cv_metrics_parse(metrics, &found, "clip", err));
    CV_TRY(cv_metric_network(&network, own.networks, metrics[0], err));
    CV_TRY(cv_set_of(&set, clips, count, !prompt, err));
    for (int i = 0; i < count && !prompt; i++)
        if (!set.items[i].prompt)
            CV_TRY(
                cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                        "%s: has no prompt: clip.json or clip.txt beside clip.mp4 was expected, or one for all clips",
                        clips[i]));
    CV_TRY(cv_protocol_resolve(&protocol, &own.protocol, network, own.networks, set.pictures, NULL, err));
    cv_protocol_tell_unused(&protocol, &own.protocol, &own.log);
    CV_TRY(cv_features_plan(&job, count, &bytes, err));
    CV_TRY(cv_network_memory(network->name, bytes, own.max_memory, err));
    cv_texts_begin(&texts, network, own.networks, own.cut_text != 0);
    if (prompt) /* a text that is too long is known before clips are read */
        CV_TRY(cv_texts_get(&texts, prompt, &text, err));
    for (int i = 0; i < count && !prompt; i++)
        CV_TRY(cv_texts_get(&texts, set.items[i].prompt, &text, err));
    if (count > 0)
        CV_TRY(score(&job, &texts, prompt, out, err));
done:
    cv_texts_free(&texts);
    cv_set_free(&set);
    return status;
}
