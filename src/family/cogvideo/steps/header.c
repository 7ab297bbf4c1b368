#include "family/cogvideo/steps/header.h"

#include "base/mem.h"

#include <string.h>

cogvideo_status cv_header_begin(cv_json **out, const cv_cogvideo *model, const cogvideo_generate_options *options,
                                const char *earlier, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *header = NULL;

    if (earlier) {
        status = cv_json_parse(&header, earlier, strlen(earlier), "the clip's header", err);
        if (status != COGVIDEO_OK)
            return status;
    } else if (!(header = cv_json_new_object())) {
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory");
    }
    cv_json_set_string(header, "model", model->head.name);
    if (options && options->prompt)
        cv_json_set_string(header, "prompt", options->prompt);
    *out = header;
    return COGVIDEO_OK;
}

cogvideo_status cv_header_end(cv_json **header, cogvideo_tokens *clip, cogvideo_error *err)
{
    char *text = cv_json_print(*header, false, err);

    cv_json_free(header);
    if (!text)
        return COGVIDEO_ERROR_MEMORY;
    cv_free(clip->header);
    clip->header = text;
    return COGVIDEO_OK;
}

cogvideo_status cv_header_end_samples(cv_json **header, cogvideo_tokens *clips,
                                      const cogvideo_generate_options *options, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int s = 0; s < options->samples; s++) {
        cv_json *own = cv_json_copy(*header);

        cv_json_set_int(own, "sample", options->first_sample + s);
        CV_TRY(cv_header_end(&own, &clips[s], err));
    }
done:
    cv_json_free(header);
    return status;
}
