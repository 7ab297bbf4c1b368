/* JPEGs that every viewer opens, and so must this. */
#include "support/check.h"
#include "support/clip.h"
#include "support/seen.h"

#include <jpeglib.h>

/* A plain one of 16 x 16 in four inks, all pixels alike. */
static void write_inks(const char *name, const uint8_t inks[4], bool adobe)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    uint8_t line[64];
    JSAMPROW row = line;

    for (int i = 0; i < 64; i++)
        line[i] = inks[i % 4];
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = jpeg.image_height = 16;
    jpeg.input_components = 4;
    jpeg.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, adobe ? JCS_YCCK : JCS_CMYK);
    jpeg.write_Adobe_marker = adobe;
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height)
        jpeg_write_scanlines(&jpeg, &row, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    check_write(check_temp_path(name), bytes, size);
    free(bytes);
}

static void inks_become_light(void **state)
{
    /* Adobe's are the light that is left */
    const uint8_t inks[4] = { 0, 255, 128, 51 }, light[4] = { 255, 0, 127, 204 };
    cogvideo_error err;
    seen s;

    (void)state;
    for (int adobe = 0; adobe < 2; adobe++) {
        write_inks("inks.jpg", adobe ? light : inks, adobe);
        CHECK_OK(see(&s, check_temp_path("inks.jpg"), 0, &err), err);
        CHECK_CLOSE(s.first[0][0], 204, 3);
        CHECK_CLOSE(s.first[0][1], 0, 3);
        CHECK_CLOSE(s.first[0][2], 102, 3);
    }
}

/* Some phones say in the scan's header that it ends at coefficient 0. */
static void odd_scan_headers_are_read(void **state)
{
    cogvideo_video one = clip_make(16, 16, 1);
    cogvideo_error err;
    cv_buffer bytes;
    char *scan;
    seen s;

    (void)state;
    CHECK_OK(cogvideo_video_write(&one, check_temp_path("o.jpg"), NULL, &err), err);
    bytes = clip_bytes("o.jpg");
    assert_non_null(scan = memmem(bytes.data, bytes.size, "\xff\xda", 2));
    assert_int_equal(scan[12], 63); /* marker, length 2, count 1, 3 components of 2, Ss, Se */
    scan[12] = 0;
    check_write(check_temp_path("o.jpg"), bytes.data, bytes.size);
    CHECK_OK(see(&s, check_temp_path("o.jpg"), 0, &err), err);
    cv_buffer_free(&bytes);
    cogvideo_video_free(&one);
}

/* A second picture behind the first is a frame of a stream, or a part of a photograph. */
static void photographs_are_one_picture(void **state)
{
    static const struct {
        const char *name, *mark;
        size_t size;
        int frames;
    } files[] = {
        { "a.mjpeg", "\xff\xe2\0\x06MPF", 8, 2 },
        { "a", "", 0, 2 },
        { "a.jpg", "", 0, 1 },
        { "a", "\xff\xe2\0\x06MPF", 8, 1 },
        { "a", "\xff\xe1\0\x2ahttp://ns.adobe.com/xap/1.0/\0hdrgm:Vers", 44, 1 },
    };
    cogvideo_video two = clip_make(16, 16, 2);
    cogvideo_error err;
    seen s;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cv_buffer bytes;

        CHECK_OK(cogvideo_video_write(&two, check_temp_path("plain.mjpeg"), NULL, &err), err);
        bytes = clip_bytes("plain.mjpeg");
        check_write(check_temp_path(files[i].name), bytes.data, bytes.size);
        clip_insert(files[i].name, 2, files[i].mark, files[i].size);
        CHECK_OK(see(&s, check_temp_path(files[i].name), 0, &err), err);
        assert_int_equal(s.frames, files[i].frames);
        cv_buffer_free(&bytes);
    }
    cogvideo_video_free(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inks_become_light),
        cmocka_unit_test(odd_scan_headers_are_read),
        cmocka_unit_test(photographs_are_one_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
