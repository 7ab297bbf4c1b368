/* numbered.c - one picture per frame under numbered names. Each picture is complete under its name when its frame
 * returns. */
#include "media/sink.h"

#include "base/pattern.h"

typedef struct numbered {
    const cv_sink_config *config;
    int next;
} numbered;

static cogvideo_status numbered_open(void **state, const cv_sink_config *config, cogvideo_error *err)
{
    cogvideo_status status = cv_pattern_check(config->path, err);
    numbered *s;

    if (status != COGVIDEO_OK)
        return status;
    CV_NEW(s, 1, err);
    s->config = config;
    *state = s;
done:
    return status;
}

static cogvideo_status numbered_frame(void *state, const uint8_t *pixels, cogvideo_error *err)
{
    numbered *s = state;
    const cv_sink_config *config = s->config;
    cv_picture picture = { pixels, config->width, config->height, config->quality, config->comment };
    char *name = NULL;
    cogvideo_status status;

    CV_TRY(cv_pattern_expand(&name, config->path, s->next, err));
    CV_TRY(cv_picture_write(name, config->encode, &picture, err));
    s->next++;
done:
    cv_free(name);
    return status;
}

static cogvideo_status numbered_commit(void *state, cogvideo_error *err)
{
    (void)state, (void)err;
    return COGVIDEO_OK;
}

const cv_sink cv_numbered_sink = { numbered_open, numbered_frame, numbered_commit, cv_free, NULL };
