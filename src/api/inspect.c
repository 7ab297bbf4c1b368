/* inspect.c - the public look inside. */
#include "family/cogvideo/arrows.h"

cogvideo_status cogvideo_inspect(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_inspect_options *what, const cogvideo_tokens *clip, cogvideo_inspection *out,
                                 cogvideo_error *err)
{
    return cv_arrow_inspect(model, options, what, clip, out, err);
}

void cogvideo_inspection_free(cogvideo_inspection *inspection)
{
    if (inspection)
        cv_inspection_free(inspection);
}

int cogvideo_code_cluster(const cogvideo_model *model, int32_t code)
{
    if (!model->clusters || code < 0 || code >= cv_clusters_codes(model->clusters))
        return -1;
    return (int)cv_clusters_labels(model->clusters)[code];
}
