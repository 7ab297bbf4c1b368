#include "train/checkpoint.h"

#include "tensor/store_write.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void full_name(char out[256], const cv_checkpoint_store *store, const cv_tensor *tensor)
{
    snprintf(out, 256, "%s%s/%s", store->prefix, store->name, tensor->name);
}

cogvideo_status cv_checkpoint_save(const char *path, const cv_checkpoint_head *head, const cv_checkpoint_store *stores,
                                   int count, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store_writer *writer = NULL;
    char name[256];

    CV_TRY(cv_store_writer_create(&writer, path, err));
    CV_TRY(cv_store_writer_metadata(writer, "format", "cogvideo-checkpoint", err));
    CV_TRY(cv_store_writer_metadata(writer, "part", head->part, err));
    snprintf(name, sizeof name, "%d", head->steps);
    CV_TRY(cv_store_writer_metadata(writer, "steps", name, err));
    CV_TRY(cv_store_writer_metadata(writer, "recipe", head->recipe, err));
    CV_TRY(cv_store_writer_metadata(writer, "stands_on", head->stands_on, err));
    for (int s = 0; s < count; s++)
        for (size_t t = 0; t < cv_store_count(stores[s].store); t++) {
            const cv_tensor *tensor = cv_store_at(stores[s].store, t);

            full_name(name, &stores[s], tensor);
            CV_TRY(cv_store_writer_declare(writer, name, CV_F32, tensor->rank, tensor->shape, err));
        }
    for (int s = 0; s < count; s++)
        for (size_t t = 0; t < cv_store_count(stores[s].store); t++) {
            const cv_tensor *tensor = cv_store_at(stores[s].store, t);

            CV_TRY(cv_store_writer_data(writer, tensor->data, tensor->count * sizeof(float), err));
        }
    CV_TRY(cv_store_writer_commit(&writer, err));
done:
    cv_store_writer_abandon(&writer);
    return status;
}

static cogvideo_status read_head(const cv_store *file, cv_checkpoint_head *head, cogvideo_error *err)
{
    const char *format = cv_store_metadata(file, "format"), *of = cv_store_metadata(file, "part");
    const char *done = cv_store_metadata(file, "steps"), *recipe = cv_store_metadata(file, "recipe");
    char *end;
    const char *stands_on = cv_store_metadata(file, "stands_on");
    long number;

    if (!format || strcmp(format, "cogvideo-checkpoint") != 0 || !of || !done)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is no checkpoint of a training", cv_store_path(file));
    if (strcmp(of, head->part) != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: is a checkpoint of '%.40s', not of '%s'", cv_store_path(file),
                       of, head->part);
    number = strtol(done, &end, 10);
    if (*end || end == done || number < 0 || number > INT_MAX)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: says that '%.40s' steps were done", cv_store_path(file), done);
    head->steps = (int)number;
    snprintf(head->recipe, sizeof head->recipe, "%s", recipe ? recipe : "");
    snprintf(head->stands_on, sizeof head->stands_on, "%s", stands_on ? stands_on : "");
    return COGVIDEO_OK;
}

cogvideo_status cv_checkpoint_load(const char *path, cv_checkpoint_head *head, const cv_checkpoint_store *stores,
                                   int count, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *file = NULL;
    const cv_tensor *saved;
    char name[256];

    CV_TRY(cv_store_open(&file, path, err));
    CV_TRY(read_head(file, head, err));
    for (int pass = 0; pass < 2; pass++) { /* everything is checked before anything is replaced */
        for (int s = 0; s < count; s++)
            for (size_t t = 0; t < cv_store_count(stores[s].store); t++) {
                const cv_tensor *tensor = cv_store_at(stores[s].store, t);

                full_name(name, &stores[s], tensor);
                CV_TRY(cv_store_claim(file, &saved, name, tensor->rank, tensor->shape, err));
                if (pass == 1)
                    cv_to_f32(cv_tensor_values(tensor), saved->data, saved->dtype, saved->count);
            }
        CV_TRY(cv_store_check_claimed(file, err));
    }
done:
    cv_store_close(&file);
    return status;
}
