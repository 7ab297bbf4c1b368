/* begin.c - a training that begins with what a model directory has. */
#include "base/path.h"
#include "train/learner.h"

cogvideo_status cv_begin_open(const cv_learner *learner, cv_store **out, const char *file, const char *part,
                              cogvideo_error *err)
{
    const char *folder = learner->options->model;
    cogvideo_status status;
    char *path;

    if (!file)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: has no file of '%s' yet, which is trained first ('cogvideo train %s')", folder, part, part);
    if (!(path = cv_path_join(folder, file, err)))
        return COGVIDEO_ERROR_MEMORY;
    status = cv_store_open(out, path, err);
    cv_free(path);
    return status;
}

cogvideo_status cv_begin_with(const cv_learner *learner, cv_store *to, const char *file, const char *part,
                              cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *from = NULL;

    CV_TRY(cv_begin_open(learner, &from, file, part, err));
    for (size_t t = 0; t < cv_store_count(to); t++) {
        const cv_tensor *tensor = cv_store_at(to, t), *source;

        CV_TRY(cv_store_claim(from, &source, tensor->name, tensor->rank, tensor->shape, err));
        cv_to_f32(cv_tensor_values(tensor), source->data, source->dtype, source->count);
    }
done:
    cv_store_close(&from);
    return status;
}

void cv_learner_close_stores(cv_learner *learner)
{
    for (int s = 0; s < CV_LEARNER_STORES; s++) {
        cv_store_close(&learner->weights[s]);
        cv_store_close(&learner->gradients[s]);
    }
    cv_store_close(&learner->state);
}
