#include "dataset/dataset.h"

#include "base/json.h"
#include "base/map.h"
#include "base/path.h"

#include <string.h>

#define MAX_LINE 65536

typedef struct entry {
    int frames;
    size_t at; /* of its first byte in frames.rgb */
    char *caption, *source;
    int32_t *labels;
    int label_count;
} entry;

struct cogvideo_dataset {
    cogvideo_dataset_info info;
    cv_mapping frames;
    entry *entries;
};

static cogvideo_status read_about(cogvideo_dataset_info *out, const char *path, cogvideo_error *err)
{
    int64_t size, clips, frames, context = 0, poses = 0;
    cv_json *json = NULL;
    cogvideo_status status;

    CV_TRY(cv_json_read(&json, path, 1 << 20, err));
    CV_TRY(cv_json_format(json, "cogvideo-dataset", 1, path, err));
    CV_TRY(cv_json_int(json, "size", CV_DATASET_MIN_SIZE, CV_DATASET_MAX_SIZE, &size, path, err));
    CV_TRY(cv_json_double(json, "fps", 0.01, 1000, &out->fps, path, err));
    CV_TRY(cv_json_int(json, "clips", 1, CV_DATASET_MAX_CLIPS, &clips, path, err));
    CV_TRY(cv_json_int(json, "frames", 1, (int64_t)1 << 40, &frames, path, err));
    CV_TRY(cv_json_optional_int(json, "context", 0, CV_DATASET_MAX_FRAMES - 1, &context, path, err));
    CV_TRY(cv_json_optional_int(json, "poses", 0, 1, &poses, path, err));
    out->context = (int)context;
    out->poses = (int)poses;
    out->size = (int)size;
    out->clips = (int)clips;
    out->frames = frames;
done:
    cv_json_free(&json);
    return status;
}

#define MOST_CLASSES 65536

/* "labels", if there are any. */
static cogvideo_status read_labels(entry *out, const cv_json *json, const char *where, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    size_t count = 0;
    cv_json *labels;

    if (!cv_json_get(json, "labels"))
        return COGVIDEO_OK;
    CV_TRY(cv_json_array(json, "labels", &labels, where, err));
    if (cv_json_count(labels) < 1 || cv_json_count(labels) > COGVIDEO_DATASET_LABELS)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %zu labels, 1 to %d were expected", where,
                       cv_json_count(labels), COGVIDEO_DATASET_LABELS);
    CV_TRY(cv_json_int_array(labels, 0, MOST_CLASSES - 1, &out->labels, &count, where, err));
    out->label_count = (int)count;
done:
    return status;
}

/* One line of clips.jsonl, a clip of more than `context` frames; `where` names it in errors. */
static cogvideo_status read_entry(entry *out, const char *line, size_t size, int context, const char *where,
                                  cogvideo_error *err)
{
    const char *caption = NULL, *source = "";
    int64_t frames = 0;
    cv_json *json = NULL;
    cogvideo_status status;

    if (size > MAX_LINE)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %zu bytes, at most %d were expected", where, size,
                       MAX_LINE);
    CV_TRY(cv_json_parse(&json, line, size, where, err));
    CV_TRY(cv_json_int(json, "frames", context + 1, CV_DATASET_MAX_FRAMES, &frames, where, err));
    CV_TRY(cv_json_string(json, "caption", &caption, where, err));
    CV_TRY(cv_json_optional_string(json, "source", &source, where, err));
    if (strlen(caption) > CV_DATASET_MAX_CAPTION) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its caption has more than %d bytes", where,
                         CV_DATASET_MAX_CAPTION);
        goto done;
    }
    out->frames = (int)frames;
    CV_TRY(read_labels(out, json, where, err));
    if (!(out->caption = cv_strdup(caption, err)) || !(out->source = cv_strdup(source, err)))
        status = COGVIDEO_ERROR_MEMORY;
done:
    cv_json_free(&json);
    return status;
}

static cogvideo_status read_entries(cogvideo_dataset *d, const char *path, cogvideo_error *err)
{
    const size_t frame_bytes = (size_t)d->info.size * (size_t)d->info.size * 3;
    cv_mapping file = { 0 };
    cv_buffer where = { 0 };
    size_t at = 0, bytes = 0;
    long long frames = 0;
    cogvideo_status status;

    CV_TRY(cv_map_open(&file, path, err));
    /* A line has ten bytes and more, so a file that is too small for its clips is known before memory is taken. */
    if (file.size / 10 < (size_t)d->info.clips) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has no room for the %d clips that dataset.json names", path,
                         d->info.clips);
        goto done;
    }
    CV_NEW(d->entries, d->info.clips, err);
    for (int i = 0; i < d->info.clips; i++) {
        const char *line = (const char *)file.data + at, *end = memchr(line, '\n', file.size - at);
        size_t size = end ? (size_t)(end - line) : file.size - at;

        where.size = 0;
        CV_TRY(cv_buffer_printf(&where, err, "%s: line %d", path, i + 1));
        CV_TRY(read_entry(&d->entries[i], line, size, d->info.context, where.data, err));
        d->entries[i].at = bytes;
        frames += d->entries[i].frames;
        bytes += (size_t)d->entries[i].frames * frame_bytes;
        at += size + (end != NULL);
    }
    if (at != file.size || frames != d->info.frames || bytes != d->frames.size)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: its clips have %lld frames (%zu bytes), dataset.json says %lld and frames.rgb has %zu "
                         "bytes",
                         path, frames, bytes, d->info.frames, d->frames.size);
done:
    cv_buffer_free(&where);
    cv_map_close(&file);
    return status;
}

cogvideo_status cogvideo_dataset_open(cogvideo_dataset **out, const char *folder, cogvideo_error *err)
{
    static const char *const names[3] = { "dataset.json", "frames.rgb", "clips.jsonl" };
    char *paths[3] = { NULL, NULL, NULL };
    cogvideo_dataset *d = NULL;
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < 3; i++)
        if (!(paths[i] = cv_path_join(folder, names[i], err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
    CV_NEW(d, 1, err);
    CV_TRY(read_about(&d->info, paths[0], err));
    CV_TRY(cv_map_open(&d->frames, paths[1], err));
    CV_TRY(read_entries(d, paths[2], err));
    d->info.bytes = d->frames.size;
    *out = d;
    d = NULL;
done:
    for (int i = 0; i < 3; i++)
        cv_free(paths[i]);
    cogvideo_dataset_close(&d);
    return status;
}

void cogvideo_dataset_close(cogvideo_dataset **dataset)
{
    cogvideo_dataset *d = *dataset;

    if (d) {
        for (int i = 0; d->entries && i < d->info.clips; i++) {
            cv_free(d->entries[i].caption);
            cv_free(d->entries[i].source);
            cv_free(d->entries[i].labels);
        }
        cv_free(d->entries);
        cv_map_close(&d->frames);
    }
    cv_free(d);
    *dataset = NULL;
}

void cogvideo_dataset_get_info(const cogvideo_dataset *dataset, cogvideo_dataset_info *out)
{
    *out = dataset->info;
}

cogvideo_status cogvideo_dataset_get_clip(const cogvideo_dataset *dataset, int index, cogvideo_dataset_clip *out,
                                          cogvideo_error *err)
{
    const entry *e;

    if (index < 0 || index >= dataset->info.clips)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the dataset has %d clips, counted from 0; there is no clip %d",
                       dataset->info.clips, index);
    e = &dataset->entries[index];
    *out = (cogvideo_dataset_clip){ .frames = e->frames,
                                    .caption = e->caption,
                                    .source = e->source,
                                    .pixels = dataset->frames.data + e->at,
                                    .labels = e->labels,
                                    .label_count = e->label_count };
    return COGVIDEO_OK;
}
