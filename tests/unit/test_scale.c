/* The resizings of published metrics by what is true of each without an original: constant pictures, sizes that stay,
 * and that a square is what resizing all of a frame and cutting it by hand gives. */
#include "support/check.h"
#include "support/seeded.h"

#include "media/scale.h"

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
        cmocka_unit_test(names_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
