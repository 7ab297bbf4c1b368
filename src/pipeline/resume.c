/* resume.c - a run that may be killed and begun again: the journal beside its output, and the records of what is
 * finished. */
#include "base/output.h"
#include "base/path.h"
#include "pipeline/keep.h"
#include "pipeline/record.h"
#include "pipeline/run.h"

#include <cogvideo/version.h>

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define OTHERWISE "give another -o, or use --force to make it anew"

/* --- its beginning -------------------------------------------------------------------------------------------- */

static cogvideo_status open_journal(cv_run *run, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_journal_open(&run->journal, run->result->journal, run->output->resume, run->output->force, err));
    run->replaces = run->output->force || run->journal.settings;
    run->earlier = cv_json_copy(run->journal.settings);
done:
    return status;
}

cogvideo_status cv_resume_open(cv_run *run, cogvideo_error *err)
{
    const cogvideo_result *result = run->result;
    cogvideo_status status;

    CV_TRY(cv_output_check(run->output->output, true, err));
    if (strcmp(run->output->output, "-") == 0)
        return COGVIDEO_OK;
    CV_TRY(open_journal(run, err));
    for (int i = 0; i < result->count && !run->output->resume; i++)
        CV_TRY(cv_files_check(&result->clips[i], run->replaces, run->replaces, err));
    for (int i = 0; i < result->count && run->output->resume && !run->earlier; i++)
        if (access(cogvideo_clip_path(&result->clips[i], "record"), F_OK) == 0)
            CV_TRY(cv_record_read(&run->earlier, &result->clips[i], err));
done:
    return status;
}

/* Whether no step draws by the seed. */
static bool is_greedy(const cogvideo_generate_options *options)
{
    bool greedy = options->step_count > 0;

    for (int i = 0; i < options->step_count; i++)
        greedy = greedy && options->steps[i].sampling.greedy;
    return greedy;
}

cogvideo_status cv_resume_seed(cv_run *run, cogvideo_error *err)
{
    int64_t seed = -1;
    uint32_t drawn;

    if (run->output->random_seed) {
        if (run->earlier && cv_json_int(run->earlier, "seed", 0, COGVIDEO_MAX_SEED, &seed, "", NULL) == COGVIDEO_OK) {
            run->options.seed = (uint64_t)seed;
        } else {
            if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
                return cv_fail(err, COGVIDEO_ERROR_IO, "the system gives no random seed: %s", strerror(errno));
            run->options.seed = drawn;
            if (!is_greedy(&run->options))
                cv_log(&run->model->log, COGVIDEO_LOG_INFO, "seed: %u", (unsigned)drawn);
        }
    }
    run->result->seed = run->options.seed;
    return COGVIDEO_OK;
}

/* --- what is finished ----------------------------------------------------------------------------------------- */

/* Whether the codes are those that the record tells of. */
static cogvideo_status check_codes(const cv_json *record, const cogvideo_clip *clip, cogvideo_error *err)
{
    const char *codes_path = cogvideo_clip_path(clip, "codes"), *record_path = cogvideo_clip_path(clip, "record");
    cv_json *asked = cv_json_new_object();
    cogvideo_tokens codes = { 0 };
    cv_buffer difference = { 0 };
    cogvideo_shape shape;
    cogvideo_status status;
    int64_t sum, rate;

    if (!cv_path_is_regular(codes_path)) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: is not a regular file; " OTHERWISE, codes_path);
        goto done;
    }
    CV_TRY(cogvideo_tokens_load(&codes, codes_path, err));
    CV_TRY(cv_json_int(record, "checksum", 0, UINT32_MAX, &sum, record_path, err));
    CV_TRY(cv_json_int(record, "rate", 0, INT32_MAX, &rate, record_path, err));
    shape = cogvideo_value_shape(&(cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = codes });
    cv_shape_put(asked, &shape);
    CV_TRY(cv_settings_compare(record, asked, &difference, err));
    if (difference.size > 0 || rate != codes.rate || sum != cv_codes_checksum(&codes))
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds other codes than those that %s tells of; " OTHERWISE,
                         codes_path, record_path);
done:
    cv_json_free(&asked);
    cv_buffer_free(&difference);
    cogvideo_tokens_free(&codes);
    return status;
}

/* Whether the result that a record tells of is the one that is asked for. */
static cogvideo_status check_record(const cv_run *run, const cv_json *record, const cogvideo_clip *clip,
                                    cogvideo_error *err)
{
    const char *video = cogvideo_clip_path(clip, "video");
    const cv_settings settings = cv_run_settings(run);
    cv_json *asked = cv_json_new_object();
    cv_buffer difference = { 0 };
    cogvideo_status status;

    if (!cv_json_get(record, "made_by")) {
        status = cv_fail(
            err, COGVIDEO_ERROR_FORMAT,
            "%s: was written by an earlier version and does not say all that its codes follow from, so it may be "
            "another clip; " OTHERWISE,
            cogvideo_clip_path(clip, "record"));
        goto done;
    }
    cv_settings_put(asked, &settings, clip->sample);
    CV_TRY(cv_settings_compare(record, asked, &difference, err));
    if (difference.size > 0)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: was made with other settings, %s; give those or " OTHERWISE,
                         video ? video : cogvideo_clip_path(clip, "codes"), difference.data);
done:
    cv_json_free(&asked);
    cv_buffer_free(&difference);
    return status;
}

/* Whether the result that a fitting record tells of is there: the codes or, of a family that has none, the video
 * itself. */
static cogvideo_status check_result(const cv_run *run, const cv_json *record, const cogvideo_clip *clip, bool *there,
                                    cogvideo_error *err)
{
    const char *codes = cogvideo_clip_path(clip, "codes");
    cv_buffer difference = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    if (!codes) {
        CV_TRY(cv_record_has_video(record, clip, run->output, there, &difference, err));
        *there = *there && cv_video_is_there(clip);
    } else if (access(codes, F_OK) == 0) {
        CV_TRY(check_codes(record, clip, err));
        *there = true;
    }
done:
    cv_buffer_free(&difference);
    return status;
}

/* One clip: *there = whether its result is there, as asked for. An error where something else is. */
static cogvideo_status check_clip(const cv_run *run, const cogvideo_clip *clip, bool *there, cogvideo_error *err)
{
    const char *record_path = cogvideo_clip_path(clip, "record"), *codes = cogvideo_clip_path(clip, "codes");
    cogvideo_status status;
    cv_json *record = NULL;

    *there = false;
    if (access(record_path, F_OK) != 0) {
        if (codes && access(codes, F_OK) == 0)
            return cv_fail(err, COGVIDEO_ERROR_IO,
                           "%s: is there, but not %s, which would say how it was made; " OTHERWISE, codes, record_path);
        return cv_files_check(clip, false, false, err);
    }
    CV_TRY(cv_record_read(&record, clip, err));
    CV_TRY(check_record(run, record, clip, err));
    CV_TRY(check_result(run, record, clip, there, err));
done:
    cv_json_free(&record);
    return status;
}

static cogvideo_status find_finished(cv_run *run, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    int all = 0, records = 0;
    bool there[COGVIDEO_MAX_SAMPLES];

    for (int i = 0; i < run->result->count; i++) {
        CV_TRY(check_clip(run, &run->result->clips[i], &there[i], err));
        all += there[i];
        records += access(cogvideo_clip_path(&run->result->clips[i], "record"), F_OK) == 0;
    }
    run->replaces = records > 0; /* with what is the same */
    if (run->output->keep > 0 && all >= run->output->keep)
        cv_keep_found(run, there);
    run->result->finished = all > 0 && all == run->result->count;
done:
    return status;
}

/* The settings of all clips. */
static cogvideo_status put_settings(cv_run *run, cogvideo_error *err)
{
    const cv_settings settings = cv_run_settings(run);
    const char *told = ""; /* the name may be another: what is drawn is the same */
    cv_json *head = cv_json_new_object();
    cogvideo_status status;
    char build[512];

    cv_json_string(run->journal.settings, "output", &told, "", NULL);
    cogvideo_build_info(build, sizeof build);
    cv_json_set_string(head, "format", "cogvideo-journal");
    cv_json_set_int(head, "journal", 3);
    cv_json_set_string(head, "version", cogvideo_version());
    cv_json_set_string(head, "build", build); /* kernels and compiler round in their own way */
    cv_settings_put(head, &settings, run->options.first_sample);
    cv_json_set_string(head, "output", run->journal.settings ? told : cv_path_name(run->output->output));
    status = cv_journal_settings(&run->journal, head, err);
    cv_json_free(&head);
    return status;
}

/* Whether the video's file is that of the run that was interrupted, or of one that its record tells of. */
static bool is_own_video(const cv_run *run, const cogvideo_clip *clip)
{
    const char *told = NULL;
    cv_json *record = NULL;
    bool own, changed;

    if (run->journal.settings)
        return cv_json_string(run->journal.settings, "output", &told, "", NULL) == COGVIDEO_OK &&
               strcmp(told, cv_path_name(run->output->output)) == 0;
    own =
        cv_record_read(&record, clip, NULL) == COGVIDEO_OK && cv_record_knows_video(record, clip, &changed) && !changed;
    cv_json_free(&record);
    return own;
}

cogvideo_status cv_resume_find(cv_run *run, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (!run->journal.path || !run->output->resume)
        return COGVIDEO_OK;
    if (!run->journal.settings)
        CV_TRY(find_finished(run, err));
    for (int i = 0; i < run->result->count && !run->result->finished; i++) {
        const cogvideo_clip *clip = &run->result->clips[i];

        CV_TRY(cv_files_check(clip, run->replaces, cogvideo_clip_path(clip, "video") && is_own_video(run, clip), err));
    }
done:
    return status;
}

cogvideo_status cv_resume_begin(cv_run *run, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (!run->journal.path)
        return COGVIDEO_OK;
    CV_TRY(put_settings(run, err));
    if (run->journal.count > 0)
        cv_log(&run->model->log, COGVIDEO_LOG_INFO, "going on: %zu parts of the work are done already",
               run->journal.count);
done:
    return status;
}

/* --- its videos ----------------------------------------------------------------------------------------------- */

/* Makes the video of clip `index`, whose codes are there. */
static cogvideo_status make_video(cv_run *run, int index, cv_json *record, cogvideo_error *err)
{
    const cogvideo_clip *clip = &run->result->clips[index];
    cogvideo_value value = { .kind = COGVIDEO_KIND_CODES };
    cogvideo_status status;

    CV_TRY(cogvideo_tokens_load(&value.codes, cogvideo_clip_path(clip, "codes"), err));
    CV_TRY(cv_record_add_video(record, clip, run->output, false, err));
    CV_TRY(cv_run_video(run, index, &value, err));
    CV_TRY(cv_record_add_video(record, clip, run->output, true, err));
done:
    cogvideo_value_free(&value);
    return status;
}

/* The codes are those that are asked for. A video that is missing, or was made of them with other options, is made of
 * them, too. */
static cogvideo_status finish_video(cv_run *run, int index, cogvideo_error *err)
{
    const cogvideo_clip *clip = &run->result->clips[index];
    const char *video = cogvideo_clip_path(clip, "video"), *path = cogvideo_clip_path(clip, "record");
    const bool there = cv_video_is_there(clip), whole = cv_video_is_whole(clip);
    cv_buffer difference = { 0 };
    cv_json *record = NULL;
    cogvideo_status status;
    bool known, same, changed;

    CV_TRY(cv_record_read(&record, clip, err));
    known = cv_record_knows_video(record, clip, &changed);
    CV_TRY(cv_record_has_video(record, clip, run->output, &same, &difference, err));
    if (there && !known)
        status = cv_fail(err, COGVIDEO_ERROR_IO,
                         "%s: is there, but %s does not tell of it; give another -o, or move it away", video, path);
    else if (whole && changed)
        status = cv_fail(err, COGVIDEO_ERROR_IO,
                         "%s: has another size than the one that %s tells of; move it away, or give another -o", video,
                         path);
    else if (whole && same)
        cv_log(&run->model->log, COGVIDEO_LOG_INFO, "%s: is finished", video);
    else {
        if (whole)
            cv_log(&run->model->log, COGVIDEO_LOG_INFO,
                   "%s: was made with other options of the picture, %s: it is made anew from %s", video,
                   difference.data, cogvideo_clip_path(clip, "codes"));
        status = make_video(run, index, record, err);
    }
done:
    cv_buffer_free(&difference);
    cv_json_free(&record);
    return status;
}

/* Files of a finished clip that are gone and that nothing needs any more. */
static void warn_of_missing(const cv_run *run, const cogvideo_clip *clip)
{
    for (int i = 0; i < clip->file_count; i++)
        if (strcmp(clip->files[i].name, "video") != 0 && access(clip->files[i].path, F_OK) != 0)
            cv_log(&run->model->log, COGVIDEO_LOG_WARNING, "%s: is missing; only --force makes it again",
                   clip->files[i].path);
}

cogvideo_status cv_resume_finish(cv_run *run, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (!cogvideo_clip_path(&run->result->clips[0], "video"))
        cv_log(&run->model->log, COGVIDEO_LOG_INFO, "%s: is finished", run->output->output);
    for (int i = 0; cogvideo_clip_path(&run->result->clips[0], "video") && i < run->result->count; i++) {
        warn_of_missing(run, &run->result->clips[i]);
        CV_TRY(finish_video(run, i, err));
    }
done:
    return status;
}

void cv_resume_end(cv_run *run, cogvideo_status status)
{
    run->result->resumable = status != COGVIDEO_OK && (run->journal.written > 0 ||
                                                       (status == COGVIDEO_ERROR_CANCELLED && run->journal.count > 0));
    cv_journal_close(&run->journal, status == COGVIDEO_OK);
    cv_json_free(&run->earlier);
}
