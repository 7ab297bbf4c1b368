#include "tokens/growing.h"

#define LINE_SPARE 128 /* bytes of a frame's line besides its codes */

/* Frames of the longest codes that fit the file of a clip. */
static int most_frames(const cogvideo_tokens *shape, int codes)
{
    size_t digits = 1;

    for (int code = codes - 1; code >= 10; code /= 10)
        digits++;
    return (int)(CV_TOKENS_MAX_FILE / (cogvideo_tokens_per_frame(shape) * (digits + 1) + LINE_SPARE));
}

static cogvideo_status check_frames(const cv_growing_clip *growing, long long frames, cogvideo_error *err)
{
    if (frames <= growing->most)
        return COGVIDEO_OK;
    return cv_fail(
        err, COGVIDEO_ERROR_ARGUMENT,
        "%lld frames of %dx%d codes are more than the %d that a file of codes holds: encode fewer (--frames)", frames,
        growing->clip.width, growing->clip.height, growing->most);
}

cogvideo_status cv_growing_open(cv_growing_clip *out, const cogvideo_tokens *shape, int codes, bool scenes,
                                long long expected, cogvideo_error *err)
{
    cv_growing_clip growing = { .clip = *shape, .scenes = scenes };
    cogvideo_status status;

    CV_TRY(cv_tokens_check(shape, err));
    growing.most = most_frames(shape, codes);
    CV_TRY(check_frames(&growing, expected, err));
    growing.expected = (int)expected;
    *out = growing;
done:
    return status;
}

cogvideo_status cv_growing_room(cv_growing_clip *growing, int frames, cogvideo_error *err)
{
    const size_t before = (size_t)growing->clip.frames, needed = before + (size_t)frames,
                 expected = (size_t)growing->expected, after = needed <= expected ? expected : needed + before / 2;
    cogvideo_status status;

    CV_TRY(check_frames(growing, (long long)needed, err));
    if (needed <= (size_t)growing->capacity)
        return COGVIDEO_OK;
    CV_TRY(cv_tokens_grow(&growing->clip, after, growing->scenes, false, err));
    growing->capacity = (int)after;
done:
    return status;
}
