#include "pipeline/run.h"

#include "family/pictures.h"
#include "pipeline/forecast.h"
#include "pipeline/keep.h"
#include "pipeline/video_file.h"
#include "pipeline/record.h"

#include <stdio.h>
#include <string.h>

/* --- before it ------------------------------------------------------------------------------------------------ */

cv_settings cv_run_settings(const cv_run *run)
{
    return (cv_settings){ .made_by = run->made_by,
                          .model = run->model,
                          .options = &run->options,
                          .input = run->input,
                          .chain = &run->chain,
                          .run = run->output,
                          .samples = run->samples };
}

cogvideo_status cv_run_plan(cv_run *run, cogvideo_error *err)
{
    const cogvideo_shape shape = run->input ? cogvideo_value_shape(run->input) : (cogvideo_shape){ 0 };
    const cogvideo_shape *pixels;
    cogvideo_status status;

    CV_TRY(cv_chain_plan(&run->chain, run->model, &run->options, &shape, err));
    pixels = cv_chain_shape(&run->chain);
    CV_TRY(cv_keep_check(run, err));
    CV_TRY(cv_files_name(run->result, &run->chain, &run->options, run->output->output, err));
    for (int i = 0; i < run->result->count; i++) {
        const char *video = cogvideo_clip_path(&run->result->clips[i], "video");

        if (video)
            CV_TRY(cogvideo_video_plan(video, pixels->width, pixels->height, pixels->frames, &run->output->write,
                                       &run->writer, err));
    }
done:
    return status;
}

/* --- callbacks ------------------------------------------------------------------------------------------------ */

/* Codes that the step which goes on has drawn. It may report several parts, each from 0. */
static long long count_step(cv_run *run, const cogvideo_progress *report)
{
    if (run->chain.plans[run->step].codes == 0)
        return 0;
    if (strcmp(run->part, report->what) != 0 || run->round != report->round)
        run->parts_done += run->part_done;
    snprintf(run->part, sizeof run->part, "%s", report->what);
    run->round = report->round;
    run->part_done = report->done;
    return run->parts_done + report->done;
}

static int on_progress(void *user, const cogvideo_progress *report)
{
    cv_run *run = user;
    cogvideo_progress told = *report;

    cv_journal_sync(&run->journal);
    told.run_done = run->drawn + count_step(run, report);
    told.run_total = cv_chain_codes(&run->chain, cv_keep_count(run));
    return run->caller.progress ? run->caller.progress(run->caller.user, &told) : 0;
}

static int on_frame(void *user, const cogvideo_code_frame *frame)
{
    cv_run *run = user;
    int stop = run->caller.frame ? run->caller.frame(run->caller.user, frame) : 0;

    return stop ? stop : cv_partials_frame(&run->partials, frame, &run->why) != COGVIDEO_OK;
}

static int on_sketch(void *user, const cogvideo_sketch *sketch)
{
    cv_run *run = user;

    return run->caller.sketch(run->caller.user, sketch);
}

static int on_keep(void *user, const cogvideo_unit *unit, const void *data, size_t size)
{
    cv_run *run = user;
    const bool was_full = run->journal.full;

    if (cv_journal_add(&run->journal, unit, data, size, &run->why) != COGVIDEO_OK)
        return 1;
    if (run->journal.full && !was_full)
        cv_log(&run->model->log, COGVIDEO_LOG_WARNING,
               "%s: is full; what is made from here on would be made again after an interruption", run->journal.path);
    return 0;
}

static int on_recall(void *user, const cogvideo_unit *unit, void *data, size_t size)
{
    return cv_journal_find(&((cv_run *)user)->journal, unit, data, size);
}

static void set_callbacks(cv_run *run)
{
    const bool kept = run->journal.path;

    run->options.callbacks = (cogvideo_callbacks){ .progress = on_progress,
                                                   .frame = on_frame,
                                                   .keep = kept ? on_keep : NULL,
                                                   .recall = kept ? on_recall : NULL,
                                                   .sketch = run->caller.sketch ? on_sketch : NULL,
                                                   .user = run };
}

/* --- a step --------------------------------------------------------------------------------------------------- */

/* The header of a partial file: model, prompt, seed and sample. */
static char *partial_header(const cv_run *run, int sample, cogvideo_error *err)
{
    const cogvideo_generate_options *options = &run->options;
    cv_json *header = cv_json_new_object();
    char *text;

    cv_json_set_string(header, "model", run->model->name);
    if (options->prompt)
        cv_json_set_string(header, "prompt", options->prompt);
    if (options->text_ids)
        cv_json_set_ints(header, "text_ids", options->text_ids, options->text_count);
    cv_json_set_int(header, "seed", (int64_t)options->seed);
    cv_json_set_int(header, "sample", sample);
    cv_json_set_bool(header, "unfinished", true);
    text = cv_json_print(header, false, err);
    cv_json_free(&header);
    return text;
}

/* Partial files for `count` clips from `first` on. */
static cogvideo_status open_partials(cv_run *run, int index, int first, int count, cogvideo_error *err)
{
    const cogvideo_shape *shape = &run->chain.plans[index].out;
    cogvideo_status status = COGVIDEO_OK;

    run->partials.first_sample = run->result->clips[first].sample;
    for (int i = first; i < first + count && shape->kind == COGVIDEO_KIND_CODES; i++) {
        const cogvideo_clip *clip = &run->result->clips[i];
        cogvideo_tokens header = { .height = shape->height,
                                   .width = shape->width,
                                   .rate = shape->rate,
                                   .rate_across = shape->rate_across,
                                   .frames_per_code = shape->frames_per_code,
                                   .header = partial_header(run, clip->sample, err) };

        status = header.header
                     ? cv_partials_add(&run->partials, cogvideo_clip_path(clip, cv_codes_name(&run->chain, index)),
                                       &header, err)
                     : COGVIDEO_ERROR_MEMORY;
        cv_free(header.header);
        CV_TRY(status);
    }
done:
    return status;
}

/* Of the values that a step can make only codes have a file. */
static cogvideo_status save(const cv_run *run, int index, const cogvideo_clip *clip, const cogvideo_value *value,
                            cogvideo_error *err)
{
    const cogvideo_tokens *codes = &value->codes;
    cogvideo_status status = COGVIDEO_OK;
    const char *path;

    if (value->kind != COGVIDEO_KIND_CODES)
        return COGVIDEO_OK;
    path = cogvideo_clip_path(clip, cv_codes_name(&run->chain, index));
    CV_TRY(cogvideo_tokens_save(codes, path, err));
    if (strcmp(path, "-") != 0 && (index > 0 || run->output->keep == 0)) /* not those that may be removed again */
        cv_log(&run->model->log, COGVIDEO_LOG_INFO, "%s: %d frame%s of %dx%d codes", path, codes->frames,
               codes->frames == 1 ? "" : "s", codes->width, codes->height);
done:
    return status;
}

/* Step `index` works on `count` clips from `first` on. */
static void begin_step(cv_run *run, int index, int first, int count)
{
    run->step = index;
    run->part[0] = '\0';
    run->part_done = run->parts_done = 0;
    run->options.samples = count;
    run->options.first_sample = run->result->clips[first].sample;
}

/* Runs step `index` over `count` clips from `first` on and saves what it makes, which is in `out` then. */
static cogvideo_status run_step(cv_run *run, int index, int first, int count, const cogvideo_value *in,
                                cogvideo_value *out, cogvideo_error *err)
{
    cogvideo_status status;

    begin_step(run, index, first, count);
    CV_TRY(open_partials(run, index, first, count, err));
    status = cogvideo_run_step(run->model, run->chain.steps[index]->name, &run->options, in, out, err);
    if (status == COGVIDEO_ERROR_CANCELLED && run->why.status != COGVIDEO_OK) {
        status = run->why.status;
        if (err)
            *err = run->why;
    }
    CV_TRY(status);
    run->drawn += run->chain.plans[index].codes;
    cv_partials_close(&run->partials, false, NULL);
    for (int i = 0; i < count; i++)
        CV_TRY(save(run, index, &run->result->clips[first + i], &out[i], err));
done:
    cv_partials_close(&run->partials, true, &run->model->log);
    return status;
}

static cv_video_file video_file(const cv_run *run, int index, const char *header)
{
    return (cv_video_file){ .model = run->model,
                            .run = run->output,
                            .header = header,
                            .path = cogvideo_clip_path(&run->result->clips[index], "video") };
}

/* By the last step over `in`; `header` tells of the codes that it is of. */
static cogvideo_status make_video(cv_run *run, int index, const cogvideo_value *in, const char *header,
                                  cogvideo_error *err)
{
    const int last = run->chain.count - 1;
    cv_video_file file = video_file(run, index, header);
    cogvideo_status status;

    begin_step(run, last, index, 1);
    status = cogvideo_run_step_each(run->model, run->chain.steps[last]->name, &run->options, in, cv_video_file_picture,
                                    &file, err);
    return cv_video_file_end(&file, status, err);
}

cogvideo_status cv_run_video(cv_run *run, int index, const cogvideo_value *codes, cogvideo_error *err)
{
    return make_video(run, index, codes, codes->codes.header, err);
}

/* Of pixels that are made already. */
static cogvideo_status write_video(const cv_run *run, int index, const cogvideo_video *made, cogvideo_error *err)
{
    cv_video_file file = video_file(run, index, NULL);

    return cv_video_file_end(&file, cv_pictures_give_all(made, cv_video_file_picture, &file, err), err);
}

/* --- all steps ------------------------------------------------------------------------------------------------ */

/* Steps that the model lacks, and can do without. */
static void report_missing(const cv_run *run)
{
    const cv_family *family = run->model->family;

    for (int i = 0; i < family->step_count && run->chain.count > 1; i++)
        if (family->steps[i].optional && !family->steps[i].asked && !cv_model_has(run->model, &family->steps[i]))
            cv_log(&run->model->log, COGVIDEO_LOG_INFO, "the model has no %s: that step is left out",
                   family->steps[i].title);
}

/* The steps behind the first over one clip, its video and its record. `value` is what the first step made. */
static cogvideo_status finish_clip(cv_run *run, int sample, cogvideo_value *value, cogvideo_error *err)
{
    const cogvideo_clip *clip = &run->result->clips[sample];
    const cv_settings settings = cv_run_settings(run);
    cogvideo_value codes = { 0 }, next = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 1; i < run->chain.count; i++) {
        if (i == run->chain.count - 1 && run->chain.steps[i]->out == COGVIDEO_KIND_PIXELS) {
            CV_TRY(make_video(run, sample, value,
                              value->kind == COGVIDEO_KIND_CODES ? value->codes.header : codes.codes.header, err));
            break;
        }
        CV_TRY(run_step(run, i, sample, 1, value, &next, err));
        if (value->kind == COGVIDEO_KIND_CODES && next.kind != COGVIDEO_KIND_CODES) {
            cogvideo_value_free(&codes);
            codes = *value; /* the record tells of them */
        } else {
            cogvideo_value_free(value);
        }
        *value = next;
        next = (cogvideo_value){ 0 };
    }
    if (value->kind == COGVIDEO_KIND_PIXELS) /* of a family whose first step makes them */
        CV_TRY(write_video(run, sample, &value->pixels, err));
    if (cogvideo_clip_path(clip, "record"))
        CV_TRY(cv_record_save(clip, &settings, run->output,
                              value->kind == COGVIDEO_KIND_CODES ? &value->codes
                              : codes.kind                       ? &codes.codes
                                                                 : NULL,
                              err));
done:
    cogvideo_value_free(&codes);
    cogvideo_value_free(&next); /* of a step that went well and whose file could not be written */
    return status;
}

cogvideo_status cv_run_forecast(const cv_run *run, cogvideo_error *err)
{
    const cv_forecast forecast = { .chain = &run->chain,
                                   .model = run->model,
                                   .run = run->output,
                                   .samples = run->samples,
                                   .kept = cv_keep_count(run),
                                   .writer = run->writer,
                                   .scoring = run->scoring };
    cogvideo_status status;

    report_missing(run);
    CV_TRY(cv_forecast_memory(&forecast, err));
    CV_TRY(cv_forecast_disk(&forecast, run->journal.data.size, err));
done:
    return status;
}

cogvideo_status cv_run_steps(cv_run *run, cogvideo_error *err)
{
    const int samples = run->result->count;
    const bool together = run->chain.steps[0]->side_by_side;
    cogvideo_value values[COGVIDEO_MAX_SAMPLES] = { { 0 } };
    cogvideo_status status;

    set_callbacks(run);
    if (together)
        CV_TRY(run_step(run, 0, 0, samples, run->input, values, err));
    CV_TRY(cv_keep_best(run, values, err));
    for (int i = 0; i < run->result->count; i++) {
        if (!together)
            CV_TRY(run_step(run, 0, i, 1, run->input, &values[i], err));
        CV_TRY(finish_clip(run, i, &values[i], err));
        cogvideo_value_free(&values[i]);
    }
done:
    for (int i = 0; i < COGVIDEO_MAX_SAMPLES; i++)
        cogvideo_value_free(&values[i]);
    return status;
}
