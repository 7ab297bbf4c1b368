#include "import/expected.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LISTED 500 /* bytes of a warning's list */

void cv_names_free(cv_names *names)
{
    cv_free(names->items);
    *names = (cv_names){ 0 };
}

static cogvideo_status match_one(cv_expected *item, const cv_torch *torch, cogvideo_error *err)
{
    char expected[160], found[160];
    cogvideo_status status;

    item->tensor = cv_torch_find(torch, item->name);
    cv_shape_text(expected, sizeof expected, item->rank, item->shape);
    if (item->home == CV_HOME_SKIP)
        return COGVIDEO_OK;
    if (!item->tensor)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' %s is missing", cv_torch_path(torch), item->name,
                       expected);
    CV_TRY(cv_torch_readable(torch, item->tensor, err));
    cv_shape_text(found, sizeof found, item->tensor->rank, item->tensor->shape);
    if (strcmp(expected, found) != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has shape %s; %s was expected", cv_torch_path(torch),
                       item->name, found, expected);
    if (!cv_dtype_is_real(item->tensor->dtype))
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has type %s; weights are F32, F16 or BF16",
                       cv_torch_path(torch), item->name, cv_dtype_name(item->tensor->dtype));
done:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether a tensor is a weight of a network, by its type and by PyTorch's names for weights: "x.weight", "x.bias",
 * "x.0" in a list. Other names belong to buffers: masks, counters, positions. */
static bool is_weight(const cv_source_tensor *tensor)
{
    const char *dot = strrchr(tensor->name, '.'), *last = dot ? dot + 1 : tensor->name;

    if (tensor->flaw || !(cv_dtype_is_real(tensor->dtype) || tensor->dtype == CV_F64))
        return false;
    return strcmp(last, "weight") == 0 || strcmp(last, "bias") == 0 || (*last && !last[strspn(last, "0123456789")]);
}

/* Adds one more skipped tensor to a list, which stays short. */
static cogvideo_status note_extra(cv_buffer *list, const cv_source_tensor *tensor, cogvideo_error *err)
{
    const char *comma = list->size ? ", " : "";
    char shape[160];

    if (list->size > MAX_LISTED)
        return COGVIDEO_OK;
    if (tensor->flaw)
        return cv_buffer_printf(list, err, "%s'%.200s' (%s)", comma, tensor->name, tensor->flaw);
    cv_shape_text(shape, sizeof shape, tensor->rank, tensor->shape);
    return cv_buffer_printf(list, err, "%s'%.200s' (%s %s)", comma, tensor->name, cv_dtype_name(tensor->dtype), shape);
}

/* Checks what the checkpoint holds besides the `sorted` names: another weight is an error, since it belongs to
 * another network; all else is logged. */
static cogvideo_status check_extra(const char *const *sorted, size_t count, const cv_torch *torch,
                                   const cogvideo_log *log, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_buffer list = { 0 };
    size_t extra = 0;

    for (size_t i = 0; i < cv_torch_count(torch); i++) {
        const cv_source_tensor *tensor = cv_torch_at(torch, i);
        const char *name = cv_torch_own_name(torch, tensor);

        if (name && bsearch(&name, sorted, count, sizeof *sorted, by_name))
            continue;
        if (name && is_weight(tensor)) {
            status = cv_fail(err, COGVIDEO_ERROR_MODEL,
                             "%s: tensor '%.200s' does not belong to this network (is it a checkpoint of another "
                             "network, or of another size?)",
                             cv_torch_path(torch), tensor->name);
            goto done;
        }
        CV_TRY(note_extra(&list, tensor, err));
        extra++;
    }
    if (extra > 0)
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: skipped %zu of its members, which this network does not need: %s%s",
               cv_torch_path(torch), extra, list.data, list.size > MAX_LISTED ? ", .." : "");
    if (*cv_torch_prefix(torch))
        cv_log(log, COGVIDEO_LOG_INFO, "%s: the prefix '%.200s' is removed from the names of its tensors",
               cv_torch_path(torch), cv_torch_prefix(torch));
done:
    cv_buffer_free(&list);
    return status;
}

cogvideo_status cv_names_match(cv_names *names, const cv_torch *torch, const cogvideo_log *log, cogvideo_error *err)
{
    cogvideo_status status;
    const char **sorted = NULL;

    for (size_t i = 0; i < names->count; i++)
        CV_TRY(match_one(&names->items[i], torch, err));
    CV_NEW(sorted, names->count, err);
    for (size_t i = 0; i < names->count; i++)
        sorted[i] = names->items[i].name;
    qsort(sorted, names->count, sizeof *sorted, by_name);
    CV_TRY(check_extra(sorted, names->count, torch, log, err));
done:
    cv_free(sorted);
    return status;
}
