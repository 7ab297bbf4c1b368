#include "pipeline/record.h"

#include "base/path.h"
#include "pipeline/files.h"

#include <cogvideo/version.h>

#include <string.h>

#define MAX_RECORD ((size_t)1 << 26)

/* What a video's pixels and metadata follow from, beside the codes. */
static void put_picture(cv_json *video, const cogvideo_run_options *run)
{
    cv_json_set_int(video, "size", run->decode.size);
    cv_json_set_double(video, "fps", run->write.fps > 0 ? run->write.fps : run->decode.fps);
    cv_json_set_string(video, "normalize", run->decode.normalize == COGVIDEO_NORMALIZE_MINMAX ? "minmax" : "clamp");
    cv_json_set_int(video, "quality", run->write.quality);
    cv_json_set_int(video, "columns", run->write.columns);
    cv_json_set_bool(video, "metadata", !run->no_metadata);
    if (run->decode.keep_outside)
        cv_json_set_bool(video, "keep_outside", true);
    else
        cv_json_set_null(video, "keep_outside"); /* as in records of earlier versions */
}

/* A video is known by its name alone: it stands beside its record wherever both are. */
static const char *video_name(const cogvideo_clip *clip)
{
    const char *path = cogvideo_clip_path(clip, "video");

    return path ? cv_path_name(path) : NULL;
}

/* With its size, by which a file that another hand has put there is told from it. */
static void put_video(cv_json *videos, const cogvideo_clip *clip, const cogvideo_run_options *run)
{
    cv_json *video = cv_json_set_object(videos, video_name(clip));

    put_picture(video, run);
    cv_json_set_int(video, "bytes", (int64_t)cv_video_bytes(clip));
}

cogvideo_status cv_record_save(const cogvideo_clip *clip, const cv_settings *settings, const cogvideo_run_options *run,
                               const cogvideo_tokens *codes, cogvideo_error *err)
{
    cv_json *record = cv_json_new_object(), *header = NULL, *list;
    char build[512];
    cogvideo_status status;

    cogvideo_build_info(build, sizeof build);
    cv_json_set_string(record, "program", "cogvideo");
    cv_json_set_string(record, "version", cogvideo_version());
    cv_json_set_string(record, "build", build);
    cv_settings_put(record, settings, clip->sample);
    cv_json_set_bool(record, "cut_text", settings->options->cut_text);
    cv_shape_put(record, &clip->shape);
    if (codes) {
        cv_json_set_int(record, "rate", codes->rate);
        cv_json_set_int(record, "checksum", cv_codes_checksum(codes));
    }
    if (run->keep > 0)
        cv_json_set_double(record, "score", clip->score);
    list = cv_json_set_object(record, "files");
    for (int i = 0; i < clip->file_count; i++)
        cv_json_set_string(list, clip->files[i].name, clip->files[i].path);
    if (video_name(clip))
        put_video(cv_json_set_object(record, "videos"), clip, run);
    if (codes && codes->header)
        CV_TRY(cv_json_parse(&header, codes->header, strlen(codes->header), "the clip's header", err));
    if (header)
        cv_json_set_copy(record, "clip", header);
    list = cv_json_set_array(record, "command");
    for (int i = 0; i < run->command_count; i++)
        cv_json_add_string(list, run->command[i]);
    CV_TRY(cv_json_write(record, false, cogvideo_clip_path(clip, "record"), err));
done:
    cv_json_free(&header);
    cv_json_free(&record);
    return status;
}

cogvideo_status cv_record_read(cv_json **out, const cogvideo_clip *clip, cogvideo_error *err)
{
    return cv_json_read(out, cogvideo_clip_path(clip, "record"), MAX_RECORD, err);
}

/* --- its videos ----------------------------------------------------------------------------------------------- */

cogvideo_status cv_record_has_video(const cv_json *record, const cogvideo_clip *clip, const cogvideo_run_options *run,
                                    bool *same, cv_buffer *difference, cogvideo_error *err)
{
    const cv_json *made = cv_json_get(cv_json_get(record, "videos"), video_name(clip));
    cogvideo_status status = COGVIDEO_OK;
    cv_json *asked;

    *same = false;
    if (!made)
        return COGVIDEO_OK;
    asked = cv_json_new_object();
    put_picture(asked, run);
    CV_TRY(cv_settings_compare(made, asked, difference, err));
    *same = difference->size == 0;
done:
    cv_json_free(&asked);
    return status;
}

bool cv_record_knows_video(const cv_json *record, const cogvideo_clip *clip, bool *changed)
{
    const cv_json *made = cv_json_get(cv_json_get(record, "videos"), video_name(clip));
    int64_t bytes;

    *changed = made && cv_json_int(made, "bytes", 0, INT64_MAX, &bytes, "", NULL) == COGVIDEO_OK &&
               (uint64_t)bytes != cv_video_bytes(clip);
    return made;
}

cogvideo_status cv_record_add_video(cv_json *record, const cogvideo_clip *clip, const cogvideo_run_options *run,
                                    bool made, cogvideo_error *err)
{
    cv_json *videos = cv_json_get(record, "videos");

    if (!videos)
        videos = cv_json_set_object(record, "videos");
    if (made)
        put_video(videos, clip, run);
    else
        cv_json_set_object(videos, video_name(clip));
    return cv_json_write(record, false, cogvideo_clip_path(clip, "record"), err);
}
