#include "pipeline/files.h"

#include "base/json.h"
#include "base/output.h"
#include "base/path.h"
#include "base/pattern.h"
#include "pipeline/record.h"

#include <string.h>
#include <unistd.h>

/* --- names ---------------------------------------------------------------------------------------------------- */

/* "clip.journal" of "clip.jsonl"; of an output that has that name itself "clip.journal.journal". */
static cogvideo_status name_journal(char **out, const char *output, cogvideo_error *err)
{
    char *stem = NULL;
    cv_buffer path = { 0 };
    cogvideo_status status;

    CV_TRY(cv_pattern_stem(&stem, output, err));
    CV_TRY(cv_buffer_printf(&path, err, "%s.journal", cv_path_ends_in(output, ".journal") ? output : stem));
    *out = path.data;
done:
    cv_free(stem);
    return status;
}

const char *cv_codes_name(const cv_chain *chain, int index)
{
    const cv_step *step = chain->steps[index];

    return index == cv_chain_codes_step(chain) ? "codes" : step->file ? step->file : step->name;
}

/* Adds a file whose path is that formatted text. */
static cogvideo_status add(cogvideo_clip *clip, const char *name, cogvideo_error *err, const char *stem,
                           const char *middle, const char *ending)
{
    cv_buffer path = { 0 };
    cogvideo_status status =
        cv_buffer_printf(&path, err, "%s%s%s%s", stem, middle ? "." : "", middle ? middle : "", ending);

    if (status == COGVIDEO_OK)
        clip->files[clip->file_count++] = (cogvideo_clip_file){ name, path.data };
    else
        cv_buffer_free(&path);
    return status;
}

/* The output is the video or, of a run without one, the codes of the last step; all else is named after it. */
static cogvideo_status name_files(cogvideo_clip *clip, const cv_chain *chain, const char *output, const char *stem,
                                  cogvideo_error *err)
{
    const bool video = cv_chain_shape(chain)->kind == COGVIDEO_KIND_PIXELS;
    const int last = cv_chain_codes_step(chain);
    cogvideo_status status = COGVIDEO_OK;

    if (video)
        CV_TRY(add(clip, "video", err, output, NULL, ""));
    for (int i = 0; i < last; i++)
        if (chain->steps[i]->out == COGVIDEO_KIND_CODES)
            CV_TRY(add(clip, cv_codes_name(chain, i), err, stem, cv_codes_name(chain, i), ".jsonl"));
    if (last >= 0)
        CV_TRY(add(clip, "codes", err, video ? stem : output, NULL, video ? ".jsonl" : ""));
    if (strcmp(output, "-") != 0)
        CV_TRY(add(clip, "record", err, !video && cv_path_ends_in(output, ".json") ? output : stem, NULL, ".json"));
done:
    return status;
}

static cogvideo_status name_clip(cogvideo_clip *clip, const cv_chain *chain, const char *output, cogvideo_error *err)
{
    cogvideo_status status;
    char *stem = NULL;

    CV_TRY(cv_pattern_stem(&stem, output, err));
    CV_TRY(name_files(clip, chain, output, stem, err));
done:
    cv_free(stem);
    return status;
}

cogvideo_status cv_files_name(cogvideo_result *out, const cv_chain *chain, const cogvideo_generate_options *options,
                              const char *output, cogvideo_error *err)
{
    const int samples = options->samples;
    const int last = cv_chain_codes_step(chain);
    cogvideo_status status = COGVIDEO_OK;

    if (strcmp(output, "-") != 0)
        CV_TRY(name_journal(&out->journal, output, err));
    CV_NEW(out->clips, samples, err);
    for (; out->count < samples; out->count++) {
        cogvideo_clip *clip = &out->clips[out->count];
        char *own = NULL;

        *clip = (cogvideo_clip){ .sample = options->first_sample + out->count,
                                 .shape = last < 0 ? *cv_chain_shape(chain) : chain->plans[last].out };
        if (samples > 1 && cv_pattern_expand(&own, output, clip->sample, NULL) != COGVIDEO_OK)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "%d samples need a number in the output's name: put %%d before the ending of '%s'", samples,
                           output);
        status = name_clip(clip, chain, own ? own : output, err);
        cv_free(own);
        if (status != COGVIDEO_OK) {
            out->count++;
            goto done;
        }
    }
done:
    return status;
}

const char *cogvideo_clip_path(const cogvideo_clip *clip, const char *name)
{
    for (int i = 0; i < clip->file_count; i++)
        if (strcmp(clip->files[i].name, name) == 0)
            return clip->files[i].path;
    return NULL;
}

void cv_result_shrink(cogvideo_result *result, int count)
{
    for (; result->count > count; result->count--) {
        const cogvideo_clip *clip = &result->clips[result->count - 1];

        for (int f = 0; f < clip->file_count; f++)
            cv_free(clip->files[f].path);
    }
}

void cogvideo_result_free(cogvideo_result *result)
{
    cv_result_shrink(result, 0);
    cv_free(result->clips);
    cv_free(result->journal);
    *result = (cogvideo_result){ 0 };
}

/* --- what may be written -------------------------------------------------------------------------------------- */

/* Whether the record tells of these codes, which are gone, so that new ones may take its place: it is of use beside
 * them alone. */
static bool is_left_over(const cogvideo_clip *clip)
{
    const char *path = cogvideo_clip_path(clip, "record"), *codes = cogvideo_clip_path(clip, "codes"), *told = NULL;
    cv_json *record = NULL;
    bool left_over;

    if (!path || cogvideo_clip_path(clip, "video") || !codes || access(codes, F_OK) == 0)
        return false;
    left_over = cv_record_read(&record, clip, NULL) == COGVIDEO_OK && cv_json_get(record, "made_by") &&
                cv_json_string(cv_json_get(record, "files"), "codes", &told, "", NULL) == COGVIDEO_OK &&
                strcmp(cv_path_name(told), cv_path_name(codes)) == 0;
    cv_json_free(&record);
    return left_over;
}

cogvideo_status cv_files_check(const cogvideo_clip *clip, bool force, bool force_video, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < clip->file_count && status == COGVIDEO_OK; i++) {
        const cogvideo_clip_file *file = &clip->files[i];

        if (strcmp(file->name, "video") == 0)
            status = cogvideo_video_check_new(file->path, force_video, err);
        else if (strcmp(file->name, "record") != 0 || !is_left_over(clip))
            status = cv_output_check(file->path, force, err);
    }
    return status;
}

uint64_t cv_video_bytes(const cogvideo_clip *clip)
{
    const char *video = cogvideo_clip_path(clip, "video");
    uint64_t bytes;

    if (!cv_pattern_is(video))
        return cv_path_bytes(video);
    cv_pattern_files(video, &bytes);
    return bytes;
}

bool cv_video_is_there(const cogvideo_clip *clip)
{
    const char *video = cogvideo_clip_path(clip, "video");
    uint64_t bytes;

    return cv_pattern_is(video) ? cv_pattern_files(video, &bytes) > 0 : access(video, F_OK) == 0;
}

bool cv_video_is_whole(const cogvideo_clip *clip)
{
    const char *video = cogvideo_clip_path(clip, "video");
    uint64_t bytes;

    return cv_pattern_is(video) ? cv_pattern_files(video, &bytes) == (size_t)clip->shape.frames
                                : access(video, F_OK) == 0;
}
