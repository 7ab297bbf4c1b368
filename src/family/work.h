/* work.h - what a step says of its work while it goes on: units that the caller keeps and gives back, so that a run
 * that was cut short goes on, and frames that are finished. For the steps of every family. */
#ifndef CV_FAMILY_WORK_H
#define CV_FAMILY_WORK_H

#include <cogvideo/generate.h>

#include <stdbool.h>

/* True where the caller has a unit of `count` codes and all of them are below `limit`; `codes` is undefined otherwise.
 * `callbacks` may be NULL. */
static inline bool cv_codes_recall(const cogvideo_callbacks *callbacks, const cogvideo_unit *unit, int32_t *codes,
                                   int count, int limit)
{
    if (!callbacks || !callbacks->recall ||
        !callbacks->recall(callbacks->user, unit, codes, (size_t)count * sizeof *codes))
        return false;
    for (int i = 0; i < count; i++)
        if (codes[i] < 0 || codes[i] >= limit)
            return false;
    return true;
}

/* A unit of codes is finished and was not recalled. Other than 0: stop. `callbacks` may be NULL. */
static inline int cv_codes_keep(const cogvideo_callbacks *callbacks, const cogvideo_unit *unit, const int32_t *codes,
                                int count)
{
    return callbacks && callbacks->keep ? callbacks->keep(callbacks->user, unit, codes, (size_t)count * sizeof *codes)
                                        : 0;
}

/* Other than 0: stop. */
static inline int cv_progress(const cogvideo_callbacks *callbacks, const cogvideo_progress *progress)
{
    return callbacks->progress ? callbacks->progress(callbacks->user, progress) : 0;
}

/* Frame `frame` of the clip that the step makes is finished, recalled or not. Other than 0: stop. */
static inline int cv_frame_done(const cogvideo_callbacks *callbacks, const char *step, const cogvideo_tokens *clip,
                                int sample, int frame)
{
    const cogvideo_code_frame done = { step,
                                       sample,
                                       frame,
                                       clip->times[frame],
                                       clip->height,
                                       clip->width,
                                       clip->frames_per_code,
                                       clip->codes + (size_t)frame * cogvideo_tokens_per_frame(clip) };

    return callbacks->frame ? callbacks->frame(callbacks->user, &done) : 0;
}

#endif
