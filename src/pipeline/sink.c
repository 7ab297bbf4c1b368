#include "pipeline/sink.h"

#include <string.h>

cogvideo_status cv_sink_add(cv_sink *sink, const char *path, const cogvideo_tokens *header, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (strcmp(path, "-") != 0)
        CV_TRY(cogvideo_token_writer_open(&sink->writers[sink->count], path, header, err));
    sink->paths[sink->count++] = path;
done:
    return status;
}

cogvideo_status cv_sink_frame(cv_sink *sink, const cogvideo_code_frame *frame, cogvideo_error *err)
{
    const int at = frame->sample - sink->first_sample;
    cogvideo_status status = COGVIDEO_OK;

    if (at < 0 || at >= sink->count || !sink->writers[at])
        return COGVIDEO_OK;
    CV_TRY(cogvideo_token_writer_frame(sink->writers[at], frame->time, frame->codes, err));
    sink->frames[at]++;
done:
    return status;
}

void cv_sink_close(cv_sink *sink, bool keep, const cogvideo_log *log)
{
    for (int i = 0; i < sink->count; i++) {
        const bool kept = keep && sink->frames[i] > 0;

        if (kept && sink->writers[i])
            cv_log(log, COGVIDEO_LOG_INFO, "%s.partial keeps the %d frame%s finished so far", sink->paths[i],
                   sink->frames[i], sink->frames[i] == 1 ? "" : "s");
        cogvideo_token_writer_abandon(&sink->writers[i], kept);
    }
    *sink = (cv_sink){ 0 };
}
