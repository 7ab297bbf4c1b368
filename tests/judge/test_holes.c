/* The model that ships fills holes: half of an object is cut out of a first frame that training never saw, and the
 * judge looks at what `picture --mask` draws there. Left, right, upper and lower halves in turn, under captions in both
 * languages. */
#include "support/check.h"
#include "support/program.h"

#include "family/cogvideo/model/model.h"
#include "judge/judge.h"

#include <cogvideo/video.h>

#include <math.h>

enum { HOLES = 50, CODE = 8 /* pixels on a side of one code */ };

/* The hole in the frame of a pose, in pixels: x, y, width, height of whole codes. */
static void lay_hole(cv_shapes_pose pose, int side, int hole[4])
{
    const double centre[2] = { pose.x, pose.y };

    for (int axis = 0; axis < 2; axis++) {
        int begin = (int)floor((centre[axis] - pose.radius) / CODE),
            end = (int)ceil((centre[axis] + pose.radius) / CODE);

        if (axis == side / 2 && side % 2 == 0)
            end = (int)lround(centre[axis] / CODE);
        else if (axis == side / 2)
            begin = (int)lround(centre[axis] / CODE);
        hole[axis] = begin * CODE;
        hole[2 + axis] = (end - begin) * CODE;
    }
}

/* Cuts and fills hole number i, in the first frame of a combination. */
static void look_at_hole(judge *j, const cv_shapes *world, int i, int combination, judge_verdict *verdict)
{
    uint8_t pixels[CV_SHAPES_SIDE * CV_SHAPES_SIDE * 3];
    cogvideo_video frame = { .width = world->side, .height = world->side, .frames = 1, .pixels = pixels },
                   filled = { 0 };
    char caption[CV_SHAPES_CAPTION];
    cogvideo_error err;
    int hole[4];

    cv_shapes_frame(world, combination, (uint64_t)i, 0, pixels);
    lay_hole(cv_shapes_pose_at(world, combination, (uint64_t)i, 0), i % 4, hole);
    cv_shapes_caption(world, combination, (cv_shapes_language)(i / 4 % CV_SHAPES_LANGUAGES), caption);
    CHECK_OK(cogvideo_video_write(&frame, check_temp_path("whole.ppm"), NULL, &err), err);
    program_ok("picture --model \"$COGVIDEO_WEIGHTS\"/shapes \"%s\" --image whole.ppm --mask %d,%d,%d,%d --seed %d "
               "--size 0 -f -q -o filled.ppm",
               caption, hole[0], hole[1], hole[2], hole[3], i);
    CHECK_OK(cogvideo_video_read(&filled, check_temp_path("filled.ppm"), NULL, &err), err);
    assert_int_equal(filled.width, world->side);
    judge_look(j, filled.pixels, 1, verdict);
    cogvideo_video_free(&filled);
}

/* A trunk that was trained without CogLM's masks has no position for the last code, and `picture --mask` says so. */
static bool can_complete(void)
{
    cogvideo_model *model = NULL;
    cogvideo_error err;
    const char *weights = getenv("COGVIDEO_WEIGHTS");
    const cv_stage *trunk;
    char path[4096];
    bool can;

    snprintf(path, sizeof path, "%s/shapes", weights ? weights : "weights");
    CHECK_OK(cogvideo_model_open(&model, path, NULL, &err), err);
    can = cv_need_coglm(cv_cogvideo_of(model), &trunk, &err) == COGVIDEO_OK;
    cogvideo_model_close(&model);
    return can;
}

static void halves_are_drawn_anew(void **state)
{
    cv_shapes *world = NULL;
    judge *j = NULL;
    cogvideo_error err;
    int right = 0, combination = 0;

    (void)state;
    if (!can_complete())
        skip();
    CHECK_OK(cv_shapes_open(&world, NULL, &err), err);
    CHECK_OK(judge_open(&j, world, &err), err);
    for (int i = 0; i < HOLES; i++) {
        cv_shapes_combination wanted;
        judge_verdict verdict;

        do /* strides through the world, so that all sizes, colours, shapes and backgrounds come */
            combination = (combination + 37) % cv_shapes_count(world);
        while (!cv_shapes_held_out(world, combination));
        wanted = cv_shapes_at(world, combination);
        look_at_hole(j, world, i, combination, &verdict);
        if (verdict.seen.colour == wanted.colour && verdict.seen.shape == wanted.shape)
            right++;
        else
            print_message("    hole %d: %s %s, %s %s was expected\n", i,
                          judge_name(world, JUDGE_COLOUR, verdict.seen.colour),
                          judge_name(world, JUDGE_SHAPE, verdict.seen.shape),
                          judge_name(world, JUDGE_COLOUR, wanted.colour), judge_name(world, JUDGE_SHAPE, wanted.shape));
    }
    print_message("    %d of %d have their colour and shape\n", right, HOLES);
    assert_true(right >= HOLES * 4 / 5);
    judge_close(&j);
    cv_shapes_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(halves_are_drawn_anew) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
