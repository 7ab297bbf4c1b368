#include "media/sampler.h"

#include <math.h>

#define ROUNDING 1e-6 /* seconds; times are multiples of 1/90000 or 1/1000, and sums of such */

static cogvideo_status hold(cv_sampler *s, const cogvideo_frame *frame, cogvideo_error *err)
{
    if (!s->held && !(s->held = cv_alloc((size_t)s->size * (size_t)s->size, 3, err)))
        return COGVIDEO_ERROR_MEMORY;
    return cogvideo_frame_fit(s->held, frame, s->size, s->size, err);
}

/* Emits the current frame for all pictures before the time `time` of the next one. */
static cogvideo_status stay_until(cv_sampler *s, double time, cogvideo_error *err)
{
    const double change = time - fmin(time - s->time, 1 / s->fps) / 2 - s->begin;

    while ((double)s->next / s->fps < change - ROUNDING) {
        cogvideo_status status = s->take(s->user, s->held, err);

        if (status != COGVIDEO_OK)
            return status;
        s->next++;
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_sampler_frame(cv_sampler *s, const cogvideo_frame *frame, cogvideo_error *err)
{
    cogvideo_status status;

    if (frame->time < 0) {
        CV_TRY(hold(s, frame, err));
        return s->take(s->user, s->held, err);
    }
    if (s->holds) {
        CV_TRY(stay_until(s, frame->time, err));
        s->step = frame->time - s->time;
    } else {
        s->begin = frame->time;
        s->next = 0;
        s->step = 0;
    }
    CV_TRY(hold(s, frame, err));
    s->holds = true;
    s->time = frame->time;
    s->duration = frame->duration;
done:
    return status;
}

cogvideo_status cv_sampler_end(cv_sampler *s, cogvideo_error *err)
{
    const double duration = s->duration > 0 ? s->duration : s->step > 0 ? s->step : 1 / s->fps;
    cogvideo_status status = s->holds ? stay_until(s, s->time + duration, err) : COGVIDEO_OK;

    cv_sampler_reset(s);
    return status;
}

void cv_sampler_reset(cv_sampler *sampler)
{
    sampler->holds = false;
}

void cv_sampler_free(cv_sampler *sampler)
{
    cv_free(sampler->held);
    sampler->held = NULL;
}
