/* Completion of a photo against what the original computed: windows and masks of ten rectangles, and two whole ways
 * from the photo to its codes, step by step on what the original had before each. */
#include "support/check.h"
#include "support/networks.h"

#include "base/json.h"
#include "family/cogvideo/steps/mask.h"

#define SIDE 480

static cv_store *golden;
static cogvideo_model *model;
static cogvideo_video photo;

/* --- the model and the photo ---------------------------------------------------------------------------------- */

static void write_part(cv_json *parts, const char *part, seeded_list *list)
{
    char file[60];

    snprintf(file, sizeof file, "%s.safetensors", part);
    cv_json_set_string(cv_json_set_object(parts, part), "file", file);
    seeded_write(list, check_temp_path(file), CV_F32);
    seeded_list_free(list);
}

static void set_sizes(cv_json *section, int layers, int hidden, int heads)
{
    cv_json_set_int(section, "layers", layers);
    cv_json_set_int(section, "hidden", hidden);
    cv_json_set_int(section, "heads", heads);
    cv_json_set_int(section, "mlp", 4 * hidden);
    cv_json_set_int(section, "vocabulary", 20512);
    cv_json_set_int(section, "start_of_image", 20502);
}

static void write_model(void)
{
    char path[1024];
    cogvideo_error err;
    cv_json *json = NULL, *parts;
    seeded_list list = { 0 };

    snprintf(path, sizeof path, "%s/cogview2.json",
             getenv("COGVIDEO_CONFIGS") ? getenv("COGVIDEO_CONFIGS") : "configs");
    CHECK_OK(cv_json_read(&json, path, 1 << 20, &err), err);
    set_sizes(cv_json_get(json, "network"), 2, 32, 2);
    set_sizes(cv_json_get(json, "upscaler"), 4, 64, 4);
    set_sizes(cv_json_get(json, "refiner"), 2, 32, 2);
    cv_json_set_int(cv_json_get(json, "image_tokenizer"), "channels", 32);
    cv_json_set_int(cv_json_get(json, "image_tokenizer"), "latent", 16);
    parts = cv_json_set_object(json, "parts");
    networks_trunk(&list, 82, 2, 32, 20512, 1024);
    write_part(parts, "trunk", &list);
    networks_upscaler(&list, 61, 4, 64, 20512, 1024, 3600);
    write_part(parts, "upscaler", &list);
    networks_refiner(&list, 85, 2, 32, 20512, 1024, 3600);
    write_part(parts, "refiner", &list);
    networks_image_tokenizer(&list, 51, 32, 16, 20000);
    write_part(parts, "image_tokenizer", &list);
    CHECK_OK(cv_json_write(json, false, check_temp_path("model.json"), &err), err);
    cv_json_free(&json);
}

static int open_all(void **state)
{
    const cogvideo_model_options options = { .threads = 2,
                                             .activations = COGVIDEO_ACTIVATIONS_F32,
                                             .cache = COGVIDEO_CACHE_F32 };
    cogvideo_error err;
    cv_store *pictures = NULL;
    const uint8_t *small;

    (void)state;
    if (!check_golden("cogview2/patch.safetensors"))
        return 0;
    CHECK_OK(cv_store_open(&golden, check_golden("cogview2/patch.safetensors"), &err), err);
    write_model();
    CHECK_OK(cogvideo_model_open(&model, check_temp(), &options, &err), err);
    CHECK_OK(cv_store_open(&pictures, check_data("image_tokenizer/forced.safetensors"), &err), err);
    small = check_tensor(pictures, "image.u8")->data;
    CHECK_OK(cogvideo_video_alloc(&photo, SIDE, SIDE, 1, 0, &err), err);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            memcpy(photo.pixels + 3 * (y * SIDE + x), small + 3 * (y / 3 * (SIDE / 3) + x / 3), 3);
    cv_store_close(&pictures);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    cogvideo_video_free(&photo);
    cogvideo_model_close(&model);
    cv_store_close(&golden);
    return 0;
}

/* --- windows -------------------------------------------------------------------------------------------------- */

static int member(const cv_json *box, const char *key, int at)
{
    const cv_json *item = cv_json_first(cv_json_get(box, key));

    while (at-- > 0)
        item = cv_json_next(item);
    return (int)cv_json_number(item);
}

/* Options that complete the photo where a rectangle of it is masked: rows and columns from, and to, excluded. */
static cogvideo_generate_options options_of(uint8_t *mask, const int from[2], const int to[2])
{
    const cv_tensor *text = check_tensor(golden, "text");
    cogvideo_generate_options options;

    cogvideo_generate_defaults(model, &options);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            mask[y * SIDE + x] = y >= from[0] && y < to[0] && x >= from[1] && x < to[1];
    options.picture = &photo;
    options.mask = mask;
    options.mask_height = options.mask_width = SIDE;
    options.text_ids = text->data;
    options.text_count = text->count;
    for (int i = 0; i < options.step_count; i++)
        options.steps[i].sampling.greedy = 1;
    return options;
}

static void windows_are_the_originals(void **state)
{
    cv_json *boxes = NULL;
    uint8_t *mask = malloc(SIDE * SIDE);
    const char *text;
    cogvideo_error err;
    int index = 0;

    (void)state;
    if (!golden) {
        free(mask);
        skip();
        return;
    }
    text = cv_store_metadata(golden, "boxes");
    CHECK_OK(cv_json_parse(&boxes, text, strlen(text), "boxes", &err), err);
    for (const cv_json *box = cv_json_first(boxes); box; box = cv_json_next(box), index++) {
        const int from[2] = { member(box, "mask", 0), member(box, "mask", 1) },
                  to[2] = { member(box, "mask", 2), member(box, "mask", 3) };
        const cogvideo_generate_options options = options_of(mask, from, to);
        cogvideo_window window;
        bool upscaled = false;
        int count;

        CHECK_OK(cogvideo_find_window(model, &options, &window, &err), err);
        assert_int_equal(window.side, SIDE);
        assert_int_equal(window.row, member(box, "crop", 0));
        assert_int_equal(window.column, member(box, "crop", 1));
        assert_int_equal(window.row + window.size, member(box, "crop", 2));
        CHECK_OK(cv_json_optional_bool(box, "upscaled", &upscaled, "boxes", &err), err);
        assert_int_equal(window.fine, upscaled);
        for (int fine = 0; fine < 2; fine++) {
            const int grid = fine ? 60 : 20;
            uint8_t sampled[3600];
            char name[40];

            snprintf(name, sizeof name, "box%d.%s", index, fine ? "big" : "small");
            CHECK_OK(cv_mask_read(cv_cogvideo_of(model), &options, grid, sampled, &count, &err), err);
            assert_memory_equal(sampled, check_tensor(golden, name)->data, (size_t)grid * (size_t)grid);
        }
    }
    assert_int_equal(index, 10);
    cv_json_free(&boxes);
    free(mask);
}

/* --- the way -------------------------------------------------------------------------------------------------- */

static const int32_t *recorded(const char *way, const char *what)
{
    return check_member(golden, way, what);
}

/* A clip of one frame. */
static cogvideo_value value_of(const int32_t *codes, int grid)
{
    cogvideo_value value = { .kind = COGVIDEO_KIND_CODES };
    cogvideo_error err;

    CHECK_OK(cogvideo_tokens_alloc(&value.codes, grid, grid, 8, 1, &err), err);
    memcpy(value.codes.codes, codes, (size_t)grid * (size_t)grid * sizeof *codes);
    return value;
}

/* Runs a step and counts the codes that differ from the recorded ones, near ties aside: `margin` may be NULL. */
static int differences(const char *step, const cogvideo_generate_options *options, const int32_t *in, int grid,
                       const char *way, const char *what, const float *margin, int grid_out)
{
    cogvideo_value given = { 0 }, made = { 0 };
    const int32_t *expected = recorded(way, what);
    cogvideo_error err;
    int different = 0;

    if (in)
        given = value_of(in, grid);
    CHECK_OK(cogvideo_run_step(model, step, options, &given, &made, &err), err);
    assert_int_equal(made.codes.height, grid_out);
    for (int i = 0; i < grid_out * grid_out; i++)
        different += made.codes.codes[i] != expected[i] && (!margin || margin[i] > 1e-2f);
    cogvideo_value_free(&given);
    cogvideo_value_free(&made);
    return different;
}

static void photos_are_completed_as_the_original_does(void **state)
{
    static const struct {
        const char *name;
        int from[2], to[2];
        bool fine;
    } ways[] = { { "middle", { 144, 168 }, { 288, 288 }, true }, { "tiny", { 216, 240 }, { 288, 297 }, false } };
    uint8_t *mask = malloc(SIDE * SIDE);

    (void)state;
    /* Sanitizers see the second, short way alone. */
    for (size_t w = CHECK_SANITIZED; golden && w < sizeof ways / sizeof *ways; w++) {
        const char *way = ways[w].name;
        const cogvideo_generate_options options = options_of(mask, ways[w].from, ways[w].to);
        const float *margin = check_member(golden, way, "final_codes.margin");

        assert_int_equal(differences("complete", &options, NULL, 0, way, "completed", NULL, 20), 0);
        if (ways[w].fine) {
            assert_int_equal(differences("upscale", &options, recorded(way, "completed"), 20, way, "upscaled", NULL,
                                         60),
                             0);
            assert_int_equal(differences("refine", &options, recorded(way, "upscaled"), 60, way, "refined", NULL, 60),
                             0);
            assert_int_equal(differences("fit", &options, recorded(way, "refined"), 60, way, "final_codes", margin, 60),
                             0);
        } else {
            assert_int_equal(differences("fit", &options, recorded(way, "completed"), 20, way, "final_codes", margin,
                                         60),
                             0);
        }
    }
    free(mask);
    if (!golden)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_the_originals),
        cmocka_unit_test(photos_are_completed_as_the_original_does),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
