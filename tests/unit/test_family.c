/* A family is added by its own files and a line in the registry: this test has a registry of its own. */
#include "support/check.h"
#include "support/toy_family.h"

#include "tensor/store_write.h"

extern const cv_family cv_family_cogvideo;

const cv_family *const cv_families[] = { &cv_family_cogvideo, &cv_family_toy, NULL };

enum { GRID = 3, CODES = 4 };

static const float levels[CODES] = { 0, 80, 160, 240 };

static void write_model(const char *description)
{
    cogvideo_error err;
    cv_store_writer *writer = NULL;
    size_t count = CODES;

    check_write(check_temp_path("model.json"), description, strlen(description));
    CHECK_OK(cv_store_writer_create(&writer, check_temp_path("levels.safetensors"), &err), err);
    CHECK_OK(cv_store_writer_declare(writer, "levels", CV_F32, 1, &count, &err), err);
    CHECK_OK(cv_store_writer_data(writer, levels, sizeof levels, &err), err);
    CHECK_OK(cv_store_writer_commit(&writer, &err), err);
}

#define DESCRIPTION(family) \
    "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"" family "\",\"name\":\"grey\",\"grid\":3,\"codes\":4}"

static void steps_follow_each_other(void **state)
{
    cogvideo_generate_options options;
    cogvideo_model *model = NULL;
    cogvideo_model_info info;
    cogvideo_value noise[2] = { { 0 } }, alone = { 0 }, mirrored = { 0 };
    cogvideo_video video = { 0 };
    cogvideo_error err;

    (void)state;
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    cogvideo_model_get_info(model, &info);
    assert_string_equal(info.family, "toy");
    assert_string_equal(info.name, "grey");
    assert_string_equal(info.dtype, "f32");
    assert_int_equal(info.parameters, CODES);
    assert_int_equal(info.height, GRID);
    assert_int_equal(info.width, GRID);
    assert_int_equal(info.image_codes, CODES);
    assert_int_equal(info.has_text_tokenizer + info.text_pieces + info.first_text_id, 0);
    cogvideo_generate_defaults(model, &options);
    options.keyframes = 2;
    options.seed = 7;
    options.samples = 2;
    CHECK_OK(cogvideo_run_step(model, "noise", &options, NULL, noise, &err), err);
    options.samples = 1;
    options.first_sample = 1;
    CHECK_OK(cogvideo_run_step(model, "noise", &options, NULL, &alone, &err), err);
    assert_memory_equal(alone.codes.codes, noise[1].codes.codes, 2 * GRID * GRID * sizeof *alone.codes.codes);
    assert_memory_not_equal(alone.codes.codes, noise[0].codes.codes, 2 * GRID * GRID * sizeof *alone.codes.codes);
    CHECK_OK(cogvideo_run_step(model, "mirror", &options, noise, &mirrored, &err), err);
    CHECK_OK(cogvideo_decode(model, NULL, &mirrored.codes, &video, &err), err);
    assert_int_equal(video.frames, 2);
    for (int i = 0; i < 2 * GRID * GRID; i++)
        assert_int_equal(video.pixels[3 * i], (int)levels[noise[0].codes.codes[i / GRID * GRID + GRID - 1 - i % GRID]]);
    cogvideo_video_free(&video);
    cogvideo_value_free(&noise[0]);
    cogvideo_value_free(&noise[1]);
    cogvideo_value_free(&alone);
    cogvideo_value_free(&mirrored);
    cogvideo_model_close(&model);
}

static void rows_describe_a_model(void **state)
{
    cogvideo_property row = { 0 };
    cogvideo_model *model = NULL;
    cogvideo_error err;

    (void)state;
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    assert_int_equal(cogvideo_model_property(model, -1, &row), 0);
    assert_int_equal(cogvideo_model_property(model, 2, &row), 0);
    assert_null(row.name); /* a row that is not there leaves `out` as it was */
    assert_int_equal(cogvideo_model_property(model, 0, &row), 1);
    assert_string_equal(row.name, "paint");
    assert_int_equal(row.kind, COGVIDEO_PROPERTY_TEXT);
    assert_string_equal(row.text, "grey");
    assert_int_equal(cogvideo_model_property(model, 1, &row), 1);
    assert_string_equal(row.title, "brightest code");
    assert_int_equal(row.kind, COGVIDEO_PROPERTY_WHOLE);
    assert_null(row.text);
    assert_true(row.number == CODES - 1);
    assert_true(cogvideo_model_number(model, "brightest") == CODES - 1);
    assert_true(cogvideo_model_number(model, "paint") == 0);
    assert_true(cogvideo_model_number(model, "layers") == 0);
    cogvideo_model_close(&model);
}

/* Codes of square single frames, codes of wide pairs of frames, latents, pixels. */
static void every_kind_of_value_flows(void **state)
{
    cogvideo_generate_options options;
    cogvideo_model *model = NULL;
    cogvideo_value noise = { 0 }, pairs = { 0 }, light = { 0 }, pixels = { 0 };
    cogvideo_tokens read = { 0 };
    cogvideo_error err;

    (void)state;
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    cogvideo_generate_defaults(model, &options);
    options.keyframes = 5;
    options.seed = 3;
    CHECK_OK(cogvideo_run_step(model, "noise", &options, NULL, &noise, &err), err);
    CHECK_OK(cogvideo_run_step(model, "pairs", &options, &noise, &pairs, &err), err);
    assert_int_equal(pairs.kind, COGVIDEO_KIND_CODES);
    assert_int_equal(pairs.codes.height, 1);
    assert_int_equal(pairs.codes.width, GRID);
    assert_int_equal(pairs.codes.frames, 3);
    assert_int_equal(pairs.codes.frames_per_code, 2);
    CHECK_OK(cogvideo_tokens_save(&pairs.codes, check_temp_path("pairs.jsonl"), &err), err);
    CHECK_OK(cogvideo_tokens_load(&read, check_temp_path("pairs.jsonl"), &err), err);
    cogvideo_tokens_free(&pairs.codes);
    pairs.codes = read;
    CHECK_OK(cogvideo_run_step(model, "light", &options, &pairs, &light, &err), err);
    assert_int_equal(light.kind, COGVIDEO_KIND_LATENTS);
    assert_int_equal(light.latents.frames, 5);
    CHECK_OK(cogvideo_run_step(model, "paint", &options, &light, &pixels, &err), err);
    assert_int_equal(pixels.kind, COGVIDEO_KIND_PIXELS);
    assert_int_equal(pixels.pixels.frames, 5);
    assert_int_equal(pixels.pixels.height, 1);
    for (int i = 0; i < 5 * GRID; i++) {
        const int frame = (int[]){ 0, 1, 1, 3, 3 }[i / GRID];

        assert_int_equal(pixels.pixels.pixels[3 * i], (int)levels[noise.codes.codes[frame * GRID * GRID + i % GRID]]);
    }
    cogvideo_value_free(&noise);
    cogvideo_value_free(&pairs);
    cogvideo_value_free(&light);
    cogvideo_value_free(&pixels);
    cogvideo_model_close(&model);
}

typedef struct seen {
    int count, stop; /* pictures so far; the one with which it stops, -1 = none */
    const cogvideo_video *expected;
} seen;

static int see(void *user, const cogvideo_picture *picture)
{
    seen *s = user;
    const cogvideo_video *video = s->expected;
    const size_t bytes = 3 * (size_t)video->width * (size_t)video->height;

    assert_int_equal(picture->index, s->count++);
    assert_int_equal(picture->count, video->frames);
    assert_int_equal(picture->width, video->width);
    assert_int_equal(picture->height, video->height);
    assert_true(picture->fps == video->fps);
    assert_memory_equal(picture->pixels, video->pixels + (size_t)picture->index * bytes, bytes);
    return picture->index == s->stop;
}

/* One by one pixels are those of the whole video, whether a step makes them so or at once. */
static void pictures_come_one_by_one(void **state)
{
    cogvideo_generate_options options;
    cogvideo_model *model = NULL;
    cogvideo_value noise = { 0 }, light = { 0 }, pixels = { 0 };
    cogvideo_video video = { 0 };
    seen all = { .stop = -1, .expected = &pixels.pixels }, some = { .stop = 1, .expected = &video };
    cogvideo_error err;

    (void)state;
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    cogvideo_generate_defaults(model, &options);
    options.keyframes = 3;
    CHECK_OK(cogvideo_run_step(model, "noise", &options, NULL, &noise, &err), err);
    CHECK_OK(cogvideo_run_step(model, "light", &options, &noise, &light, &err), err);
    CHECK_OK(cogvideo_run_step(model, "paint", &options, &light, &pixels, &err), err);
    CHECK_OK(cogvideo_run_step_each(model, "paint", &options, &light, see, &all, &err), err);
    assert_int_equal(all.count, 3);
    CHECK_OK(cogvideo_decode(model, NULL, &noise.codes, &video, &err), err);
    CHECK_FAILS(cogvideo_decode_each(model, NULL, &noise.codes, see, &some, &err), COGVIDEO_ERROR_CANCELLED,
                "cancelled", err);
    assert_int_equal(some.count, 2);
    CHECK_FAILS(cogvideo_run_step_each(model, "light", &options, &noise, see, &all, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "the step 'light' makes latents, and only pixels come one by one", err);
    CHECK_FAILS(cogvideo_run_step_each(model, "paint", &options, &noise, see, &all, &err), COGVIDEO_ERROR_ARGUMENT,
                "takes latents", err);
    cogvideo_value_free(&noise);
    cogvideo_value_free(&light);
    cogvideo_value_free(&pixels);
    cogvideo_video_free(&video);
    cogvideo_model_close(&model);
}

static void values_of_other_kinds_are_refused(void **state)
{
    cogvideo_value none = { 0 }, codes = { .kind = COGVIDEO_KIND_CODES }, latents = { .kind = COGVIDEO_KIND_LATENTS };
    cogvideo_value strange = { .kind = (cogvideo_kind)9 }, out = { 0 };
    cogvideo_generate_options options;
    cogvideo_model *model = NULL;
    cogvideo_error err;

    (void)state;
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    cogvideo_generate_defaults(model, &options);
#define REFUSED(step, in, words) \
    CHECK_FAILS(cogvideo_run_step(model, step, &options, in, &out, &err), COGVIDEO_ERROR_ARGUMENT, words, err)
    REFUSED("mirror", NULL, "the step 'mirror' takes codes, and no value was given");
    REFUSED("mirror", &none, "the step 'mirror' takes codes, and no value was given");
    REFUSED("mirror", &latents, "the step 'mirror' takes codes, and a value of kind 'latents' was given");
    REFUSED("noise", &codes, "the step 'noise' begins with the prompt alone, and a value of kind 'codes' was given");
    REFUSED("paint", &strange, "the step 'paint' takes latents, and a value of kind 'unknown' was given");
    /* Of the right kind, but with nothing in it, or less than it claims. */
    REFUSED("mirror", &codes, "a clip must have at least 1 frame");
    REFUSED("paint", &latents, "latents must have values and times");
    CHECK_OK(cogvideo_tokens_alloc(&codes.codes, 2, 2, 8, 1, &err), err);
    codes.codes.width = 0;
    REFUSED("mirror", &codes, "from 1 to 4096 codes wide and high, not 0x2");
    codes.codes.width = 2;
    codes.codes.frames_per_code = 0;
    REFUSED("light", &codes, "frames per code must be from 1 to 64");
    CHECK_OK(cogvideo_latents_alloc(&latents.latents, 2, 3, 4, 1, &err), err);
    REFUSED("paint", &latents, "made of 1 channel, not of 4");
    latents.latents.channels = 0;
    REFUSED("paint", &latents, "from 1 to 65536 channels, they have 0");
    assert_int_equal(out.kind, COGVIDEO_KIND_NONE);
    cogvideo_value_free(&codes);
    cogvideo_value_free(&latents);
    cogvideo_model_close(&model);
}

static void values_are_freed_and_named(void **state)
{
    cogvideo_value value = { .kind = COGVIDEO_KIND_LATENTS };
    cogvideo_latents latents = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_latents_alloc(&value.latents, 2, 3, 4, 5, &err), err);
    assert_true(value.latents.values[2 * 3 * 4 * 5 - 1] == 0 && value.latents.times[4] == 0);
    CHECK_OK(cogvideo_tokens_alloc(&value.codes, 2, 3, 8, 1, &err), err); /* whatever the kind, nothing is lost */
    cogvideo_value_free(&value);
    assert_true(value.kind == COGVIDEO_KIND_NONE && !value.codes.codes && !value.latents.values &&
                value.latents.frames == 0);
    cogvideo_value_free(&value);
    cogvideo_value_free(NULL);
    CHECK_FAILS(cogvideo_latents_alloc(&latents, 0, 3, 4, 5, &err), COGVIDEO_ERROR_ARGUMENT, "3x0", err);
    CHECK_FAILS(cogvideo_latents_alloc(&latents, 2, 16385, 4, 5, &err), COGVIDEO_ERROR_ARGUMENT, "16385x2", err);
    CHECK_FAILS(cogvideo_latents_alloc(&latents, 2, 3, 65537, 5, &err), COGVIDEO_ERROR_ARGUMENT, "65537", err);
    CHECK_FAILS(cogvideo_latents_alloc(&latents, 2, 3, 4, 0, &err), COGVIDEO_ERROR_ARGUMENT, "at least 1 frame", err);
    CHECK_FAILS(cogvideo_latents_alloc(&latents, 16384, 16384, 65536, INT32_MAX, &err), COGVIDEO_ERROR_MEMORY, "memory",
                err);
    assert_null(latents.values);
    assert_string_equal(cogvideo_kind_name(COGVIDEO_KIND_NONE), "none");
    assert_string_equal(cogvideo_kind_name(COGVIDEO_KIND_CODES), "codes");
    assert_string_equal(cogvideo_kind_name(COGVIDEO_KIND_LATENTS), "latents");
    assert_string_equal(cogvideo_kind_name(COGVIDEO_KIND_PIXELS), "pixels");
    assert_string_equal(cogvideo_kind_name((cogvideo_kind)4), "unknown");
}

static void what_a_family_lacks_is_said(void **state)
{
    cogvideo_generate_options options;
    cogvideo_model *model = NULL;
    cogvideo_value value = { 0 };
    cogvideo_tokens clip = { 0 };
    cogvideo_score_options what = { .stage = 1 };
    cogvideo_error err;
    double logprob;
    int scored;

    (void)state;
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    cogvideo_generate_defaults(model, &options);
    CHECK_FAILS(cogvideo_run_step(model, "keyframes", &options, NULL, &value, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "whose steps are 'noise', 'mirror', 'pairs', 'light', 'paint', not 'keyframes'", err);
    CHECK_FAILS(cogvideo_score(model, &options, &what, &clip, &logprob, &scored, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "of the family 'toy', which cannot score", err);
    CHECK_FAILS(cogvideo_text_encode(model, "a", 1, 0, NULL, NULL, &err), COGVIDEO_ERROR_MODEL, "has no text tokenizer",
                err);
    assert_int_equal(cogvideo_code_cluster(model, 0), -1);
    assert_int_equal(cogvideo_can_inspect(model), 0);
    options.context = 5;
    CHECK_FAILS(cogvideo_run_step(model, "noise", &options, NULL, &value, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "which cannot take over frames", err);
    options.scenes = &(cogvideo_scene){ .prompt = "a" };
    options.scene_count = 1;
    CHECK_FAILS(cogvideo_run_step(model, "noise", &options, NULL, &value, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "which cannot tell a story of several scenes", err);
    cogvideo_model_close(&model);
    write_model(DESCRIPTION("other"));
    CHECK_FAILS(cogvideo_model_open(&model, check_temp(), NULL, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "is of the family 'other', this program knows 'cogvideo', 'toy'", err);
    write_model(
        "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"toy\",\"name\":\"grey\",\"grid\":3,\"codes\":5}");
    CHECK_FAILS(cogvideo_model_open(&model, check_temp(), NULL, &err), COGVIDEO_ERROR_MODEL, "levels", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_each_other),     cmocka_unit_test(rows_describe_a_model),
        cmocka_unit_test(every_kind_of_value_flows),   cmocka_unit_test(values_of_other_kinds_are_refused),
        cmocka_unit_test(pictures_come_one_by_one),    cmocka_unit_test(values_are_freed_and_named),
        cmocka_unit_test(what_a_family_lacks_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
