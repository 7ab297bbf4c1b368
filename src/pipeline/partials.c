#include "pipeline/partials.h"

#include <string.h>

cogvideo_status cv_partials_add(cv_partials *partials, const char *path, const cogvideo_tokens *header,
                                cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (strcmp(path, "-") != 0)
        CV_TRY(cogvideo_token_writer_open(&partials->writers[partials->count], path, header, err));
    partials->paths[partials->count++] = path;
done:
    return status;
}

cogvideo_status cv_partials_frame(cv_partials *partials, const cogvideo_code_frame *frame, cogvideo_error *err)
{
    const int at = frame->sample - partials->first_sample;
    cogvideo_status status = COGVIDEO_OK;

    if (at < 0 || at >= partials->count || !partials->writers[at])
        return COGVIDEO_OK;
    CV_TRY(cogvideo_token_writer_frame(partials->writers[at], frame->time, frame->codes, err));
    partials->frames[at]++;
done:
    return status;
}

void cv_partials_close(cv_partials *partials, bool keep, const cogvideo_log *log)
{
    for (int i = 0; i < partials->count; i++) {
        const bool kept = keep && partials->frames[i] > 0;

        if (kept && partials->writers[i])
            cv_log(log, COGVIDEO_LOG_INFO, "%s.partial keeps the %d frame%s finished so far", partials->paths[i],
                   partials->frames[i], partials->frames[i] == 1 ? "" : "s");
        cogvideo_token_writer_abandon(&partials->writers[i], kept);
    }
    *partials = (cv_partials){ 0 };
}
