#include "support/damage.h"

#include "tensor/store.h"

#include <fcntl.h>
#include <unistd.h>

static void overwrite(const damage *d, const void *bytes)
{
    int fd = open(d->path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0 && pwrite(fd, bytes, d->width, (off_t)d->at) == (ssize_t)d->width);
    close(fd);
}

/* The tensors' data follow each other at the end of the file. */
damage damage_put(const char *model, const char *file, const char *name, size_t element, float value)
{
    damage d = { .at = 0 };
    cogvideo_error err;
    cv_store *store = NULL;
    const cv_tensor *tensor;
    const char *first = NULL;
    size_t bytes = 0;
    char number[4];

    snprintf(d.path, sizeof d.path, "%s/%s", check_temp_path(model), file);
    CHECK_OK(cv_store_open(&store, d.path, &err), err);
    for (size_t i = 0; i < cv_store_count(store); i++) {
        const cv_tensor *t = cv_store_at(store, i);

        first = !first || (const char *)t->data < first ? t->data : first;
        bytes += t->count * cv_dtype_size(t->dtype);
    }
    tensor = check_tensor(store, name);
    assert_true(cv_dtype_is_real(tensor->dtype) && element < tensor->count);
    d.width = cv_dtype_size(tensor->dtype);
    d.at = cv_store_bytes(store) - bytes + (size_t)((const char *)tensor->data - first) + element * d.width;
    memcpy(d.kept, (const char *)tensor->data + element * d.width, d.width);
    cv_from_f32(number, tensor->dtype, &value, 1);
    cv_store_close(&store);
    overwrite(&d, number);
    return d;
}

void damage_undo(const damage *d)
{
    overwrite(d, d->kept);
}
