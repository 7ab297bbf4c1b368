/* Pictures: JPEG, PPM, rows of them, and what a build's FFmpeg knows besides. */
#include "fuzz/fuzz.h"

#include <cogvideo/video.h>

#define MOST_PIXELS ((int64_t)1 << 22)

static int take(void *user, const cogvideo_video *frame, int index)
{
    fuzz_must(frame->width > 0 && frame->height > 0 && frame->frames == 1 && index == *(int *)user);
    ++*(int *)user;
    fuzz_touch(frame->pixels, (size_t)frame->width * (size_t)frame->height * 3);
    return (int64_t)frame->width * frame->height > MOST_PIXELS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    int frames = 0;

    fuzz_ok(cogvideo_video_each(fuzz_file(data, size), 4, take, &frames, &err), &err);
    fuzz_must(frames <= 4);
    return 0;
}
