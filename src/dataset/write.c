#include "dataset/dataset.h"

#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/output.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct cv_dataset_writer {
    char *about_path; /* dataset.json */
    char *made;       /* the folder, where it was not there before: it goes again with what is abandoned */
    int lock;         /* of the folder, so that two runs do not write the same files; or below 0 */
    cv_output frames, clips, about;
    cogvideo_dataset_info info; /* clips and frames are those written so far */
};

static void writer_free(cv_dataset_writer **writer)
{
    cv_output_abandon(&(*writer)->frames);
    cv_output_abandon(&(*writer)->clips);
    cv_output_abandon(&(*writer)->about);
    if ((*writer)->made)
        rmdir((*writer)->made); /* fails, as it should, where files are in it */
    cv_folder_unlock(&(*writer)->lock);
    cv_free((*writer)->made);
    cv_free((*writer)->about_path);
    cv_free(*writer);
    *writer = NULL;
}

static cogvideo_status open_file(cv_output *out, const char *folder, const char *name, cogvideo_error *err)
{
    char *path = cv_path_join(folder, name, err);
    cogvideo_status status;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    status = cv_output_open(out, path, err);
    cv_free(path);
    return status;
}

cogvideo_status cv_dataset_writer_open(cv_dataset_writer **out, const char *folder, const cogvideo_dataset_info *about,
                                       bool force, cogvideo_error *err)
{
    cv_dataset_writer *writer = NULL;
    cogvideo_status status = COGVIDEO_OK;

    if (about->size < CV_DATASET_MIN_SIZE || about->size > CV_DATASET_MAX_SIZE ||
        !(about->fps >= 0.01 && about->fps <= 1000))
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "a dataset has frames of %d to %d pixels and 0.01 to 1000 of them a second; %d and %g were asked "
            "for",
            CV_DATASET_MIN_SIZE, CV_DATASET_MAX_SIZE, about->size, about->fps);
    if (strcmp(folder, "-") == 0)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "a dataset is a folder of three files and cannot go to standard output; for a folder of that name "
            "write './-'");
    CV_NEW(writer, 1, err);
    writer->lock = -1;
    writer->info = (cogvideo_dataset_info){ .size = about->size,
                                            .fps = about->fps,
                                            .context = about->context,
                                            .poses = about->poses };
    if (!(writer->about_path = cv_path_join(folder, "dataset.json", err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    if (!cv_path_is_dir(folder)) {
        if (mkdir(folder, 0777) != 0) {
            status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder cannot be made: %s", folder, strerror(errno));
            goto done;
        }
        if (!(writer->made = cv_strdup(folder, err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
    }
    CV_TRY(cv_folder_lock(&writer->lock, folder, false, err));
    if (!force && cv_path_exists(writer->about_path)) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "%s: holds a dataset already; choose another folder, or use --force to replace it", folder);
        goto done;
    }
    CV_TRY(cv_output_check(writer->about_path, true, err)); /* which is opened after all the work */
    CV_TRY(open_file(&writer->frames, folder, "frames.rgb", err));
    CV_TRY(open_file(&writer->clips, folder, "clips.jsonl", err));
    *out = writer;
    return COGVIDEO_OK;
done:
    if (writer)
        writer_free(&writer);
    return status;
}

cogvideo_status cv_dataset_writer_clip(cv_dataset_writer *writer, const cogvideo_dataset_clip *clip,
                                       cogvideo_error *err)
{
    const int frames = clip->frames;
    const size_t bytes = (size_t)frames * (size_t)writer->info.size * (size_t)writer->info.size * 3;
    cv_json *json = cv_json_new_object();
    cogvideo_status status = COGVIDEO_OK;

    if (frames < 1 + writer->info.context || frames > CV_DATASET_MAX_FRAMES ||
        writer->info.clips >= CV_DATASET_MAX_CLIPS || strlen(clip->caption) > CV_DATASET_MAX_CAPTION ||
        clip->label_count > COGVIDEO_DATASET_LABELS) {
        status = cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "%s: this dataset has up to %d clips of %d to %d frames with captions of up to %d bytes and %d labels",
            clip->source, CV_DATASET_MAX_CLIPS, 1 + writer->info.context, CV_DATASET_MAX_FRAMES, CV_DATASET_MAX_CAPTION,
            COGVIDEO_DATASET_LABELS);
        goto done;
    }
    cv_json_set_int(json, "frames", frames);
    cv_json_set_string(json, "caption", clip->caption);
    cv_json_set_string(json, "source", clip->source);
    if (clip->label_count > 0)
        cv_json_set_ints(json, "labels", clip->labels, (size_t)clip->label_count);
    CV_TRY(cv_json_put(json, false, &writer->clips, err));
    CV_TRY(cv_output_write(&writer->frames, clip->pixels, bytes, err));
    writer->info.clips++;
    writer->info.frames += frames;
done:
    cv_json_free(&json);
    return status;
}

static cogvideo_status write_about(cv_dataset_writer *writer, cogvideo_error *err)
{
    cv_json *json = cv_json_new_object();
    cogvideo_status status;

    cv_json_set_string(json, "format", "cogvideo-dataset");
    cv_json_set_int(json, "version", 1);
    cv_json_set_int(json, "size", writer->info.size);
    cv_json_set_double(json, "fps", writer->info.fps);
    cv_json_set_int(json, "clips", writer->info.clips);
    cv_json_set_int(json, "frames", writer->info.frames);
    if (writer->info.context > 0)
        cv_json_set_int(json, "context", writer->info.context);
    if (writer->info.poses)
        cv_json_set_int(json, "poses", 1);
    CV_TRY(cv_output_open(&writer->about, writer->about_path, err));
    CV_TRY(cv_json_put(json, true, &writer->about, err));
done:
    cv_json_free(&json);
    return status;
}

cogvideo_status cv_dataset_writer_commit(cv_dataset_writer **out, cogvideo_error *err)
{
    cv_dataset_writer *writer = *out;
    cogvideo_status status;

    if (writer->info.clips == 0) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: is not made, since no clip came together for it",
                         writer->about_path);
        goto done;
    }
    CV_TRY(write_about(writer, err));
    CV_TRY(cv_output_sync(&writer->frames, err));
    CV_TRY(cv_output_sync(&writer->clips, err));
    CV_TRY(cv_output_sync(&writer->about, err));
    CV_TRY(cv_file_remove(writer->about_path, err)); /* of an older dataset, whose frames go now */
    CV_TRY(cv_output_commit(&writer->frames, err));
    CV_TRY(cv_output_commit(&writer->clips, err));
    CV_TRY(cv_output_commit(&writer->about, err));
    cv_free(writer->made); /* stays */
    writer->made = NULL;
done:
    writer_free(out);
    return status;
}

void cv_dataset_writer_abandon(cv_dataset_writer **writer)
{
    if (*writer)
        writer_free(writer);
}

cogvideo_status cv_dataset_progress(const cogvideo_dataset_callbacks *callbacks, const char *unit, long long done,
                                    long long total, cogvideo_error *err)
{
    const cogvideo_progress progress = { .what = "dataset", .unit = unit, .done = done, .total = total };

    if (callbacks && callbacks->progress && callbacks->progress(callbacks->user, &progress))
        return cv_cancelled(err);
    return COGVIDEO_OK;
}
