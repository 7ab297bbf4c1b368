#include "support/seen.h"

#include "support/check.h"

static int take(void *user, const cogvideo_frame *frame)
{
    seen *s = user;
    const int x[2] = { frame->width / 8, frame->width - 1 - frame->width / 8 },
              y[2] = { frame->height / 8, frame->height - 1 - frame->height / 8 };

    assert_int_equal(frame->index, s->frames);
    if (s->frames < SEEN_MOST)
        s->times[s->frames] = frame->time;
    for (int i = 0; s->frames == 0 && i < 4; i++)
        memcpy(s->first[i], frame->pixels + ((size_t)y[i / 2] * (size_t)frame->width + (size_t)x[i % 2]) * 3, 3);
    s->frames++;
    s->gaps += frame->gap;
    s->width = frame->width;
    s->height = frame->height;
    s->last_duration = frame->duration;
    s->aspect = frame->aspect;
    return s->stop > 0 && s->frames >= s->stop;
}

static int poll(void *user)
{
    seen *s = user;

    return ++s->polls == -s->stop;
}

static void hear(void *user, cogvideo_log_level level, const char *text)
{
    seen *s = user;

    assert_int_equal(level, COGVIDEO_LOG_WARNING);
    snprintf(s->log + strlen(s->log), sizeof s->log - strlen(s->log), "%s\n", text);
}

cogvideo_status see(seen *s, const char *path, int stop, cogvideo_error *err)
{
    const cogvideo_read_options options = { .log = { hear, s }, .poll = poll, .user = s };

    *s = (seen){ .stop = stop };
    return cogvideo_video_each(path, &options, take, s, err);
}

bool have_ffmpeg(void)
{
    return cogvideo_video_check_path(check_temp_path("a.png"), NULL) == COGVIDEO_OK;
}
