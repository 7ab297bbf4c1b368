/* Frames and clips without FFmpeg: resizing, Y4M, MJPEG, contact sheets, numbered names, refusals. */
#include "support/check.h"
#include "support/clip.h"

#include "base/path.h"
#include "base/pattern.h"
#include "media/frame.h"

#include <signal.h>
#include <sys/resource.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void sizes_are_checked(void **state)
{
    cogvideo_error err;
    cogvideo_video video = { 0 };

    (void)state;
    CHECK_FAILS(cogvideo_video_alloc(&video, 0, 1, 1, 0, &err), COGVIDEO_ERROR_ARGUMENT, "0 x 1", err);
    CHECK_FAILS(cogvideo_video_alloc(&video, 1, 16385, 1, 0, &err), COGVIDEO_ERROR_ARGUMENT, "16384", err);
    CHECK_FAILS(cogvideo_video_alloc(&video, 1, 1, 0, 0, &err), COGVIDEO_ERROR_ARGUMENT, "has no frames", err);
    CHECK_FAILS(cogvideo_video_alloc(&video, 1, 1, 1, NAN, &err), COGVIDEO_ERROR_ARGUMENT, "per second", err);
    CHECK_FAILS(cogvideo_video_alloc(&video, 1, 1, 1, -1, &err), COGVIDEO_ERROR_ARGUMENT, "per second", err);
    assert_null(video.pixels);
    cogvideo_video_free(&video);
    cogvideo_video_free(NULL);
}

static void fit_averages_and_interpolates(void **state)
{
    uint8_t wide[1][6][3] = { { { 0 }, { 10, 20, 30 }, { 30, 40, 50 }, { 50, 60, 70 }, { 70, 80, 90 }, { 255 } } };
    uint8_t square[4][3] = { { 0, 0, 0 }, { 100, 0, 0 }, { 0, 200, 0 }, { 100, 200, 0 } };
    cogvideo_video in = { 6, 1, 1, 5, &wide[0][0][0], 0 }, out;
    cogvideo_error err;

    (void)state;
    /* 2:1 of 6 x 1: columns 2 and 3 remain. */
    CHECK_OK(cogvideo_video_fit(&out, &in, 2, 1, &err), err);
    assert_memory_equal(out.pixels, ((uint8_t[]){ 30, 40, 50, 50, 60, 70 }), 6);
    CHECK_CLOSE(out.fps, 5, 0);
    cogvideo_video_free(&out);
    /* 3:1 keeps 1.5 .. 4.5, so that the centre of the result lies between columns 2 and 3. */
    CHECK_OK(cogvideo_video_fit(&out, &in, 3, 1, &err), err);
    assert_int_equal(out.pixels[3], 40);
    cogvideo_video_free(&out);

    in = (cogvideo_video){ 2, 2, 1, 0, &square[0][0], 0 };
    CHECK_OK(cogvideo_video_fit(&out, &in, 1, 1, &err), err);
    assert_memory_equal(out.pixels, ((uint8_t[]){ 50, 100, 0 }), 3);
    cogvideo_video_free(&out);
    CHECK_OK(cogvideo_video_fit(&out, &in, 2, 2, &err), err);
    assert_memory_equal(out.pixels, square, sizeof square);
    cogvideo_video_free(&out);
    CHECK_OK(cogvideo_video_fit(&out, &in, 4, 4, &err), err);
    assert_memory_equal(out.pixels, ((uint8_t[]){ 0, 0, 0, 25, 0, 0, 75, 0, 0, 100, 0, 0 }), 12);
    assert_memory_equal(out.pixels + 12, ((uint8_t[]){ 0, 50, 0, 25, 50, 0 }), 6);
    cogvideo_video_free(&out);
}

/* Shrinking by a broken factor keeps the mean: pixels are weighed by what is covered of them. */
static void fit_weighs_parts_of_pixels(void **state)
{
    uint8_t row[15] = { 10, 0, 0, 20, 0, 0, 30, 0, 0, 40, 0, 0, 50, 0, 0 };
    cogvideo_video in = { 5, 1, 1, 0, row, 0 }, tall, out;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_nearest(&tall, &in, 5, 5, &err), err);
    CHECK_OK(cogvideo_video_fit(&out, &tall, 2, 2, &err), err);
    assert_int_equal(out.pixels[0], 18); /* (10 + 20 + 30 / 2) / 2.5 */
    assert_int_equal(out.pixels[3], 42); /* (30 / 2 + 40 + 50) / 2.5 */
    cogvideo_video_free(&tall);
    cogvideo_video_free(&out);
}

static void fit_survives_extreme_shapes(void **state)
{
    static const int sizes[] = { 1, 2, 3, 7, 100, 16384 };
    cogvideo_error err;
    cogvideo_video in, out;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            in = clip_make(sizes[i], 7, 1);
            memset(in.pixels, 200, cv_frame_bytes(in.width, in.height));
            CHECK_OK(cogvideo_video_fit(&out, &in, sizes[j], 3, &err), err);
            for (size_t k = 0; k < cv_frame_bytes(out.width, out.height); k++)
                assert_int_equal(out.pixels[k], 200);
            cogvideo_video_free(&in);
            cogvideo_video_free(&out);
        }
}

static void nearest_takes_the_floor(void **state)
{
    uint8_t pixels[9] = { 1, 1, 1, 2, 2, 2, 3, 3, 3 };
    cogvideo_video in = { 3, 1, 1, 0, pixels, 0 }, out;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_nearest(&out, &in, 7, 2, &err), err);
    for (int y = 0; y < 2; y++)
        for (int x = 0; x < 7; x++)
            assert_int_equal(out.pixels[(y * 7 + x) * 3], 1 + x * 3 / 7);
    cogvideo_video_free(&out);
    CHECK_OK(cogvideo_video_nearest(&out, &in, 2, 1, &err), err);
    assert_int_equal(out.pixels[0], 1);
    assert_int_equal(out.pixels[3], 2);
    cogvideo_video_free(&out);
}

static void rates_become_fractions(void **state)
{
    static const struct {
        double fps;
        int numerator, denominator;
    } rates[] = { { 8, 8, 1 }, { 29.97, 2997, 100 }, { 24000 / 1001.0, 24000, 1001 }, { 0.5, 1, 2 } };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        int numerator, denominator;

        cv_fps_fraction(rates[i].fps, &numerator, &denominator);
        assert_int_equal(numerator, rates[i].numerator);
        assert_int_equal(denominator, rates[i].denominator);
    }
}

static void comments_are_kept(void **state)
{
    cogvideo_video one = clip_make(8, 8, 2);
    cogvideo_write_options options = { .comment = "seed 42" };
    static const char *const names[] = { "c.jpg", "c.ppm", "c.mjpeg" };
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cv_buffer bytes;

        CHECK_OK(cogvideo_video_write(&one, check_temp_path(names[i]), &options, &err), err);
        bytes = clip_bytes(names[i]);
        assert_non_null(memmem(bytes.data, bytes.size, "seed 42", 7));
        cv_buffer_free(&bytes);
    }
    cogvideo_video_free(&one);
}

static void mjpeg_holds_all_frames(void **state)
{
    cogvideo_video three = clip_make(24, 16, 3), back;
    cogvideo_error err;

    (void)state;
    assert_true(clip_round_trip(&three, "m.mjpeg", NULL) <= 8);
    CHECK_OK(cogvideo_video_read(&back, check_temp_path("m.mjpeg"), &(cogvideo_read_options){ .max_frames = 2 }, &err),
             err);
    assert_int_equal(back.frames, 2);
    cogvideo_video_free(&back);
    cogvideo_video_free(&three);
}

/* Header, size, and the colours of BT.601. */
static void check_y4m(const char *name)
{
    static const char header[] = "YUV4MPEG2 W3 H1 F25:2 Ip A1:1 C444 XCOLORRANGE=LIMITED\nFRAME\n";
    static const uint8_t planes[] = { 235, 81, 16, 128, 90, 128, 128, 240, 128 };
    cv_buffer bytes = clip_bytes(name);

    assert_int_equal(bytes.size, strlen(header) + 9 + 6 + 9);
    assert_memory_equal(bytes.data, header, strlen(header));
    assert_memory_equal(bytes.data + strlen(header), planes, 9);
    assert_memory_equal(bytes.data + strlen(header) + 9, "FRAME\n", 6);
    cv_buffer_free(&bytes);
}

static void y4m_to_files_and_standard_output(void **state)
{
    uint8_t pixels[18] = { 255, 255, 255, 255, 0, 0, 0, 0, 0 };
    cogvideo_video video = { 3, 1, 2, 12.5, pixels, 0 };
    cogvideo_error err;
    int saved, file;

    (void)state;
    CHECK_OK(cogvideo_video_write(&video, check_temp_path("y.y4m"), NULL, &err), err);
    check_y4m("y.y4m");
    fflush(stdout);
    saved = dup(1);
    file = open(check_temp_path("out"), O_WRONLY | O_CREAT, 0600);
    dup2(file, 1);
    assert_int_equal(cogvideo_video_write(&video, "-", NULL, &err), COGVIDEO_OK);
    dup2(saved, 1);
    close(saved);
    close(file);
    check_y4m("out");
}

static void sheets_are_laid_out(void **state)
{
    cogvideo_video five = clip_make(4, 4, 5), sheet;
    cogvideo_write_options options = { .columns = 2 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_write(&five, check_temp_path("sheet.ppm"), NULL, &err), err);
    CHECK_OK(cogvideo_video_read(&sheet, check_temp_path("sheet.ppm"), NULL, &err), err);
    assert_int_equal(sheet.width, 12);
    assert_int_equal(sheet.height, 8);
    cogvideo_video_free(&sheet);

    CHECK_OK(cogvideo_video_write(&five, check_temp_path("sheet.ppm"), &options, &err), err);
    CHECK_OK(cogvideo_video_read(&sheet, check_temp_path("sheet.ppm"), NULL, &err), err);
    assert_int_equal(sheet.width, 8);
    assert_int_equal(sheet.height, 12);
    assert_memory_equal(sheet.pixels + 12, five.pixels + 48, 12); /* frame 1, its first row */
    /* frame 4, its last row */
    assert_memory_equal(sheet.pixels + (8 * 8 + 8 * 3) * 3, five.pixels + 4 * 48 + 36, 12);
    assert_memory_equal(sheet.pixels + (8 * 8 + 4) * 3, ((uint8_t[12]){ 0 }), 12); /* nothing beside it */
    cogvideo_video_free(&sheet);

    options.columns = 9;
    CHECK_OK(cogvideo_video_write(&five, check_temp_path("sheet.jpg"), &options, &err), err);
    CHECK_OK(cogvideo_video_read(&sheet, check_temp_path("sheet.jpg"), NULL, &err), err);
    assert_int_equal(sheet.width, 20);
    assert_int_equal(sheet.height, 4);
    cogvideo_video_free(&sheet);
    cogvideo_video_free(&five);

    five = clip_make(16384, 1, 2);
    options.columns = 2;
    CHECK_FAILS(cogvideo_video_write(&five, check_temp_path("large.ppm"), &options, &err), COGVIDEO_ERROR_ARGUMENT,
                "32768 x 1", err);
    assert_false(cv_path_exists(check_temp_path("large.ppm")));
    cogvideo_video_free(&five);
}

static void numbered_names_are_expanded(void **state)
{
    cogvideo_video three = clip_make(5, 4, 3), back;
    cogvideo_error err;

    (void)state;
    assert_int_equal(clip_round_trip(&three, "f-%04d.ppm", NULL), 0);
    assert_true(cv_path_exists(check_temp_path("f-0000.ppm")));
    assert_true(cv_path_exists(check_temp_path("f-0002.ppm")));
    assert_false(cv_path_exists(check_temp_path("f-0003.ppm")));
    assert_true(clip_round_trip(&three, "g%d.jpg", NULL) <= 8);
    assert_true(cv_path_exists(check_temp_path("g0.jpg")));
    /* From 1 on where 0 is missing, and only to the first gap. */
    unlink(check_temp_path("f-0000.ppm"));
    CHECK_OK(cogvideo_video_read(&back, check_temp_path("f-%04d.ppm"), NULL, &err), err);
    assert_int_equal(back.frames, 2);
    cogvideo_video_free(&back);
    CHECK_OK(cogvideo_video_read(&back, check_temp_path("f-%04d.ppm"), &(cogvideo_read_options){ .max_frames = 1 },
                                 &err),
             err);
    assert_int_equal(back.frames, 1);
    cogvideo_video_free(&back);
    CHECK_FAILS(cogvideo_video_read(&back, check_temp_path("none%d.ppm"), NULL, &err), COGVIDEO_ERROR_IO,
                "neither file 0 nor file 1", err);
    cogvideo_video_free(&three);
}

static void bad_patterns_are_refused(void **state)
{
    static const char *const bad[] = { "%d%d.jpg", "%99999d.jpg", "%04d%s%d.ppm", "%4d.jpg",
                                       "%00d.jpg", "%010d.jpg",   "%0d.jpg" };
    cogvideo_video one = clip_make(2, 2, 1), back;
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_FAILS(cogvideo_video_write(&one, check_temp_path(bad[i]), NULL, &err), COGVIDEO_ERROR_ARGUMENT, "%", err);
        CHECK_FAILS(cogvideo_video_read(&back, check_temp_path(bad[i]), NULL, &err), COGVIDEO_ERROR_ARGUMENT, "%0Nd",
                    err);
    }
    CHECK_FAILS(cogvideo_video_check_path(check_temp_path("%d.y4m"), &err), COGVIDEO_ERROR_ARGUMENT, "all frames", err);
    /* In a folder's name it is a letter like any other. */
    assert_int_equal(mkdir(check_temp_path("100%"), 0700), 0);
    assert_int_equal(clip_round_trip(&one, "100%/a.ppm", NULL), 0);
    assert_int_equal(clip_round_trip(&one, "100%/%02d.ppm", NULL), 0);
    assert_true(cv_path_exists(check_temp_path("100%/00.ppm")));
    cogvideo_video_free(&one);
}

static void a_percent_sign_is_a_character(void **state)
{
    static const char *const names[] = { "50% off.ppm", "100%done.ppm", "100%.ppm", "%.ppm",  "%s%n.ppm",
                                         "a%-4d.ppm",   "%ld.ppm",      "%%.ppm",   "%%d.ppm" };
    static const struct {
        const char *pattern, *name;
    } numbered[] = {
        { "100%%-%02d.ppm", "100%-07.ppm" },    { "%d%%.ppm", "7%.ppm" },
        { "50% %d.ppm", "50% 7.ppm" },          { "%%d%d.ppm", "%d7.ppm" },
        { "a%04dth.ppm", "a0007th.ppm" },       { "%d帧.ppm", "7帧.ppm" },
        { "%d/100%%-%d.ppm", "%d/100%-7.ppm" },
    };
    cogvideo_video one = clip_make(2, 2, 1);
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(clip_round_trip(&one, names[i], NULL), 0);
        assert_true(cv_path_exists(check_temp_path(names[i])));
    }
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
        char *name = NULL;

        CHECK_OK(cv_pattern_expand(&name, numbered[i].pattern, 7, &err), err);
        assert_string_equal(name, numbered[i].name);
        cv_free(name);
    }
    cogvideo_video_free(&one);
}

static void paths_are_checked_early(void **state)
{
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_check_path("-", &err), err);
    CHECK_OK(cogvideo_video_check_path(check_temp_path("plain.JPG"), &err), err);
    CHECK_FAILS(cogvideo_video_check_path(check_temp_path("a.txt"), &err), COGVIDEO_ERROR_ARGUMENT,
                "unknown output format '.txt'; supported: .mp4", err);
    CHECK_FAILS(cogvideo_video_check_path(check_temp_path("mp4"), &err), COGVIDEO_ERROR_ARGUMENT, "ending", err);
    CHECK_FAILS(cogvideo_video_check_path("", &err), COGVIDEO_ERROR_ARGUMENT, "ending", err);
    CHECK_FAILS(cogvideo_video_check_path(check_temp_path("a.jpg/b"), &err), COGVIDEO_ERROR_ARGUMENT, "ending", err);
    CHECK_FAILS(cogvideo_video_check_path(check_temp_path("no/a.jpg"), &err), COGVIDEO_ERROR_IO, "does not exist", err);
    mkdir(check_temp_path("d.jpg"), 0700);
    CHECK_FAILS(cogvideo_video_check_path(check_temp_path("d.jpg"), &err), COGVIDEO_ERROR_IO, "is a directory", err);
    if (geteuid() != 0) {
        mkdir(check_temp_path("locked"), 0500);
        CHECK_FAILS(cogvideo_video_check_path(check_temp_path("locked/a.jpg"), &err), COGVIDEO_ERROR_IO,
                    "cannot be written", err);
    }
}

/* Whether a video may be written is known before its frames are drawn. */
static void what_is_in_the_way_is_found_early(void **state)
{
    cogvideo_video_writer *writer = NULL;
    char path[1200], partial[1210];
    cogvideo_error err;

    (void)state;
    snprintf(path, sizeof path, "%s", check_temp_path("way.y4m"));
    snprintf(partial, sizeof partial, "%s.partial", path);
    CHECK_OK(cogvideo_video_writer_open(&writer, path, 2, 2, 8, NULL, &err), err);
    for (int force = 0; force < 2; force++)
        CHECK_FAILS(cogvideo_video_check_new(path, force, &err), COGVIDEO_ERROR_IO, "another run is writing it", err);
    cogvideo_video_writer_abandon(&writer);
    check_write(partial, "what a killed run left", 4);
    for (int force = 0; force < 2; force++)
        CHECK_OK(cogvideo_video_check_new(path, force, &err), err);
    unlink(partial);
    for (int fifo = 0; fifo < 3; fifo++) { /* at last one that somebody reads */
        int reader = -1;

        assert_int_equal(fifo ? mkfifo(partial, 0600) : mkdir(partial, 0700), 0);
        if (fifo > 1)
            reader = open(partial, O_RDONLY | O_NONBLOCK);
        for (int force = 0; force < 2; force++)
            CHECK_FAILS(cogvideo_video_check_new(path, force, &err), COGVIDEO_ERROR_IO,
                        "way.y4m.partial: is not a regular file", err);
        CHECK_FAILS(cogvideo_video_writer_open(&writer, path, 2, 2, 8, NULL, &err), COGVIDEO_ERROR_IO,
                    "way.y4m.partial: is not a regular file", err);
        remove(partial);
        if (reader >= 0)
            close(reader);
    }
    assert_int_equal(mkfifo(path, 0600), 0);
    CHECK_FAILS(cogvideo_video_check_new(path, 0, &err), COGVIDEO_ERROR_IO, "is a device or a pipe", err);
    unlink(path);
    CHECK_OK(cogvideo_video_check_new("-", 0, &err), err);
}

static void options_are_checked(void **state)
{
    static const cogvideo_write_options bad[] = { { .quality = 101 }, { .quality = -1 }, { .columns = -1 },
                                                  { .fps = -1 },      { .fps = 1e9 },    { .fps = NAN } };
    cogvideo_video one = clip_make(2, 2, 1);
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(cogvideo_video_write(&one, check_temp_path("o.jpg"), &bad[i], &err), COGVIDEO_ERROR_ARGUMENT,
                    "out of range", err);
    assert_false(cv_path_exists(check_temp_path("o.jpg")));
    cogvideo_video_free(&one);
}

static void writers_commit_or_leave_nothing(void **state)
{
    static const char *const names[] = { "w.y4m", "w.mjpeg", "w.ppm" };
    cogvideo_video two = clip_make(6, 4, 2);
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        cogvideo_video_writer *writer = NULL;
        char partial[1024];

        snprintf(partial, sizeof partial, "%s.partial", check_temp_path(names[i]));
        CHECK_OK(cogvideo_video_writer_open(&writer, check_temp_path(names[i]), 6, 4, 0, NULL, &err), err);
        CHECK_OK(cogvideo_video_writer_frame(writer, two.pixels, &err), err);
        cogvideo_video_writer_abandon(&writer);
        assert_null(writer);
        assert_false(cv_path_exists(check_temp_path(names[i])));
        assert_false(cv_path_exists(partial));

        CHECK_OK(cogvideo_video_writer_open(&writer, check_temp_path(names[i]), 6, 4, 0, NULL, &err), err);
        CHECK_FAILS(cogvideo_video_writer_commit(&writer, &err), COGVIDEO_ERROR_ARGUMENT, "no frame", err);
        assert_null(writer);
        assert_false(cv_path_exists(check_temp_path(names[i])));
        cogvideo_video_writer_abandon(&writer);
    }
    cogvideo_video_free(&two);
}

/* A limit on file sizes stands in for a full disk. */
static void full_disks_are_told(void **state)
{
    static const char *const names[] = { "full.ppm", "full.jpg", "full.y4m", "full.mjpeg", "full%d.ppm" };
    cogvideo_video video = clip_make(200, 200, 3);
    struct rlimit old, small;
    cogvideo_error err;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){ 1000, old.rlim_max };
    setrlimit(RLIMIT_FSIZE, &small);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK_FAILS(cogvideo_video_write(&video, check_temp_path(names[i]), NULL, &err), COGVIDEO_ERROR_IO,
                    "cannot be written", err);
        assert_false(cv_path_exists(check_temp_path(names[i])));
    }
    setrlimit(RLIMIT_FSIZE, &old);
    assert_false(cv_path_exists(check_temp_path("full0.ppm")));
    assert_false(cv_path_exists(check_temp_path("full.y4m.partial")));
    cogvideo_video_free(&video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(fit_averages_and_interpolates),
        cmocka_unit_test(fit_weighs_parts_of_pixels),
        cmocka_unit_test(fit_survives_extreme_shapes),
        cmocka_unit_test(nearest_takes_the_floor),
        cmocka_unit_test(rates_become_fractions),
        cmocka_unit_test(comments_are_kept),
        cmocka_unit_test(mjpeg_holds_all_frames),
        cmocka_unit_test(y4m_to_files_and_standard_output),
        cmocka_unit_test(sheets_are_laid_out),
        cmocka_unit_test(numbered_names_are_expanded),
        cmocka_unit_test(bad_patterns_are_refused),
        cmocka_unit_test(a_percent_sign_is_a_character),
        cmocka_unit_test(paths_are_checked_early),
        cmocka_unit_test(what_is_in_the_way_is_found_early),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(writers_commit_or_leave_nothing),
        cmocka_unit_test(full_disks_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
