/* Pictures and videos through FFmpeg: written and read back, damaged, compared byte for byte. In a build without it:
 * the sentence that says so. */
#include "support/check.h"
#include "support/clip.h"

#include "base/path.h"
#include "media/frame.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static bool have_ffmpeg(void)
{
    return cogvideo_video_check_path(check_temp_path("a.png"), NULL) == COGVIDEO_OK;
}

static void a_build_without_it_says_so(void **state)
{
    static const char *const names[] = { "a.mp4", "a.webm", "a.mkv", "a.gif", "a.png", "a%d.png" };
    cogvideo_video one = clip_make(2, 2, 1), back;
    cogvideo_error err;

    (void)state;
    if (!have_ffmpeg()) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            CHECK_FAILS(cogvideo_video_check_path(check_temp_path(names[i]), &err), COGVIDEO_ERROR_UNSUPPORTED,
                        "libavformat-dev, libavcodec-dev, libavutil-dev and libswscale-dev", err);
            CHECK_FAILS(cogvideo_video_write(&one, check_temp_path(names[i]), NULL, &err), COGVIDEO_ERROR_UNSUPPORTED,
                        "libavformat-dev", err);
            assert_false(cv_path_exists(check_temp_path(names[i])));
        }
        check_write(check_temp_path("a"), "\x89PNG\r\n\x1a\n", 8);
        CHECK_FAILS(cogvideo_video_read(&back, check_temp_path("a"), NULL, &err), COGVIDEO_ERROR_UNSUPPORTED,
                    "libswscale-dev", err);
    }
    cogvideo_video_free(&one);
}

static void videos_round_trip(void **state)
{
    static const struct {
        const char *name;
        int width, height, frames;
        double fps, mean, rate; /* largest mean difference; difference of fps */
        bool padded;
    } files[] = {
        { "v.mp4", 64, 48, 9, 8, 3, 1e-6, true },
        { "odd.mp4", 33, 17, 3, 29.97, 4, 1e-6, true },
        { "v.webm", 64, 48, 9, 4, 4, 1e-6, true },
        { "odd.webm", 17, 33, 2, 8, 5, 1e-6, true },
        { "v.mkv", 64, 48, 9, 24000 / 1001.0, 3, 0.01, true },
        { "one.mp4", 16, 16, 1, 8, 3, 1e-6, true },
        { "v.gif", 64, 48, 9, 8, 8, 0.5, false },
        { "odd.gif", 33, 17, 3, 10, 8, 0.1, false },
    };

    (void)state;
    for (size_t i = 0; have_ffmpeg() && i < sizeof files / sizeof *files; i++) {
        cogvideo_video video = clip_make(files[i].width, files[i].height, files[i].frames), back;
        cogvideo_write_options options = { .fps = files[i].fps, .comment = "seed 42 \xe6\xb5\xb7" };
        cv_buffer bytes;
        cogvideo_error err;

        CHECK_OK(cogvideo_video_write(&video, check_temp_path(files[i].name), &options, &err), err);
        CHECK_OK(cogvideo_video_read(&back, check_temp_path(files[i].name), NULL, &err), err);
        assert_int_equal(back.width, video.width + (files[i].padded ? video.width % 2 : 0));
        assert_int_equal(back.height, video.height + (files[i].padded ? video.height % 2 : 0));
        assert_int_equal(back.frames, video.frames);
        if (video.frames > 1)
            CHECK_CLOSE(back.fps, files[i].fps, files[i].rate);
        CHECK_CLOSE(clip_mean_difference(&video, &back), 0, files[i].mean);
        cogvideo_video_free(&back);
        CHECK_OK(cogvideo_video_read(&back, check_temp_path(files[i].name), &(cogvideo_read_options){ .max_frames = 1 },
                                     &err),
                 err);
        assert_int_equal(back.frames, 1);
        bytes = clip_bytes(files[i].name);
        if (!memmem(bytes.data, bytes.size, options.comment, strlen(options.comment)))
            fail_msg("%s has no comment", files[i].name);
        cv_buffer_free(&bytes);
        cogvideo_video_free(&back);
        cogvideo_video_free(&video);
    }
}

/* Equal input, equal bytes; another quality, other bytes. */
static void files_are_reproducible(void **state)
{
    static const char *const names[] = { "r.mp4", "r.webm", "r.mkv", "r.gif", "r.png" };
    cogvideo_video video = clip_make(32, 32, 4);
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; have_ffmpeg() && i < sizeof names / sizeof *names; i++) {
        cogvideo_write_options options = { .quality = 30 };
        cv_buffer first, second;

        CHECK_OK(cogvideo_video_write(&video, check_temp_path(names[i]), NULL, &err), err);
        first = clip_bytes(names[i]);
        CHECK_OK(cogvideo_video_write(&video, check_temp_path(names[i]), NULL, &err), err);
        second = clip_bytes(names[i]);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        cv_buffer_free(&second);
        if (i < 3) {
            CHECK_OK(cogvideo_video_write(&video, check_temp_path(names[i]), &options, &err), err);
            second = clip_bytes(names[i]);
            assert_true(second.size < first.size);
            cv_buffer_free(&second);
        }
        cv_buffer_free(&first);
    }
    cogvideo_video_free(&video);
}

/* The index stands before the data, so that a browser can start while it loads. */
static void mp4_starts_fast(void **state)
{
    cogvideo_video video = clip_make(32, 32, 4);
    cogvideo_error err;

    (void)state;
    if (have_ffmpeg()) {
        cv_buffer bytes;
        const char *index, *data;

        CHECK_OK(cogvideo_video_write(&video, check_temp_path("fast.mp4"), NULL, &err), err);
        bytes = clip_bytes("fast.mp4");
        index = memmem(bytes.data, bytes.size, "moov", 4);
        data = memmem(bytes.data, bytes.size, "mdat", 4);
        assert_true(index && data && index < data);
        cv_buffer_free(&bytes);
    }
    cogvideo_video_free(&video);
}

static void png_is_exact(void **state)
{
    cogvideo_video three = clip_make(19, 7, 3), back;
    cogvideo_write_options options = { .comment = "seed 42", .columns = 3 };
    cogvideo_error err;
    cv_buffer bytes;

    (void)state;
    if (!have_ffmpeg()) {
        cogvideo_video_free(&three);
        return;
    }
    CHECK_OK(cogvideo_video_write(&three, check_temp_path("p%03d.png"), &options, &err), err);
    CHECK_OK(cogvideo_video_read(&back, check_temp_path("p%03d.png"), NULL, &err), err);
    assert_int_equal(back.frames, 3);
    CHECK_CLOSE(clip_mean_difference(&three, &back), 0, 0);
    CHECK_CLOSE(back.fps, 0, 0);
    cogvideo_video_free(&back);
    bytes = clip_bytes("p002.png");
    assert_non_null(memmem(bytes.data, bytes.size, "iTXtComment\0\0\0\0\0seed 42", 23));
    cv_buffer_free(&bytes);
    CHECK_OK(cogvideo_video_write(&three, check_temp_path("sheet.png"), &options, &err), err);
    CHECK_OK(cogvideo_video_read(&back, check_temp_path("sheet.png"), NULL, &err), err);
    assert_int_equal(back.width, 57);
    assert_int_equal(back.height, 7);
    cogvideo_video_free(&back);
    cogvideo_video_free(&three);
}

/* GIF with 255 colours or fewer keeps them all. */
static void few_colours_stay_exact_in_gif(void **state)
{
    cogvideo_video video = clip_make(16, 16, 3), back;
    cogvideo_error err;

    (void)state;
    if (have_ffmpeg()) {
        for (size_t i = 0; i < cv_frame_bytes(16, 16) * 3; i++)
            video.pixels[i] = (uint8_t)(video.pixels[i] / 64 * 64 + 5);
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("few.gif"), NULL, &err), err);
        CHECK_OK(cogvideo_video_read(&back, check_temp_path("few.gif"), NULL, &err), err);
        assert_int_equal(back.frames, 3);
        CHECK_CLOSE(clip_mean_difference(&video, &back), 0, 0);
        cogvideo_video_free(&back);
    }
    cogvideo_video_free(&video);
}

/* Y4M as others read it: ours has the colours that FFmpeg makes of it. */
static void y4m_is_understood(void **state)
{
    cogvideo_video video = clip_make(21, 13, 2), back;
    cogvideo_error err;

    (void)state;
    if (have_ffmpeg()) {
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("u.y4m"), NULL, &err), err);
        CHECK_OK(cogvideo_video_read(&back, check_temp_path("u.y4m"), NULL, &err), err);
        assert_int_equal(back.width, 21);
        assert_int_equal(back.frames, 2);
        CHECK_CLOSE(back.fps, 8, 0);
        CHECK_CLOSE(clip_mean_difference(&video, &back), 0, 1);
        cogvideo_video_free(&back);
    }
    cogvideo_video_free(&video);
}

/* Cut anywhere: an error, or (a clip's last frames cut off whole) fewer frames; never more, never a crash. */
static void cut_files_are_survived(void **state)
{
    static const char *const names[] = { "cut.png", "cut.gif", "cut.mp4", "cut.webm" };
    cogvideo_video video = clip_make(16, 16, 2), back;
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; have_ffmpeg() && i < sizeof names / sizeof *names; i++) {
        cv_buffer bytes;

        CHECK_OK(cogvideo_video_write(&video, check_temp_path(names[i]), NULL, &err), err);
        bytes = clip_bytes(names[i]);
        for (size_t size = 0; size < bytes.size; size += size < 64 ? 1 : 13) {
            cogvideo_status status;

            check_write(check_temp_path("cut"), bytes.data, size);
            status = cogvideo_video_read(&back, check_temp_path("cut"), NULL, &err);
            if (status == COGVIDEO_OK) {
                if (i == 0 && size + 12 < bytes.size)
                    fail_msg("PNG of %zu bytes cut to %zu was read", bytes.size, size);
                assert_in_range(back.frames, 1, 2);
                cogvideo_video_free(&back);
            } else {
                assert_int_equal(status, COGVIDEO_ERROR_FORMAT);
            }
        }
        cv_buffer_free(&bytes);
    }
    cogvideo_video_free(&video);
}

static void foreign_files_are_refused(void **state)
{
    /* PNG of 65536 x 65536 with a right checksum, and the begin of its data: too large for the limit. */
    static const char huge[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\2\0\0\0\xe3\xe6\xa7\xb4"
                               "\0\0\0\2IDAT\x78\x9c\0\0\0\0";
    static const char *const texts[] = {
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile /etc/passwd\n",
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>",
        "<!DOCTYPE html><html></html>",
        "just words",
    };
    cogvideo_video back;
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; have_ffmpeg() && i < sizeof texts / sizeof *texts; i++) {
        check_write(check_temp_path("foreign.mp4"), texts[i], strlen(texts[i]));
        CHECK_FAILS(cogvideo_video_read(&back, check_temp_path("foreign.mp4"), NULL, &err), COGVIDEO_ERROR_FORMAT,
                    "foreign.mp4", err);
    }
    if (have_ffmpeg()) {
        check_write(check_temp_path("huge.png"), huge, sizeof huge - 1);
        CHECK_FAILS(cogvideo_video_read(&back, check_temp_path("huge.png"), NULL, &err), COGVIDEO_ERROR_FORMAT,
                    "huge.png", err);
    }
    CHECK_FAILS(cogvideo_video_read(&back, check_temp_path("absent.mp4"), NULL, &err), COGVIDEO_ERROR_IO, "absent",
                err);
    CHECK_FAILS(cogvideo_video_read(&back, check_temp(), NULL, &err), COGVIDEO_ERROR_IO, "directory", err);
}

static void nothing_is_left_of_failures(void **state)
{
    static const char *const names[] = { "n.mp4", "n.webm", "n.mkv", "n.gif", "n.png" };
    cogvideo_video video = clip_make(160, 160, 6);
    struct rlimit old, small;
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < cv_frame_bytes(160, 160) * 6; i++)
        video.pixels[i] = (uint8_t)(i * 2654435761u >> 13); /* noise: large files */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    for (size_t i = 0; have_ffmpeg() && i < sizeof names / sizeof *names; i++) {
        cogvideo_video_writer *writer = NULL;
        cogvideo_status status;
        char partial[1024];

        snprintf(partial, sizeof partial, "%s.partial", check_temp_path(names[i]));
        small = (struct rlimit){ 3000, old.rlim_max };
        setrlimit(RLIMIT_FSIZE, &small);
        status = cogvideo_video_write(&video, check_temp_path(names[i]), NULL, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(status, COGVIDEO_ERROR_IO);
        assert_false(cv_path_exists(check_temp_path(names[i])));
        assert_false(cv_path_exists(partial));

        CHECK_OK(cogvideo_video_writer_open(&writer, check_temp_path(names[i]), 160, 160, 8, NULL, &err), err);
        CHECK_OK(cogvideo_video_writer_frame(writer, video.pixels, &err), err);
        cogvideo_video_writer_abandon(&writer);
        assert_false(cv_path_exists(check_temp_path(names[i])));
        assert_false(cv_path_exists(partial));
    }
    cogvideo_video_free(&video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_it_says_so),
        cmocka_unit_test(videos_round_trip),
        cmocka_unit_test(files_are_reproducible),
        cmocka_unit_test(mp4_starts_fast),
        cmocka_unit_test(png_is_exact),
        cmocka_unit_test(few_colours_stay_exact_in_gif),
        cmocka_unit_test(y4m_is_understood),
        cmocka_unit_test(cut_files_are_survived),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(nothing_is_left_of_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
