/* Pictures: PPM and JPEG there and back, and what hostile ones do. */
#include "support/check.h"
#include "support/clip.h"

static cogvideo_status read_bytes(const void *data, size_t size, cogvideo_error *err)
{
    cogvideo_video video = { 0 };
    cogvideo_status status;

    check_write(check_temp_path("hostile"), data, size);
    status = cogvideo_video_read(&video, check_temp_path("hostile"), NULL, err);
    cogvideo_video_free(&video);
    return status;
}

static void pictures_round_trip(void **state)
{
    cogvideo_video one = clip_make(33, 17, 1);
    cogvideo_write_options options = { .comment = "first\nsecond \xe6\xb5\xb7" };

    (void)state;
    assert_int_equal(clip_round_trip(&one, "a.ppm", NULL), 0);
    assert_int_equal(clip_round_trip(&one, "a.PPM", &options), 0);
    assert_true(clip_round_trip(&one, "a.jpg", &options) <= 8);
    options.quality = 60;
    assert_true(clip_round_trip(&one, "b.jpeg", &options) <= 40);
    cogvideo_video_free(&one);
}

static void ppm_headers(void **state)
{
    static const struct {
        const char *text;
        size_t size; /* 0: of the text */
        cogvideo_status status;
        const char *words;
    } files[] = {
        { "P6 1 1 255\nabc", 0, COGVIDEO_OK, "" },
        { "P6#x\n1 # y\n#z\n1\t255 abc", 0, COGVIDEO_OK, "" },
        { "P6 1 1 1\n\0\1\0", 12, COGVIDEO_OK, "" },
        { "P6 1 1 255\nabcP6 1 1 255\nabctrailing", 0, COGVIDEO_OK, "" },
        { "P6 1 1 255\nabcP6 2 1 255\nabcdef", 0, COGVIDEO_ERROR_FORMAT, "the same size" },
        { "P6 1 1 1\n\0\2\0", 12, COGVIDEO_ERROR_FORMAT, "above its maxval" },
        { "P6 0 1 255\n", 0, COGVIDEO_ERROR_FORMAT, "0 x 1" },
        { "P6 1 0 255\n", 0, COGVIDEO_ERROR_FORMAT, "1 x 0" },
        { "P6 -1 1 255\n", 0, COGVIDEO_ERROR_FORMAT, "header" },
        { "P6 1 1 0\n", 0, COGVIDEO_ERROR_FORMAT, "header" },
        { "P6 1 1 65535\nabcdef", 0, COGVIDEO_ERROR_UNSUPPORTED, "16 bits" },
        { "P6 1 1 65536\nabcdef", 0, COGVIDEO_ERROR_FORMAT, "header" },
        { "P6 1 1 255abc", 0, COGVIDEO_ERROR_FORMAT, "header" },
        { "P6 16384 16384 255\nabc", 0, COGVIDEO_ERROR_FORMAT, "is cut" },
        { "P6 16385 1 255\nabc", 0, COGVIDEO_ERROR_FORMAT, "16384" },
        { "P6 99999999999999999999 99999999999999999999 255\nabc", 0, COGVIDEO_ERROR_FORMAT, "header" },
        { "P6 4294967297 4294967297 255\nabc", 0, COGVIDEO_ERROR_FORMAT, "header" },
        { "", 0, COGVIDEO_ERROR_FORMAT, "is empty" },
    };
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size = files[i].size ? files[i].size : strlen(files[i].text);

        CHECK_FAILS(read_bytes(files[i].text, size, &err), files[i].status, files[i].words, err);
    }
}

static void ppm_samples_are_scaled(void **state)
{
    cogvideo_error err;
    cogvideo_video video;

    (void)state;
    check_write(check_temp_path("s.ppm"), "P6 1 1 100\n\x00\x32\x64", 14);
    CHECK_OK(cogvideo_video_read(&video, check_temp_path("s.ppm"), NULL, &err), err);
    assert_memory_equal(video.pixels, ((uint8_t[]){ 0, 128, 255 }), 3);
    CHECK_CLOSE(video.fps, 0, 0);
    cogvideo_video_free(&video);
}

/* Every proper beginning of a picture is refused. */
static void truncation_is_refused(void **state)
{
    static const char *const names[] = { "t.ppm", "t.jpg" };
    cogvideo_video one = clip_make(9, 9, 1);
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cv_buffer bytes;

        CHECK_OK(cogvideo_video_write(&one, check_temp_path(names[i]), NULL, &err), err);
        bytes = clip_bytes(names[i]);
        for (size_t size = 0; size < bytes.size; size++) {
            cogvideo_status status = read_bytes(bytes.data, size, &err);

            /* One or two bytes tell nothing; they go to FFmpeg, which may be missing. */
            if (size < 3 && status == COGVIDEO_ERROR_UNSUPPORTED)
                continue;
            assert_int_equal(status, COGVIDEO_ERROR_FORMAT);
            assert_non_null(strstr(err.message, "hostile"));
        }
        CHECK_OK(read_bytes(bytes.data, bytes.size, &err), err);
        cv_buffer_free(&bytes);
    }
    cogvideo_video_free(&one);
}

static void hostile_jpegs_are_refused(void **state)
{
    cogvideo_video one = clip_make(16, 16, 1);
    cogvideo_error err;
    cv_buffer bytes;
    char *frame;

    (void)state;
    CHECK_OK(cogvideo_video_write(&one, check_temp_path("h.jpg"), NULL, &err), err);
    bytes = clip_bytes("h.jpg");
    frame = memmem(bytes.data, bytes.size, "\xff\xc0", 2);
    assert_non_null(frame);
    memcpy(frame + 5, "\xff\xff\xff\xff", 4); /* SOF: marker, length 2, precision 1, height 2, width 2 */
    CHECK_FAILS(read_bytes(bytes.data, bytes.size, &err), COGVIDEO_ERROR_FORMAT, "", err);
    memcpy(frame + 5, "\x40\x00\x40\x00", 4);
    CHECK_FAILS(read_bytes(bytes.data, bytes.size, &err), COGVIDEO_ERROR_FORMAT, "16384 x 16384", err);
    memcpy(frame + 5, "\x00\x10\x00\x00", 4);
    CHECK_FAILS(read_bytes(bytes.data, bytes.size, &err), COGVIDEO_ERROR_FORMAT, "", err);
    memcpy(frame + 5, "\x00\x40\x00\x40", 4); /* larger than its data */
    CHECK_FAILS(read_bytes(bytes.data, bytes.size, &err), COGVIDEO_ERROR_FORMAT, "cannot be decoded", err);
    CHECK_FAILS(read_bytes("\xff\xd8\xff\xff\xff\xff", 6, &err), COGVIDEO_ERROR_FORMAT, "JPEG", err);
    cv_buffer_free(&bytes);
    /* Any one byte changed: an error or a picture, never worse. */
    CHECK_OK(cogvideo_video_write(&one, check_temp_path("h.jpg"), NULL, &err), err);
    bytes = clip_bytes("h.jpg");
    for (size_t i = 0; i < bytes.size; i++) {
        cogvideo_status status;

        bytes.data[i] ^= 0x55;
        status = read_bytes(bytes.data, bytes.size, &err);
        assert_true(status == COGVIDEO_OK || status == COGVIDEO_ERROR_FORMAT || status == COGVIDEO_ERROR_UNSUPPORTED);
        bytes.data[i] ^= 0x55;
    }
    cv_buffer_free(&bytes);
    cogvideo_video_free(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_round_trip),       cmocka_unit_test(ppm_headers),
        cmocka_unit_test(ppm_samples_are_scaled),    cmocka_unit_test(truncation_is_refused),
        cmocka_unit_test(hostile_jpegs_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
