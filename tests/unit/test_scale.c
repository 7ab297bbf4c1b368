/* The resizings of published metrics, and ICETK's, by what is true of each without an original: constant pictures,
 * sizes that stay, and that a square is what resizing all of a frame and cutting it by hand gives. */
#include "support/check.h"
#include "support/seeded.h"

#include "media/icetk.h"
#include "media/scale.h"

#include <cogvideo/video.h>

#define MAX (80 * 80)

typedef struct picture {
    int height, width;
    uint8_t pixels[MAX * 3];
    float planes[MAX * 3];
} picture;

static void draw(picture *p, int height, int width)
{
    p->height = height;
    p->width = width;
    for (int i = 0; i < height * width * 3; i++) {
        p->pixels[i] = (uint8_t)(128 + 127 * (double)seeded_unit(1, "picture", (size_t)i));
        p->planes[i % 3 * (height * width) + i / 3] = p->pixels[i];
    }
}

static bool is_pil(cv_scale scale)
{
    return scale == CV_SCALE_PIL_BICUBIC || scale == CV_SCALE_PIL_BILINEAR || scale == CV_SCALE_PIL_LANCZOS;
}

static void a_constant_picture_stays_constant(void **state)
{
    static const int sizes[][4] = { { 7, 5, 7, 5 },
                                    { 7, 5, 3, 9 },
                                    { 1, 1, 6, 4 },
                                    { 40, 31, 1, 1 },
                                    { 2, 60, 30, 7 } };
    static float out[MAX * 3];
    uint8_t pixels[40 * 40 * 3];

    (void)state;
    memset(pixels, 201, sizeof pixels);
    for (int kind = CV_SCALE_NONE + 1; kind < CV_SCALES; kind++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const int *z = sizes[s];
            cogvideo_error err;

            CHECK_OK(cv_scale_u8(out, z[2], z[3], pixels, z[0], z[1], (cv_scale)kind, &err), err);
            for (int i = 0; i < 3 * z[2] * z[3]; i++)
                CHECK_CLOSE(out[i], 201, is_pil((cv_scale)kind) ? 0 : 1e-4);
        }
}

static void the_same_size_is_the_same_picture(void **state)
{
    static picture p;
    static float out[MAX * 3];

    (void)state;
    draw(&p, 19, 23);
    for (int kind = 0; kind < CV_SCALES; kind++) {
        cogvideo_error err;

        CHECK_OK(cv_scale_u8(out, 19, 23, p.pixels, 19, 23, (cv_scale)kind, &err), err);
        assert_memory_equal(out, p.planes, 19 * 23 * 3 * sizeof *out);
        memset(out, 0, sizeof out);
        CHECK_OK(cv_scale_planes(out, 19, 23, p.planes, 19, 23, (cv_scale)kind, &err), err);
        assert_memory_equal(out, p.planes, 19 * 23 * 3 * sizeof *out);
    }
}

/* Where one side stays, the other is resized as ever: a picture of equal rows stays one. */
static void sides_are_resized_apart(void **state)
{
    static float out[MAX * 3], row[MAX * 3];
    uint8_t pixels[5 * 11 * 3];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i % 33 * 37 + 5);
    for (int kind = CV_SCALE_NONE + 1; kind < CV_SCALES; kind++) {
        cogvideo_error err;

        CHECK_OK(cv_scale_u8(row, 1, 8, pixels, 1, 11, (cv_scale)kind, &err), err);
        CHECK_OK(cv_scale_u8(out, 5, 8, pixels, 5, 11, (cv_scale)kind, &err), err);
        for (int i = 0; i < 3 * 5 * 8; i++)
            assert_true(out[i] == row[i / 40 * 8 + i % 8]);
    }
}

/* What cutting a square of `side` at top, left from planes [3][height][width] gives. */
static void cut(float *out, int side, const float *planes, int height, int width, int top, int left)
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++)
                *out++ = planes[(c * height + top + y) * width + left + x];
}

static void squares_are_resized_then_cut(void **state)
{
    /* Frame; the square's side; the resized frame; where the square lies in it. Half a pixel is rounded to even by
     * the first and down by the second. */
    static const struct {
        cv_crop crop;
        int height, width, side, resized_height, resized_width, top, left;
    } cases[] = {
        { CV_CROP_SHORT_EVEN, 20, 37, 16, 16, 29, 0, 6 }, /* 6.5 */
        { CV_CROP_SHORT_EVEN, 37, 20, 12, 22, 12, 5, 0 }, /* 22.2, 5 */
        { CV_CROP_SHORT_EVEN, 20, 24, 16, 16, 19, 0, 2 }, /* 19.2, 1.5 */
        { CV_CROP_SHORT_CEIL, 20, 37, 16, 16, 30, 0, 7 },
        { CV_CROP_SHORT_CEIL, 24, 20, 16, 20, 16, 2, 0 }, /* 19.2, 2 */
        { CV_CROP_SHORT_CEIL, 20, 20, 31, 31, 31, 0, 0 },
        { CV_CROP_SQUASH, 20, 37, 16, 16, 16, 0, 0 },
    };
    static picture p;
    static float whole[MAX * 3], expected[MAX * 3], out[MAX * 3];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int kind = CV_SCALE_NONE + 1; kind < CV_SCALES; kind++) {
            int side = cases[i].side;
            cogvideo_error err;

            draw(&p, cases[i].height, cases[i].width);
            CHECK_OK(cv_scale_planes(whole, cases[i].resized_height, cases[i].resized_width, p.planes, p.height,
                                     p.width, (cv_scale)kind, &err),
                     err);
            cut(expected, side, whole, cases[i].resized_height, cases[i].resized_width, cases[i].top, cases[i].left);
            CHECK_OK(cv_scale_to_square(out, side, p.pixels, p.height, p.width, (cv_scale)kind, cases[i].crop, &err),
                     err);
            assert_memory_equal(out, expected, (size_t)side * (size_t)side * 3 * sizeof *out);
            memset(out, 0, sizeof out);
            CHECK_OK(cv_scale_planes_to_square(out, side, p.planes, p.height, p.width, (cv_scale)kind, cases[i].crop,
                                               &err),
                     err);
            assert_memory_equal(out, expected, (size_t)side * (size_t)side * 3 * sizeof *out);
        }
}

static void a_centred_square_is_cut_then_resized(void **state)
{
    static picture p;
    static float middle[MAX * 3], expected[MAX * 3], out[MAX * 3];

    (void)state;
    for (int kind = 0; kind < CV_SCALES; kind++)
        for (int tall = 0; tall < 2; tall++) {
            int side = kind == CV_SCALE_NONE ? 20 : 13;
            cogvideo_error err;

            draw(&p, tall ? 23 : 20, tall ? 20 : 23);
            cut(middle, 20, p.planes, p.height, p.width, tall ? 2 : 0, tall ? 0 : 2);
            CHECK_OK(cv_scale_planes(expected, side, side, middle, 20, 20, (cv_scale)kind, &err), err);
            CHECK_OK(cv_scale_to_square(out, side, p.pixels, p.height, p.width, (cv_scale)kind, CV_CROP_CENTRE_SQUARE,
                                        &err),
                     err);
            assert_memory_equal(out, expected, (size_t)side * (size_t)side * 3 * sizeof *out);
        }
}

static void wrong_sizes_are_refused(void **state)
{
    static picture p;
    float out[300];
    cogvideo_error err;

    (void)state;
    draw(&p, 10, 12);
    CHECK_FAILS(cv_scale_u8(out, 10, 10, p.pixels, 10, 12, CV_SCALE_NONE, &err), COGVIDEO_ERROR_ARGUMENT,
                "frames of 12 x 10 pixels must be resized to 10 x 10", err);
    for (int crop = 0; crop < CV_CROPS; crop++)
        CHECK_FAILS(cv_scale_to_square(out, 9, p.pixels, 10, 12, CV_SCALE_NONE, (cv_crop)crop, &err),
                    COGVIDEO_ERROR_ARGUMENT, "must be resized to 9 x 9", err);
    CHECK_FAILS(cv_scale_u8(out, 10, 0, p.pixels, 10, 12, CV_SCALE_TF1, &err), COGVIDEO_ERROR_ARGUMENT, "0", err);
    CHECK_FAILS(cv_scale_u8(out, 10, 10, p.pixels, 10, 1 << 20, CV_SCALE_TF1, &err), COGVIDEO_ERROR_ARGUMENT, "1048576",
                err);
}

/* --- ICETK ----------------------------------------------------------------------------------------------------- */

/* Where result i of a side lies between the values of the picture. */
typedef struct between {
    int low, high;
    double share; /* of the high one */
} between;

static between place(int i, int in, int out)
{
    const double x = fmax((i + 0.5) * in / out - 0.5, 0);
    const int low = (int)x;

    return (between){ low, low + 1 < in ? low + 1 : in - 1, x - low };
}

/* The rule of ICETK by its formula, value by value. */
static double icetk_value(const picture *p, int size, int row, int column, int colour)
{
    const int shorter = p->height < p->width ? p->height : p->width;
    const int height = size * p->height / shorter, width = size * p->width / shorter;
    const between y = place(row + (int)lrint((height - size) / 2.0), p->height, height);
    const between x = place(column + (int)lrint((width - size) / 2.0), p->width, width);
    const float *plane = p->planes + colour * p->height * p->width;
    const double above = (1 - x.share) * (double)plane[y.low * p->width + x.low] +
                         x.share * (double)plane[y.low * p->width + x.high],
                 below = (1 - x.share) * (double)plane[y.high * p->width + x.low] +
                         x.share * (double)plane[y.high * p->width + x.high];

    return (1 - y.share) * above + y.share * below;
}

static void icetk_resizes_by_its_rule(void **state)
{
    static const int sizes[][3] = { { 40, 40, 40 }, { 40, 57, 16 }, { 61, 33, 20 }, { 9, 12, 32 },
                                    { 3, 79, 7 },   { 33, 20, 20 }, { 1, 5, 4 },    { 23, 20, 20 } };
    static picture p;
    static float planes[MAX * 3];
    static uint8_t pixels[MAX * 3], framed[MAX * 3];
    cogvideo_error err;

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int size = sizes[s][2];

        draw(&p, sizes[s][0], sizes[s][1]);
        CHECK_OK(cv_icetk_resize(pixels, size, p.pixels, p.height, p.width, &err), err);
        CHECK_OK(cv_icetk_resize_planes(planes, size, p.planes, p.height, p.width, &err), err);
        CHECK_OK(cogvideo_frame_resize(
                     framed, &(cogvideo_frame){ .width = p.width, .height = p.height, .pixels = p.pixels, .aspect = 2 },
                     size, size, COGVIDEO_RESIZE_ICETK, &err),
                 err);
        for (int i = 0; i < 3 * size * size; i++) {
            const double expected = icetk_value(&p, size, i / 3 / size, i / 3 % size, i % 3);

            CHECK_CLOSE(planes[i % 3 * size * size + i / 3], expected, 1e-3);
            CHECK_CLOSE(pixels[i], expected, 0.5 + 1e-3);
            assert_int_equal(framed[i], pixels[i]);
        }
    }
}

/* Between 0 and 1, and between 1 and 2, lie halves: each becomes an even number. */
static void icetk_rounds_halves_to_even(void **state)
{
    static const uint8_t row[2 * 4 * 3] = { 0, 1, 2, 1, 2, 3, 9, 9, 9, 9, 9, 9, 0, 1, 2, 1, 2, 3, 9, 9, 9, 9, 9, 9 };
    static const uint8_t tall[8 * 3] = { 0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23,
                                         4, 14, 24, 5, 15, 25, 6, 16, 26, 7, 17, 27 };
    uint8_t out[2 * 2 * 3];
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_icetk_resize(out, 1, row, 2, 4, &err), err); /* 2 wide, of which the first is taken */
    assert_memory_equal(out, ((const uint8_t[]){ 0, 2, 2 }), 3);
    CHECK_OK(cv_icetk_resize(out, 1, tall, 8, 1, &err), err); /* 7 are over: from 3.5, which is 4 */
    assert_memory_equal(out, ((const uint8_t[]){ 4, 14, 24 }), 3);
    CHECK_OK(cv_icetk_resize(out, 1, tall, 6, 1, &err), err); /* 5 are over: from 2.5, which is 2 */
    assert_memory_equal(out, ((const uint8_t[]){ 2, 12, 22 }), 3);
}

static void icetk_refuses_what_it_cannot_make(void **state)
{
    static picture p;
    static uint8_t out[MAX * 3], other[MAX * 3];
    cogvideo_frame frame = { .width = 12, .height = 10, .pixels = p.pixels };
    cogvideo_error err;

    (void)state;
    draw(&p, 10, 12);
    CHECK_FAILS(cogvideo_frame_resize(out, &frame, 16, 8, COGVIDEO_RESIZE_ICETK, &err), COGVIDEO_ERROR_ARGUMENT,
                "squares only, not frames of 16 x 8 pixels", err);
    CHECK_FAILS(cogvideo_frame_resize(out, &frame, 0, 0, COGVIDEO_RESIZE_ICETK, &err), COGVIDEO_ERROR_ARGUMENT, "0 x 0",
                err);
    CHECK_FAILS(cogvideo_frame_resize(out, &frame, 16385, 16385, COGVIDEO_RESIZE_ICETK, &err), COGVIDEO_ERROR_ARGUMENT,
                "16385", err);
    CHECK_FAILS(cv_icetk_resize(out, 8, p.pixels, 0, 12, &err), COGVIDEO_ERROR_ARGUMENT, "12 x 0", err);
    CHECK_OK(cogvideo_frame_resize(out, &frame, 16, 8, COGVIDEO_RESIZE_AREA, &err), err);
    CHECK_OK(cogvideo_frame_fit(other, &frame, 16, 8, &err), err);
    assert_memory_equal(out, other, 16 * 8 * 3);
}

static void names_are_read_back(void **state)
{
    cv_scale scale;
    cv_crop crop;

    (void)state;
    for (int i = 0; i < CV_SCALES; i++)
        assert_true(cv_scale_parse(&scale, cv_scale_name((cv_scale)i)) && (int)scale == i);
    for (int i = 0; i < CV_CROPS; i++)
        assert_true(cv_crop_parse(&crop, cv_crop_name((cv_crop)i)) && (int)crop == i);
    assert_false(cv_scale_parse(&scale, "pil"));
    assert_false(cv_crop_parse(&crop, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_picture_stays_constant),
        cmocka_unit_test(the_same_size_is_the_same_picture),
        cmocka_unit_test(sides_are_resized_apart),
        cmocka_unit_test(squares_are_resized_then_cut),
        cmocka_unit_test(a_centred_square_is_cut_then_resized),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(icetk_resizes_by_its_rule),
        cmocka_unit_test(icetk_rounds_halves_to_even),
        cmocka_unit_test(icetk_refuses_what_it_cannot_make),
        cmocka_unit_test(names_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
