/* Pictures by the program: from a prompt through both super-resolutions, and photos with a hole. The same from any
 * batch, number of threads and interruption; and what is refused. */
#include "support/check.h"
#include "support/clip.h"
#include "support/models.h"
#include "support/program.h"

#include <signal.h>
#include <unistd.h>

#define PROMPT "一个红色的圆形向左移动"
#define PICTURE "picture -q --model m " PROMPT " --seed 5 "
#define HOLE PICTURE "--image photo.ppm --mask 70,40,50,60 "
#define SIDE 128 /* of photos: 16x16 codes at rate 8 */

static int start(void **state)
{
    cogvideo_video photo = clip_make(SIDE, SIDE, 1);
    cogvideo_error err;

    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f32", "plain");
    models_import_small("f32", "m");
    models_add_upscaler("m");
    models_add_refiner("m");
    CHECK_OK(cogvideo_video_write(&photo, check_temp_path("photo.ppm"), NULL, &err), err);
    cogvideo_video_free(&photo);
    program_ok(PICTURE "--samples 2 -o cat-%%d.ppm");
    program_ok(HOLE "--samples 2 -o hole-%%d.ppm");
    return 0;
}

/* A picture's codes are those of the steps one by one; a first frame is the same as that of key frames. */
static void pictures_go_through_all_steps(void **state)
{
    (void)state;
    program_ok("keyframes -q --model m " PROMPT " --seed 5 --count 1 -o first.jsonl");
    program_ok("upscale -q --model m first.jsonl -o high.jsonl");
    program_ok("refine -q --model m high.jsonl -o fine.jsonl");
    program_check("tokens compare -q first.jsonl cat-0.first_frame.jsonl", 0, "");
    program_check("tokens compare -q high.jsonl cat-0.upscaled.jsonl", 0, "");
    program_check("tokens compare -q fine.jsonl cat-0.jsonl", 0, "");
    program_ok(PICTURE "--no-refine -o cat.jsonl");
    program_check("tokens compare -q high.jsonl cat.jsonl", 0, "");
    assert_int_equal(access(check_temp_path("cat.ppm"), F_OK), -1);
    program_ok("picture -q --model plain " PROMPT " --seed 5 -o plain.ppm");
    program_check("tokens compare -q first.jsonl plain.jsonl", 0, "");
}

static void batch_and_threads_change_nothing(void **state)
{
    (void)state;
    program_ok(PICTURE "--first-sample 1 --threads 1 -o one.ppm");
    program_equal_files("one.ppm", "cat-1.ppm");
    program_ok(HOLE "--first-sample 1 --threads 1 -o hole.ppm");
    program_equal_files("hole.ppm", "hole-1.ppm");
    program_equal_files("hole.completed.jsonl", "hole-1.completed.jsonl");
}

static void runs_go_on_where_they_were(void **state)
{
    static const int lines[] = { 3, 7, 18, 27 }; /* in each of the steps */

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        program_interrupt(SIGTERM, "kill.journal", lines[i], HOLE "-o kill.ppm");
        program_ok(HOLE "-o kill.ppm --resume");
        program_equal_files("kill.ppm", "hole-0.ppm");
        program_ok("%s", "--version; rm -f $COGVIDEO_TEST_TEMP/kill.*");
    }
}

/* How many pixels differ from the photo's outside of the hole. */
static int changed_outside(const char *name)
{
    cogvideo_video photo, picture;
    cogvideo_error err;
    int changed = 0;

    CHECK_OK(cogvideo_video_read(&photo, check_temp_path("photo.ppm"), NULL, &err), err);
    CHECK_OK(cogvideo_video_read(&picture, check_temp_path(name), NULL, &err), err);
    assert_int_equal(picture.width, SIDE);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const size_t at = 3 * (size_t)(y * SIDE + x);

            if (x < 70 || x >= 120 || y < 40 || y >= 100)
                changed += memcmp(photo.pixels + at, picture.pixels + at, 3) != 0;
        }
    cogvideo_video_free(&photo);
    cogvideo_video_free(&picture);
    return changed;
}

static void what_is_not_masked_can_stay(void **state)
{
    (void)state;
    assert_true(changed_outside("hole-0.ppm") > 1000); /* all of it was codes meanwhile */
    program_ok(HOLE "--keep-outside -o kept.ppm");
    assert_int_equal(changed_outside("kept.ppm"), 0);
    program_check("tokens compare -q kept.jsonl hole-0.jsonl", 0, "");
    /* a video that is made again is made in the same way; another way is another video */
    program_ok("--version; rm $COGVIDEO_TEST_TEMP/kept.ppm");
    program_ok(HOLE "--keep-outside -o kept.ppm --resume");
    assert_int_equal(changed_outside("kept.ppm"), 0);
    program_ok(HOLE "-o kept.ppm --resume");
    program_equal_files("kept.ppm", "hole-0.ppm");
}

/* A photo that is no square is cut to its centre, and so is its mask. */
static void wide_photos_are_cut(void **state)
{
    cogvideo_video photo = clip_make(SIDE, SIDE, 1), wide = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_alloc(&wide, SIDE + 20, SIDE, 1, 0, &err), err);
    for (int y = 0; y < SIDE; y++)
        memcpy(wide.pixels + 3 * (y * (SIDE + 20) + 10), photo.pixels + 3 * y * SIDE, 3 * SIDE);
    CHECK_OK(cogvideo_video_write(&wide, check_temp_path("wide.ppm"), NULL, &err), err);
    cogvideo_video_free(&photo);
    cogvideo_video_free(&wide);
    program_ok(PICTURE "--image wide.ppm --mask 80,40,50,60 -o wide-hole.ppm");
    program_equal_files("wide-hole.ppm", "hole-0.ppm");
}

/* A mask as a picture is the same as a rectangle of the same pixels. */
static void masks_are_pictures_too(void **state)
{
    cogvideo_video mask = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_alloc(&mask, SIDE, SIDE, 1, 0, &err), err);
    for (int y = 40; y < 100; y++)
        memset(mask.pixels + 3 * (y * SIDE + 70), 255, 3 * 50);
    CHECK_OK(cogvideo_video_write(&mask, check_temp_path("mask.ppm"), NULL, &err), err);
    cogvideo_video_free(&mask);
    program_ok(PICTURE "--image photo.ppm --mask mask.ppm -o masked.ppm");
    program_equal_files("masked.ppm", "hole-0.ppm");
}

static void the_best_go_on(void **state)
{
    (void)state;
    program_ok(PICTURE "--samples 3 --keep 1 -o best-%%d.ppm --json");
    assert_non_null(strstr(program_output(), "\"score\":"));
    program_ok("--version >/dev/null; ls $COGVIDEO_TEST_TEMP | grep -c '^best-.*\\.ppm$'");
    assert_string_equal(program_output(), "1\n");
    program_ok("--version >/dev/null; ls $COGVIDEO_TEST_TEMP | grep -c '^best-.*first_frame'");
    assert_string_equal(program_output(), "1\n");
    program_ok(PICTURE "--samples 3 --keep 1 -o best-%%d.ppm --resume");
    program_check(PICTURE "--samples 3 --keep 2 -o best-%d.ppm --resume" STDERR, 1, "\"best\":1 and not \"best\":2");
    program_check(PICTURE "--samples 4 --keep 1 -o best-%d.ppm --resume" STDERR, 1,
                  "\"samples\":3 and not \"samples\":4");
    program_check(PICTURE "--samples 3 -o best-%d.ppm --resume" STDERR, 1, "best-");
}

/* Killed in the first step, and in those that only the best go through. */
static void choosing_goes_on(void **state)
{
    static const int lines[] = { 10, 40 };

    (void)state;
    program_ok(PICTURE "--samples 3 --keep 1 -o whole-%%d.ppm");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        program_interrupt(SIGTERM, "part.journal", lines[i], PICTURE "--samples 3 --keep 1 -o part-%%d.ppm");
        program_ok(PICTURE "--samples 3 --keep 1 -o part-%%d.ppm --resume");
        program_ok("--version >/dev/null; cd $COGVIDEO_TEST_TEMP; cat part-*.ppm | cmp - whole-*.ppm; "
                   "test $(ls part-* | wc -l) = $(ls whole-* | wc -l); rm part-*");
    }
}

static void what_cannot_be_is_refused(void **state)
{
    static char mask[15 + 128 * 128 * 3];

    (void)state;
    program_check("picture --model m -o x.ppm" STDERR, 2, "a prompt is missing");
    program_check("picture --model m " PROMPT STDERR, 2, "an output is missing");
    program_check("picture --model m '' -o x.ppm" STDERR, 1, "the prompt is empty");
    program_check("picture --model m " PROMPT " -o x-%d.ppm" STDERR, 2, "takes no number");
    program_check("picture --model m " PROMPT " --samples 2 -o x.ppm" STDERR, 2, "needs a number");
    program_check("picture --model m " PROMPT " --samples 2 --keep 3 -o x%d.ppm" STDERR, 2, "more than --samples");
    program_check("picture --model m " PROMPT " --style oil -o x.ppm" STDERR, 1, "the model has no styles");
    program_check("picture --model m " PROMPT " --keep-outside -o x.ppm" STDERR, 2, "belongs to --image");
    program_check("picture --model m " PROMPT " --image photo.ppm -o x.ppm" STDERR, 2, "--mask is missing");
    program_check("picture --model m " PROMPT " --image none.ppm --mask 1,1,9,9 -o x.ppm" STDERR, 1, "none.ppm");
    program_check("picture --model m " PROMPT " --image photo.ppm --mask 0,0,128,128 -o x.ppm" STDERR, 1,
                  "marks everything that the model would see");
    program_check("picture --model m " PROMPT " --image photo.ppm --mask 100,0,30,10 -o x.ppm" STDERR, 1,
                  "does not lie within");
    program_check("picture --model m " PROMPT " --image photo.ppm --mask first.ppm -o x.ppm" STDERR, 1, "first.ppm");
    program_ok("decode -q --model m first.jsonl --size 0 -o first.ppm");
    program_check("picture --model m " PROMPT " --image photo.ppm --mask first.ppm -o x.ppm" STDERR, 1,
                  "the mask has 64x64 pixels, and the picture 128x128");
    program_check("picture --model m " PROMPT " --image high.jsonl --mask 1,1,2,2 -o x.ppm" STDERR, 1,
                  "has pictures of 16x16 codes, and this model draws 8x8");
    program_check("picture --model m " PROMPT " --image first.jsonl --mask 1,1,2,2 --keep-outside -o x.ppm" STDERR, 2,
                  "keeps pixels");
    program_check("picture --model m " PROMPT " -o cat-0.ppm" STDERR, 1, "cat-0.ppm");
    program_check("picture --model m " PROMPT " --image first.jsonl --mask 1,1,2,2 --force -o first.png" STDERR, 1,
                  "--image and the output have the same file, ");
    snprintf(mask, sizeof mask, "P6 128 128 255\n");
    memset(mask + 15, 255, 40 * 128 * 3); /* bright above */
    check_write(check_temp_path("mask.ppm"), mask, sizeof mask);
    program_check("picture --model m " PROMPT " --image photo.ppm --mask mask.ppm --force -o mask.ppm" STDERR, 1,
                  "--mask and the output have the same file, ");
    program_ok("picture -q --model m " PROMPT " --image mask.ppm --mask mask.ppm -o both.ppm");
    program_check("picture --model m " PROMPT " --image photo.ppm --mask nan,0,1,1 -o x.ppm" STDERR, 2,
                  "four numbers x,y,w,h were expected");
    program_check("picture --model m " PROMPT " -o -" STDERR, 1, "cannot write to standard output: give a file");
    program_ok("decode -q --model m first.jsonl --size 0 -o photo.jpg");
    program_check("score --model m --caption " PROMPT " photo.jpg" STDERR, 1, "which 'cogvideo encode' makes of");
    program_check("picture --model m " PROMPT " --max-memory 0.001 -o x.ppm" STDERR, 1, "MB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_go_through_all_steps),
        cmocka_unit_test(batch_and_threads_change_nothing),
        cmocka_unit_test(runs_go_on_where_they_were),
        cmocka_unit_test(what_is_not_masked_can_stay),
        cmocka_unit_test(masks_are_pictures_too),
        cmocka_unit_test(wide_photos_are_cut),
        cmocka_unit_test(the_best_go_on),
        cmocka_unit_test(choosing_goes_on),

        cmocka_unit_test(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
