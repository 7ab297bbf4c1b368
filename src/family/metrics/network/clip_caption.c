#include "family/metrics/network/clip.h"

#include <string.h>

cogvideo_status cv_clip_caption(const cv_clip_config *config, const cv_text *text, const char *caption, bool cut,
                                int32_t *ids, int *count, cogvideo_error *err)
{
    const size_t most = (size_t)config->context - 1;
    cogvideo_status status;
    int32_t *pieces = NULL;
    size_t found;

    CV_TRY(cv_text_encode(text, caption, strlen(caption), false, &pieces, &found, err));
    if (found > most && !cut) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "the text has %zu ids and this CLIP reads %d: shorten it, or let it be cut with --cut-text",
                         found + 1, config->context);
        goto done;
    }
    found = found < most ? found : most;
    memcpy(ids, pieces, found * sizeof *ids);
    ids[found] = config->end;
    *count = (int)found + 1;
done:
    cv_free(pieces);
    return status;
}
