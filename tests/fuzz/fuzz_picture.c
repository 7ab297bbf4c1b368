/* Pictures: JPEG, PPM, rows of them, and what a build's FFmpeg knows besides. */
#include "fuzz/fuzz.h"

#include <cogvideo/video.h>

#define MOST_PIXELS ((int64_t)1 << 22)

typedef struct seen {
    int frames;
    double time;
} seen;

static int take(void *user, const cogvideo_frame *frame)
{
    seen *s = user;

    fuzz_must(frame->width > 0 && frame->height > 0 && frame->index == s->frames && frame->aspect >= 1 / 16.0 &&
              frame->aspect <= 16);
    fuzz_must(frame->time < 0 || frame->time >= s->time);
    fuzz_must(frame->duration >= 0 && frame->expected >= 0);
    s->frames++;
    s->time = frame->time;
    fuzz_touch(frame->pixels, (size_t)frame->width * (size_t)frame->height * 3);
    return (int64_t)frame->width * frame->height > MOST_PIXELS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    const cogvideo_read_options options = { .max_frames = 4 };
    seen frames = { 0 };

    fuzz_ok(cogvideo_video_each(fuzz_file(data, size), &options, take, &frames, &err), &err);
    fuzz_must(frames.frames <= 4);
    return 0;
}
