#include "support/clip.h"
#include "support/check.h"

#include "base/file.h"

cogvideo_video clip_make(int width, int height, int frames)
{
    cogvideo_error err;
    cogvideo_video video = { 0 };
    uint8_t *pixel;

    CHECK_OK(cogvideo_video_alloc(&video, width, height, frames, 8, &err), err);
    pixel = video.pixels;
    for (int f = 0; f < frames; f++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                *pixel++ = (uint8_t)(40 + 160 * x / width);
                *pixel++ = (uint8_t)(40 + 160 * y / height);
                *pixel++ = (uint8_t)(40 + 160 * f / frames);
            }
    return video;
}

/* Their sum; *most is the largest. */
static double differences(const cogvideo_video *a, const cogvideo_video *b, int *most)
{
    double sum = 0;

    assert_int_equal(a->frames, b->frames);
    assert_true(b->width >= a->width && b->height >= a->height);
    *most = 0;
    for (int f = 0; f < a->frames; f++)
        for (int y = 0; y < a->height; y++) {
            const uint8_t *p = a->pixels + ((size_t)f * (size_t)a->height + (size_t)y) * (size_t)a->width * 3;
            const uint8_t *q = b->pixels + ((size_t)f * (size_t)b->height + (size_t)y) * (size_t)b->width * 3;

            for (int i = 0; i < a->width * 3; i++) {
                int d = abs(p[i] - q[i]);

                sum += d;
                *most = d > *most ? d : *most;
            }
        }
    return sum;
}

double clip_mean_difference(const cogvideo_video *a, const cogvideo_video *b)
{
    int most;

    return differences(a, b, &most) / ((double)a->frames * a->height * a->width * 3);
}

int clip_difference(const cogvideo_video *a, const cogvideo_video *b)
{
    int most;

    differences(a, b, &most);
    return most;
}

cv_buffer clip_bytes(const char *name)
{
    cogvideo_error err;
    cv_buffer bytes = { 0 };

    CHECK_OK(cv_file_read(&bytes, check_temp_path(name), 1 << 24, &err), err);
    return bytes;
}

int clip_round_trip(const cogvideo_video *video, const char *name, const cogvideo_write_options *options)
{
    cogvideo_error err;
    cogvideo_video back;
    int most;

    CHECK_OK(cogvideo_video_write(video, check_temp_path(name), options, &err), err);
    CHECK_OK(cogvideo_video_read(&back, check_temp_path(name), NULL, &err), err);
    assert_int_equal(back.width, video->width);
    assert_int_equal(back.height, video->height);
    most = clip_difference(video, &back);
    cogvideo_video_free(&back);
    return most;
}

void clip_save_codes(const char *name, const int32_t *codes, int grid, int frames)
{
    cogvideo_error err;
    cogvideo_tokens clip;

    CHECK_OK(cogvideo_tokens_alloc(&clip, grid, grid, 8, frames, &err), err);
    memcpy(clip.codes, codes, (size_t)(frames * grid * grid) * sizeof *codes);
    for (int i = 0; i < frames; i++)
        clip.times[i] = i;
    CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path(name), &err), err);
    cogvideo_tokens_free(&clip);
}

cogvideo_tokens clip_load_codes(const char *name, int grid, int frames)
{
    cogvideo_error err;
    cogvideo_tokens clip;

    CHECK_OK(cogvideo_tokens_load(&clip, check_temp_path(name), &err), err);
    assert_int_equal(clip.height, grid);
    assert_int_equal(clip.width, grid);
    assert_int_equal(clip.frames, frames);
    return clip;
}

void clip_insert(const char *name, size_t at, const void *bytes, size_t size)
{
    cv_buffer old = clip_bytes(name), made = { 0 };
    cogvideo_error err;

    CHECK_OK(cv_buffer_append(&made, old.data, at, &err), err);
    CHECK_OK(cv_buffer_append(&made, bytes, size, &err), err);
    CHECK_OK(cv_buffer_append(&made, old.data + at, old.size - at, &err), err);
    check_write(check_temp_path(name), made.data, made.size);
    cv_buffer_free(&made);
    cv_buffer_free(&old);
}
