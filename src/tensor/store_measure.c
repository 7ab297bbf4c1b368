#include "tensor/store.h"

cogvideo_status cv_store_measure(const cv_store *store, const char *name, int rank, int at, int most, int *out,
                                 cogvideo_error *err)
{
    const cv_tensor *tensor = cv_store_find(store, name);
    char shape[160];

    if (!tensor)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' is missing, which tells a size of the network",
                       cv_store_path(store), name);
    if (tensor->rank == rank && tensor->shape[at] >= 1 && tensor->shape[at] <= (size_t)most) {
        *out = (int)tensor->shape[at];
        return COGVIDEO_OK;
    }
    cv_shape_text(shape, sizeof shape, tensor->rank, tensor->shape);
    return cv_fail(err, COGVIDEO_ERROR_MODEL,
                   "%s: tensor '%s' has shape %s; one of %d dimensions, of which number %d is 1 to %d, was expected",
                   cv_store_path(store), name, shape, rank, at, most);
}
