#include "pipeline/keep.h"

#include "pipeline/record.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

int cv_keep_count(const cv_run *run)
{
    return run->output->keep > 0 ? run->output->keep : run->samples;
}

static cogvideo_caption_options caption_of(const cv_run *run)
{
    return (cogvideo_caption_options){ .text = run->options.prompt,
                                       .english = run->output->keep_english,
                                       .cut_text = run->options.cut_text };
}

cogvideo_status cv_keep_check(cv_run *run, cogvideo_error *err)
{
    const cogvideo_caption_options options = caption_of(run);
    const int keep = run->output->keep;
    const cv_step *first = run->chain.steps[0];
    cogvideo_caption caption;
    cogvideo_status status;

    if (keep == 0)
        return COGVIDEO_OK;
    if (keep < 0 || keep > run->options.samples)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%d of %d samples cannot be kept", keep, run->options.samples);
    if (!first->side_by_side || first->out != COGVIDEO_KIND_CODES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the step '%s' makes one sample after the other, and none can be chosen", first->name);
    if (!run->options.prompt)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a prompt is missing: samples are chosen by it");
    CV_TRY(cogvideo_score_caption(run->model, &options, NULL, &caption, err));
    run->scoring = caption.memory;
    cogvideo_caption_free(&caption);
done:
    return status;
}

/* All that the run has written of a clip so far. */
static cogvideo_status remove_codes(const cv_run *run, const cogvideo_clip *clip, cogvideo_error *err)
{
    const char *path = cogvideo_clip_path(clip, cv_codes_name(&run->chain, 0));

    if (unlink(path) != 0 && errno != ENOENT)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be removed: %s", path, strerror(errno));
    return COGVIDEO_OK;
}

/* Whether clip b stands before clip a; of equal ones the later, as in the original. */
static bool is_better(const cogvideo_clip *b, const cogvideo_clip *a)
{
    return b->score > a->score || (b->score == a->score && b->sample > a->sample);
}

/* Puts clips in order, and their values, which may be NULL. */
static void sort(cogvideo_clip *clips, cogvideo_value *values, int count)
{
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && is_better(&clips[j], &clips[j - 1]); j--) {
            const cogvideo_clip clip = clips[j];

            clips[j] = clips[j - 1];
            clips[j - 1] = clip;
            if (values) {
                const cogvideo_value value = values[j];

                values[j] = values[j - 1];
                values[j - 1] = value;
            }
        }
}

/* The score of one clip, which is reported like a frame of a step. */
static cogvideo_status score(const cv_run *run, cogvideo_clip *clip, const cogvideo_value *value, int done,
                             cogvideo_error *err)
{
    const cogvideo_caption_options options = caption_of(run);
    const cogvideo_progress report = { .what = "caption score",
                                       .unit = "codes",
                                       .rounds = 1,
                                       .frames = run->samples,
                                       .frame = done,
                                       .sequences = 1,
                                       .done = done,
                                       .total = run->samples };
    cogvideo_caption caption = { 0 };
    cogvideo_status status;

    if (run->caller.progress && run->caller.progress(run->caller.user, &report))
        return cv_cancelled(err);
    CV_TRY(cogvideo_score_caption(run->model, &options, &value->codes, &caption, err));
    clip->score = caption.score[0];
done:
    cogvideo_caption_free(&caption);
    return status;
}

cogvideo_status cv_keep_best(cv_run *run, cogvideo_value *values, cogvideo_error *err)
{
    const int samples = run->result->count, keep = cv_keep_count(run);
    cogvideo_clip *clips = run->result->clips;
    cogvideo_status status = COGVIDEO_OK;

    if (run->output->keep == 0)
        return COGVIDEO_OK;
    for (int i = 0; i < samples; i++)
        CV_TRY(score(run, &clips[i], &values[i], i, err));
    sort(clips, values, samples);
    for (int i = 0; i < samples; i++) {
        cv_log(&run->model->log, COGVIDEO_LOG_INFO, "sample %d: caption score %.4f%s", clips[i].sample, clips[i].score,
               i < keep ? "" : ", not kept");
        if (i < keep)
            continue;
        CV_TRY(remove_codes(run, &clips[i], err));
        cogvideo_value_free(&values[i]);
    }
    cv_result_shrink(run->result, keep);
done:
    return status;
}

void cv_keep_found(cv_run *run, const bool *there)
{
    cogvideo_clip *clips = run->result->clips;
    int found = 0;

    for (int i = 0; i < run->result->count; i++) {
        const cogvideo_clip clip = clips[i];
        cv_json *record = NULL;

        if (!there[i])
            continue;
        clips[i] = clips[found];
        clips[found] = clip;
        if (cv_record_read(&record, &clip, NULL) == COGVIDEO_OK)
            cv_json_double(record, "score", -HUGE_VAL, 0, &clips[found].score, "", NULL);
        cv_json_free(&record);
        found++;
    }
    cv_result_shrink(run->result, found);
    sort(clips, NULL, found);
}
