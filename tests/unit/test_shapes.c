/* The shapes world: every combination stays in the frame, on the grid at key frames, in its colours, under its
 * words. */
#include "support/check.h"

#include "dataset/shapes.h"

static cv_shapes *open_world(void)
{
    cogvideo_error err;
    cv_shapes *world = NULL;

    CHECK_OK(cv_shapes_open(&world, NULL, &err), err);
    return world;
}

static void numbers_and_combinations_agree(void **state)
{
    cv_shapes *world = open_world();
    int held_out = 0, seen[2][CV_SHAPES_MOST] = { { 0 } };

    (void)state;
    assert_int_equal(cv_shapes_count(world), 1872);
    assert_int_equal(world->frames, 33);
    assert_int_equal(world->side, 64);
    for (int i = 0; i < cv_shapes_count(world); i++) {
        cv_shapes_combination c = cv_shapes_at(world, i);
        bool held = cv_shapes_held_out(world, i);

        assert_int_equal(cv_shapes_index(world, c), i);
        assert_false(world->motion[c.motion].kind == CV_SHAPES_TURN && world->shape[c.shape].corners == 0);
        held_out += held;
        seen[held][c.motion]++;
    }
    assert_in_range(held_out, 150, 225);
    for (int motion = 0; motion < world->motions; motion++)
        assert_true(seen[1][motion] > 4 && seen[0][motion] > 100);
    cv_shapes_close(&world);
    assert_null(world);
}

static int index_of(const cv_shapes *world, const char *size, const char *colour, const char *shape, const char *motion,
                    const char *background)
{
    cv_shapes_combination c = { -1, -1, -1, -1, -1 };

    for (int i = 0; i < CV_SHAPES_MOST; i++) {
        c.size = strcmp(world->size[i].word.name, size) == 0 ? i : c.size;
        c.colour = strcmp(world->colour[i].word.name, colour) == 0 ? i : c.colour;
        c.shape = strcmp(world->shape[i].word.name, shape) == 0 ? i : c.shape;
        c.motion = strcmp(world->motion[i].word.name, motion) == 0 ? i : c.motion;
        c.background = strcmp(world->background[i].word.name, background) == 0 ? i : c.background;
    }
    return cv_shapes_index(world, c);
}

static void captions_are_the_agreed_ones(void **state)
{
    cv_shapes *world = open_world();
    char caption[CV_SHAPES_CAPTION];
    int index = index_of(world, "small", "red", "circle", "left", "black");

    (void)state;
    cv_shapes_caption(world, index, CV_SHAPES_ENGLISH, caption);
    assert_string_equal(caption, "a small red circle moves left on a black background");
    assert_int_equal(cv_shapes_find(world, caption), index);
    cv_shapes_caption(world, index, CV_SHAPES_CHINESE, caption);
    assert_string_equal(caption, "黑色背景上一个小的红色圆形向左移动");
    assert_int_equal(cv_shapes_find(world, caption), index);
    index = index_of(world, "large", "cyan", "star", "rotate", "gray");
    cv_shapes_caption(world, index, CV_SHAPES_ENGLISH, caption);
    assert_string_equal(caption, "a large cyan star rotates on a gray background");
    assert_int_equal(index_of(world, "large", "cyan", "circle", "rotate", "gray"), -1);
    assert_int_equal(cv_shapes_find(world, "a large cyan circle rotates on a gray background"), -1);
    cv_shapes_close(&world);
}

static void check_pose(const cv_shapes *world, int index, uint64_t seed, int frame)
{
    cv_shapes_pose p = cv_shapes_pose_at(world, index, seed, frame);

    assert_true(p.x - p.radius > -1e-9 && p.x + p.radius < world->side + 1e-9);
    assert_true(p.y - p.radius > -1e-9 && p.y + p.radius < world->side + 1e-9);
    if (frame % 8 == 0) {
        CHECK_CLOSE(p.x / 8, round(p.x / 8), 1e-9);
        CHECK_CLOSE(p.y / 8, round(p.y / 8), 1e-9);
    }
}

static void every_combination_stays_on_the_grid_and_inside(void **state)
{
    cv_shapes *world = open_world();

    (void)state;
    for (int i = 0; i < cv_shapes_count(world); i++)
        for (uint64_t seed = 0; seed < 3; seed++)
            for (int frame = 0; frame < world->frames; frame++)
                check_pose(world, i, seed, frame);
    cv_shapes_close(&world);
}

/* The frame's corners keep the background's colour, the object's middle its own. */
static void check_pixels(const cv_shapes *world, int index, uint64_t seed, int frame, const uint8_t *pixels)
{
    cv_shapes_combination c = cv_shapes_at(world, index);
    cv_shapes_pose p = cv_shapes_pose_at(world, index, seed, frame);
    const uint8_t *back = world->background[c.background].rgb, *front = world->colour[c.colour].rgb;
    const uint8_t *middle = pixels + 3 * ((int)p.y * world->side + (int)p.x);

    assert_memory_equal(middle, front, 3);
    for (int corner = 0; corner < 4; corner++)
        assert_memory_equal(pixels + 3 * (world->side - 1) * (corner % 2 + corner / 2 * world->side), back, 3);
}

static void colours_are_exact(void **state)
{
    cv_shapes *world = open_world();
    size_t frame_bytes = (size_t)(world->side * world->side * 3);
    uint8_t *clip = malloc((size_t)world->frames * frame_bytes), *frame = malloc(frame_bytes);

    (void)state;
    for (int i = 0; i < cv_shapes_count(world); i++) {
        cv_shapes_render(world, i, 7, clip);
        for (int f = 0; f < world->frames; f += 4)
            check_pixels(world, i, 7, f, clip + (size_t)f * frame_bytes);
        cv_shapes_frame(world, i, 7, 13, frame);
        assert_memory_equal(frame, clip + 13 * frame_bytes, frame_bytes);
    }
    free(frame);
    free(clip);
    cv_shapes_close(&world);
}

static double area(const float *coverage, int side)
{
    double sum = 0;

    for (int i = 0; i < side * side; i++) {
        assert_true(coverage[i] >= 0 && coverage[i] < 1.0001f);
        sum += coverage[i];
    }
    return sum;
}

/* pi r^2; 2 r^2; 3 sqrt(3) / 4 r^2; a ten-cornered star of radii r and r / 2: 10 / 2 * r * r / 2 * sin 36. */
static void edges_cover_the_true_area(void **state)
{
    cv_shapes *world = open_world();
    const double of_square[] = { 3.14159265, 2, 1.29903811, 2.5 * 0.58778525 };
    float *coverage = malloc((size_t)(world->side * world->side) * sizeof *coverage);

    (void)state;
    for (int i = 0; i < world->shapes; i++)
        for (double angle = 0; angle < 100; angle += 13) {
            cv_shapes_pose pose = { 31.3, 29.8, 13.7, angle };

            cv_shapes_cover(world, &world->shape[i], pose, coverage);
            CHECK_CLOSE(area(coverage, world->side) / (13.7 * 13.7), of_square[i], 0.005);
        }
    free(coverage);
    cv_shapes_close(&world);
}

static void seeds_vary_what_the_caption_leaves_open(void **state)
{
    cv_shapes *world = open_world();
    int index = index_of(world, "small", "red", "circle", "orbit", "black"), quarters = 0;
    cv_shapes_pose first = cv_shapes_pose_at(world, index, 0, 0);
    bool moved = false;

    (void)state;
    for (uint64_t seed = 0; seed < 64; seed++) {
        cv_shapes_pose a = cv_shapes_pose_at(world, index, seed, 0), b = cv_shapes_pose_at(world, index, seed, 16);

        moved = moved || fabs(a.x - first.x) > 1;
        quarters |= 1 << (a.x > b.x + 1 ? 0 : a.y > b.y + 1 ? 1 : a.x < b.x - 1 ? 2 : 3);
    }
    assert_true(moved);
    assert_int_equal(quarters, 15);
    cv_shapes_close(&world);
}

/* A clip that goes on from another: it is of the same object, has no jump, and from where it stands it goes as its
 * words say. */
static void clips_go_on_from_others(void **state)
{
    enum { CONTEXT = 5 };
    cv_shapes *world = open_world();
    const size_t frame = (size_t)(world->side * world->side) * 3;
    uint8_t *clip = malloc(frame * (size_t)world->frames), *again = malloc(frame * (size_t)world->frames);
    int others[CV_SHAPES_MOST] = { 0 }, kinds = 0;

    (void)state;
    for (int i = 0; i < cv_shapes_count(world); i += 3) {
        const cv_shapes_combination wanted = cv_shapes_at(world, i);
        const int before = cv_shapes_render_after(world, i, (uint64_t)i, CONTEXT, clip);
        cv_shapes_combination had;
        double last[3] = { 0 }, begin[3] = { 0 }; /* centre and mass */
        const cv_shapes_motion *motion = &world->motion[wanted.motion];

        assert_true(before >= 0);
        assert_false(cv_shapes_held_out(world, before));
        had = cv_shapes_at(world, before);
        others[had.motion]++;
        had.motion = wanted.motion;
        assert_int_equal(cv_shapes_index(world, had), i);
        assert_int_equal(cv_shapes_render_after(world, i, (uint64_t)i, CONTEXT, again), before);
        assert_memory_equal(clip, again, frame * (size_t)world->frames);
        for (int f = 0; f < world->frames; f++) {
            const uint8_t *back = world->background[wanted.background].rgb;
            double x = 0, y = 0, sum = 0;

            for (int p = 0; p < world->side * world->side; p++) {
                const double share = abs(clip[frame * (size_t)f + 3 * (size_t)p] - back[0]) +
                                     abs(clip[frame * (size_t)f + 3 * (size_t)p + 1] - back[1]);

                x += share * (p % world->side);
                y += share * (double)(p / world->side);
                sum += share;
            }
            assert_true(sum > 0);
            if (f > 0)
                assert_true(hypot(x / sum - last[0], y / sum - last[1]) < 4);
            last[0] = x / sum, last[1] = y / sum;
            if (f == CONTEXT - 1)
                begin[0] = last[0], begin[1] = last[1], begin[2] = sum;
            last[2] = sum;
        }
        if (motion->kind == CV_SHAPES_LINE)
            assert_true((last[motion->axis] - begin[motion->axis]) * (motion->to - motion->from) > 100);
        if (motion->kind == CV_SHAPES_SCALE)
            assert_true((last[2] - begin[2]) * (motion->to - motion->from) > 0);
        /* With the whole clip before it for a context of all frames but one, what is left is one step. */
        assert_true(cv_shapes_render_after(world, i, (uint64_t)i, world->frames - 1, again) >= 0);
    }
    for (int m = 0; m < world->motions; m++)
        kinds += others[m] > 0;
    assert_int_equal(kinds, world->motions);
    free(clip);
    free(again);
    cv_shapes_close(&world);
}

/* Pixels that the object covers in a frame. */
static double covered(const cv_shapes *world, const cv_shapes_combination *c, const uint8_t *frame)
{
    const uint8_t *front = world->colour[c->colour].rgb, *back = world->background[c->background].rgb;
    double area = 0;
    int channel = 0;

    for (int i = 1; i < 3; i++)
        if (abs(front[i] - back[i]) > abs(front[channel] - back[channel]))
            channel = i;
    for (int p = 0; p < world->side * world->side; p++)
        area += (double)(frame[3 * p + channel] - back[channel]) / (front[channel] - back[channel]);
    return area;
}

/* Pictures of poses: whole objects of 0.7 to 1.3 times their usual size, half of which are of that size and turned. */
static void poses_are_of_every_kind(void **state)
{
    const int pixels = 64 * 64;
    uint8_t *frames = NULL, *again = NULL;
    double least = 1e9, most = 0; /* areas, in units of the usual one */
    int kinds[2] = { 0 };
    cv_shapes *world = open_world();

    (void)state;
    assert_non_null(frames = malloc((size_t)(world->frames * pixels) * 3));
    assert_non_null(again = malloc((size_t)(world->frames * pixels) * 3));
    for (int i = 0; i < world->count; i += 29) {
        const cv_shapes_combination *c = &world->combinations[i];
        const cv_shapes_shape *shape = &world->shape[c->shape];
        double usual = 0;
        float coverage[64 * 64];

        cv_shapes_cover(world, shape, (cv_shapes_pose){ 32, 32, world->size[c->size].radius * shape->radius, 0 },
                        coverage);
        for (int p = 0; p < pixels; p++)
            usual += (double)coverage[p];
        assert_true(cv_shapes_render_poses(world, i, (uint64_t)i, frames));
        assert_true(cv_shapes_render_poses(world, i, (uint64_t)i, again));
        assert_memory_equal(frames, again, (size_t)(world->frames * pixels) * 3);
        for (int f = 0; f < world->frames; f++) {
            const double area = covered(world, c, frames + (size_t)(f * pixels) * 3);

            least = fmin(least, area / usual);
            most = fmax(most, area / usual);
            kinds[fabs(area / usual - 1) < 0.004] += shape->corners > 0;
        }
    }
    assert_true(least > 0.7 * 0.7 - 0.01 && least < 0.52 && most > 1.63 && most < 1.3 * 1.3 + 0.01);
    assert_true(kinds[0] > 0.4 * (kinds[0] + kinds[1]) && kinds[0] < 0.6 * (kinds[0] + kinds[1]));
    free(frames);
    free(again);
    cv_shapes_close(&world);
}

static cogvideo_status open_edited(const char *from, const char *to, cogvideo_error *err)
{
    char path[512], *text = calloc(1, 65536), *edited = calloc(1, 66000), *at;
    cv_shapes *world = NULL;
    cogvideo_status status;
    FILE *file;

    snprintf(path, sizeof path, "%s/shapes.json", getenv("COGVIDEO_CONFIGS"));
    assert_non_null(file = fopen(path, "rb"));
    assert_true(fread(text, 1, 65535, file) > 100);
    fclose(file);
    assert_non_null(at = strstr(text, from));
    snprintf(edited, 66000, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    check_write(check_temp_path("world.json"), edited, strlen(edited));
    free(text);
    free(edited);
    status = cv_shapes_open(&world, check_temp_path("world.json"), err);
    cv_shapes_close(&world);
    return status;
}

static void broken_worlds_are_refused(void **state)
{
    cogvideo_error err;

    (void)state;
    CHECK_OK(open_edited("\"radius\": 8,", "\"radius\": 8.5,", &err), err);
    CHECK_FAILS(open_edited("\"radius\": 12,", "\"radius\": 30,", &err), COGVIDEO_ERROR_FORMAT, "leaves the frame",
                err);
    CHECK_FAILS(open_edited("{size}", "{seize}", &err), COGVIDEO_ERROR_FORMAT, "must name {size} exactly once", err);
    CHECK_FAILS(open_edited("a {size}", "a } {size}", &err), COGVIDEO_ERROR_FORMAT, "belongs to no slot", err);
    CHECK_FAILS(open_edited("\"frames\": 33", "\"frames\": 1", &err), COGVIDEO_ERROR_FORMAT, "'frames'", err);
    CHECK_FAILS(open_edited("\"corners\": 4", "\"corners\": 2", &err), COGVIDEO_ERROR_FORMAT, "shapes[1]", err);
    CHECK_FAILS(open_edited("\"corners\": 4", "\"corners\": 400", &err), COGVIDEO_ERROR_FORMAT, "'corners'", err);
    CHECK_FAILS(open_edited("\"kind\": \"orbit\"", "\"kind\": \"x\"", &err), COGVIDEO_ERROR_FORMAT, "motions[4]", err);
    CHECK_FAILS(open_edited("\"starts\": [0, 8]", "\"starts\": []", &err), COGVIDEO_ERROR_FORMAT, "'starts'", err);
    CHECK_FAILS(open_edited("[220, 40, 40]", "[220, 40]", &err), COGVIDEO_ERROR_FORMAT, "'rgb'", err);
    CHECK_FAILS(open_edited("[220, 40, 40]", "[220, 40, 256]", &err), COGVIDEO_ERROR_FORMAT, "'rgb'", err);
    CHECK_FAILS(open_edited("\"en\": \"red\"", "\"en\": \"\"", &err), COGVIDEO_ERROR_FORMAT, "colours[0]", err);
    CHECK_FAILS(open_edited("\"zh\": \"红色\"", "\"zh\": 3", &err), COGVIDEO_ERROR_FORMAT, "'zh'", err);
    CHECK_FAILS(open_edited("cogvideo-shapes", "other", &err), COGVIDEO_ERROR_FORMAT, "'format'", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_combinations_agree),
        cmocka_unit_test(captions_are_the_agreed_ones),
        cmocka_unit_test(every_combination_stays_on_the_grid_and_inside),
        cmocka_unit_test(colours_are_exact),
        cmocka_unit_test(edges_cover_the_true_area),
        cmocka_unit_test(seeds_vary_what_the_caption_leaves_open),
        cmocka_unit_test(clips_go_on_from_others),
        cmocka_unit_test(poses_are_of_every_kind),
        cmocka_unit_test(broken_worlds_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
