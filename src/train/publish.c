/* publish.c - a trained part becomes a file of the model directory. */
#include "base/lock.h"
#include "base/path.h"
#include "tensor/store_write.h"
#include "train/learner.h"

#include <math.h>
#include <string.h>

#define CHUNK 65536
#define MAX_DESCRIPTION (1u << 20)

static cogvideo_status write_tensor(cv_store_writer *writer, const cv_tensor *tensor, cv_dtype dtype, void *bytes,
                                    cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (size_t first = 0; first < tensor->count && status == COGVIDEO_OK; first += CHUNK) {
        size_t count = tensor->count - first < CHUNK ? tensor->count - first : CHUNK;
        const float *values = (const float *)tensor->data + first;

        for (size_t i = 0; i < count; i++)
            if (!isfinite(values[i]))
                return cv_fail(err, COGVIDEO_ERROR_MODEL,
                               "%s holds what is no number, so it is not written into the model: lower the "
                               "learning rate and begin from an earlier checkpoint",
                               tensor->name);
        if (!cv_dtype_holds(dtype, values, count))
            return cv_fail(err, COGVIDEO_ERROR_MODEL,
                           "%s has grown too large for %s, as where a training diverges: lower the learning rate "
                           "(or store the part with 'dtype' f32)",
                           tensor->name, cv_dtype_name(dtype));
        cv_from_f32(bytes, dtype, values, count);
        status = cv_store_writer_data(writer, bytes, count * cv_dtype_size(dtype), err);
    }
    return status;
}

cogvideo_status cv_publish_store(const cv_learner *learner, const cv_store *store, const char *file,
                                 cogvideo_error *err)
{
    cogvideo_status status;
    cv_store_writer *writer = NULL;
    char *path = cv_path_join(learner->options->model, file, err), *bytes = NULL;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    CV_NEW(bytes, CHUNK * sizeof(float), err);
    CV_TRY(cv_store_writer_create(&writer, path, err));
    for (size_t t = 0; t < cv_store_count(store); t++) {
        const cv_tensor *tensor = cv_store_at(store, t);

        CV_TRY(cv_store_writer_declare(writer, tensor->name, learner->recipe->dtype, tensor->rank, tensor->shape, err));
    }
    for (size_t t = 0; t < cv_store_count(store); t++)
        CV_TRY(write_tensor(writer, cv_store_at(store, t), learner->recipe->dtype, bytes, err));
    CV_TRY(cv_store_writer_commit(&writer, err));
done:
    cv_store_writer_abandon(&writer);
    cv_free(bytes);
    cv_free(path);
    return status;
}

/* Sets or, where `section` is NULL, takes out a part of the description. */
static cogvideo_status edit_parts(const cv_learner *learner, const char *part, const cv_json *section,
                                  cogvideo_error *err)
{
    cogvideo_status status;
    char *path = cv_path_join(learner->options->model, "model.json", err);
    cv_json *json = NULL, *parts;
    int lock = -1;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_folder_lock(&lock, learner->options->model, true, err)); /* two parts may be trained at once */
    CV_TRY(cv_json_read(&json, path, MAX_DESCRIPTION, err));
    CV_TRY(cv_json_object(json, "parts", &parts, path, err));
    if (section)
        cv_json_set_copy(parts, part, section);
    else
        cv_json_remove(parts, part);
    CV_TRY(cv_json_write(json, true, path, err));
done:
    cv_folder_unlock(&lock);
    cv_json_free(&json);
    cv_free(path);
    return status;
}

cogvideo_status cv_publish_section(const cv_learner *learner, const char *part, const cv_json *section,
                                   cogvideo_error *err)
{
    if (!section)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory: the model's description cannot be changed");
    return edit_parts(learner, part, section, err);
}

cogvideo_status cv_publish_part(const cv_learner *learner, const char *part, const char *const *keys,
                                const char *const *files, cogvideo_error *err)
{
    cv_json *section;
    cogvideo_status status;

    if (!keys)
        return edit_parts(learner, part, NULL, err);
    section = cv_json_new_object();
    for (int i = 0; keys[i]; i++)
        cv_json_set_string(section, keys[i], files[i]);
    status = cv_publish_section(learner, part, section, err);
    cv_json_free(&section);
    return status;
}

cogvideo_status cv_publish_file(const cv_learner *learner, const cv_store *store, const char *part, const char *file,
                                cogvideo_error *err)
{
    const char *const keys[] = { "file", NULL }, *const files[] = { file, NULL };
    cogvideo_status status;

    CV_TRY(cv_publish_store(learner, store, file, err));
    CV_TRY(cv_publish_part(learner, part, keys, files, err));
done:
    return status;
}
