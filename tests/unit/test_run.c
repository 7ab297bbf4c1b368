/* Whole runs of a family that is not CogVideo: files, journal, record, and going on. */
#include "support/check.h"
#include "support/toy_family.h"

#include "base/file.h"
#include "base/path.h"
#include "pipeline/journal.h"
#include "tensor/store_write.h"

#include <cogvideo/pipeline.h>

#include <unistd.h>

/* A family without codes: one step, from the prompt to a grey picture. */
static cogvideo_status grey_open(cogvideo_model *model, const char *origin, cogvideo_error *err)
{
    (void)model, (void)origin, (void)err;
    return COGVIDEO_OK;
}

static void grey_close(cogvideo_model *model)
{
    (void)model;
}

static void grey_info(const cogvideo_model *model, cogvideo_model_info *out)
{
    (void)model, (void)out;
}

static cogvideo_status plan_grey(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    (void)model, (void)options, (void)in, (void)err;
    *out = (cogvideo_plan){ .out = { .kind = COGVIDEO_KIND_PIXELS, .frames = 1, .height = 2, .width = 4 } };
    return COGVIDEO_OK;
}

static cogvideo_status make_grey(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    cogvideo_value made = { .kind = COGVIDEO_KIND_PIXELS };
    cogvideo_status status;

    (void)model, (void)options, (void)in;
    CV_TRY(cogvideo_video_alloc(&made.pixels, 4, 2, 1, 0, err));
    *out = made;
done:
    return status;
}

static const cv_step grey_steps[] = {
    { .name = "grey", .title = "grey", .out = COGVIDEO_KIND_PIXELS, .plan = plan_grey, .run = make_grey }
};
static const cv_family cv_family_grey = { .name = "grey",
                                          .size = sizeof(cogvideo_model),
                                          .open = grey_open,
                                          .close = grey_close,
                                          .info = grey_info,
                                          .steps = grey_steps,
                                          .step_count = 1 };

const cv_family *const cv_families[] = { &cv_family_toy, &cv_family_grey, NULL };

enum { FRAMES = 5, GRID = 3 };

typedef struct watch {
    int frames, stop_after, notes;
    long long codes, all_codes;
    char last[200];
} watch;

static int on_progress(void *user, const cogvideo_progress *report)
{
    watch *w = user;

    w->codes = report->run_done;
    w->all_codes = report->run_total;
    return w->stop_after && w->frames >= w->stop_after;
}

static int on_frame(void *user, const cogvideo_code_frame *frame)
{
    watch *w = user;

    assert_int_equal(frame->height, GRID);
    w->frames++;
    return 0;
}

static void on_message(void *user, cogvideo_log_level level, const char *text)
{
    watch *w = user;

    (void)level;
    w->notes++;
    snprintf(w->last, sizeof w->last, "%s", text);
}

static cogvideo_model *open_toy(size_t codes, watch *w)
{
    static const float levels[4] = { 0, 80, 160, 240 };
    const cogvideo_model_options options = { .log = { on_message, w } };
    cv_store_writer *writer = NULL;
    cogvideo_model *model = NULL;
    cogvideo_error err;
    char description[200];

    snprintf(
        description, sizeof description,
        "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"toy\",\"name\":\"grey\",\"grid\":%d,\"codes\":%zu}",
        GRID, codes);
    check_write(check_temp_path("model.json"), description, strlen(description));
    CHECK_OK(cv_store_writer_create(&writer, check_temp_path("levels.safetensors"), &err), err);
    CHECK_OK(cv_store_writer_declare(writer, "levels", CV_F32, 1, &codes, &err), err);
    CHECK_OK(cv_store_writer_data(writer, levels, codes * sizeof *levels, &err), err);
    CHECK_OK(cv_store_writer_commit(&writer, &err), err);
    CHECK_OK(cogvideo_model_open(&model, check_temp(), &options, &err), err);
    return model;
}

static cogvideo_generate_options options_for(const cogvideo_model *model, watch *w)
{
    cogvideo_generate_options options;

    cogvideo_generate_defaults(model, &options);
    options.prompt = "grey";
    options.seed = 7;
    options.keyframes = FRAMES;
    options.callbacks = (cogvideo_callbacks){ .progress = on_progress, .frame = on_frame, .user = w };
    return options;
}

/* A name in the test's folder that stays valid while others are made. */
static char *name(const char *file)
{
    cogvideo_error err;
    char *path = cv_path_join(check_temp(), file, &err);

    assert_non_null(path);
    return path;
}

static bool is_there(const char *file)
{
    return access(check_temp_path(file), F_OK) == 0;
}

static void check_equal(const char *a, const char *b)
{
    cv_buffer x = { 0 }, y = { 0 };
    cogvideo_error err;

    CHECK_OK(cv_file_read(&x, check_temp_path(a), 1 << 20, &err), err);
    CHECK_OK(cv_file_read(&y, check_temp_path(b), 1 << 20, &err), err);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    cv_buffer_free(&x);
    cv_buffer_free(&y);
}

static void a_prompt_becomes_a_video(void **state)
{
    watch w = { 0 };
    cogvideo_model *model = open_toy(4, &w);
    cogvideo_generate_options options = options_for(model, &w);
    char *output = name("clip-%d.y4m");
    cogvideo_run_options run = { .output = output };
    cogvideo_result result;
    cogvideo_error err;

    (void)state;
    options.samples = 2;
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.seed, 7);
    assert_false(result.finished);
    assert_int_equal(w.frames, 2 * FRAMES);
    assert_int_equal(w.codes, w.all_codes);
    assert_int_equal(w.all_codes, 2 * FRAMES * GRID * GRID);
    /* The last codes are those of pairs, 1 high and for two frames each. */
    assert_int_equal(result.clips[1].shape.height, 1);
    assert_int_equal(result.clips[1].shape.frames_per_code, 2);
    assert_null(cogvideo_clip_path(&result.clips[1], "light"));
    for (int f = 0; f < result.clips[1].file_count; f++)
        assert_int_equal(access(result.clips[1].files[f].path, F_OK), 0);
    assert_string_equal(cv_path_name(cogvideo_clip_path(&result.clips[1], "mirrored")), "clip-1.mirrored.jsonl");
    assert_true(is_there("clip-0.noise.jsonl") && !is_there("clip.journal") && !is_there("clip-0.noise.jsonl.partial"));
    cogvideo_result_free(&result);
    /* Again: refused, or seen to be finished; another seed is not what is there. */
    CHECK_FAILS(cogvideo_generate(model, &options, &run, &result, &err), COGVIDEO_ERROR_IO, "already exists", err);
    cogvideo_result_free(&result);
    run.resume = 1;
    w.frames = 0;
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    assert_true(result.finished && w.frames == 0);
    cogvideo_result_free(&result);
    options.seed = 8;
    CHECK_FAILS(cogvideo_generate(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT,
                "\"seed\":7 and not \"seed\":8", err);
    cogvideo_result_free(&result);
    run.random_seed = 1; /* then it is that of the record */
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    assert_int_equal(result.seed, 7);
    cogvideo_result_free(&result);
    cv_free(output);
    cogvideo_model_close(&model);
}

static void a_stopped_run_goes_on(void **state)
{
    watch w = { 0 };
    cogvideo_model *model = open_toy(4, &w);
    cogvideo_generate_options options = options_for(model, &w);
    char *straight = name("straight.jsonl"), *stopped = name("stopped.jsonl");
    cogvideo_run_options run = { .output = straight };
    cogvideo_result result;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_generate_step(model, "noise", &options, &run, NULL, &result, &err), err);
    cogvideo_result_free(&result);
    run.output = stopped;
    w = (watch){ .stop_after = 3 };
    CHECK_FAILS(cogvideo_generate_step(model, "noise", &options, &run, NULL, &result, &err), COGVIDEO_ERROR_CANCELLED,
                "", err);
    assert_true(result.resumable && is_there("stopped.journal") && is_there("stopped.jsonl.partial"));
    cogvideo_result_free(&result);
    CHECK_FAILS(cogvideo_generate_step(model, "noise", &options, &run, NULL, &result, &err), COGVIDEO_ERROR_IO,
                "--resume", err);
    assert_false(result.resumable);
    cogvideo_result_free(&result);
    run.resume = 1;
    w = (watch){ 0 };
    CHECK_OK(cogvideo_generate_step(model, "noise", &options, &run, NULL, &result, &err), err);
    cogvideo_result_free(&result);
    assert_false(is_there("stopped.journal") || is_there("stopped.jsonl.partial"));
    check_equal("straight.jsonl", "stopped.jsonl");
    /* A result may be called as a journal is. */
    char *journal = name("own.journal");
    run = (cogvideo_run_options){ .output = journal };
    CHECK_OK(cogvideo_generate_step(model, "noise", &options, &run, NULL, &result, &err), err);
    cogvideo_result_free(&result);
    check_equal("straight.jsonl", "own.journal");
    cv_free(journal);
    /* From codes that are there to the next ones; only codes are kept. */
    cogvideo_value in = { .kind = COGVIDEO_KIND_CODES };
    CHECK_OK(cogvideo_tokens_load(&in.codes, straight, &err), err);
    char *next = name("next.jsonl");
    run = (cogvideo_run_options){ .output = next };
    CHECK_OK(cogvideo_generate_step(model, "mirror", &options, &run, &in, &result, &err), err);
    cogvideo_result_free(&result);
    CHECK_FAILS(cogvideo_generate_step(model, "light", &options, &run, &in, &result, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "only codes", err);
    cogvideo_result_free(&result);
    CHECK_FAILS(cogvideo_generate_step(model, "mirror", &options, &run,
                                       &(cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = { .frames = 3 } },
                                       &result, &err),
                COGVIDEO_ERROR_ARGUMENT, "at least 1 frame, with its codes", err);
    cogvideo_result_free(&result);
    cogvideo_value_free(&in);
    cv_free(next);
    cv_free(straight);
    cv_free(stopped);
    cogvideo_model_close(&model);
}

static void steps_can_be_left_out(void **state)
{
    watch w = { 0 };
    cogvideo_model *model = open_toy(4, &w);
    cogvideo_generate_options options = options_for(model, &w);
    char *output = name("without.y4m");
    const char *without[] = { "mirror" };
    cogvideo_run_options run = { .output = output, .without = without, .without_count = 1 };
    cogvideo_plan plan;
    cogvideo_result result;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_generate_check(model, &options, &run, &result, &err), err);
    assert_null(cogvideo_clip_path(&result.clips[0], "mirrored"));
    assert_int_equal(w.notes, 0);
    assert_false(is_there("without.y4m"));
    cogvideo_result_free(&result);
    without[0] = "noise";
    CHECK_FAILS(cogvideo_generate_check(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT,
                "and no value was given", err);
    without[0] = "noises";
    CHECK_FAILS(cogvideo_generate_check(model, &options, &run, &result, &err), COGVIDEO_ERROR_UNSUPPORTED, "noises",
                err);
    run.without_count = 0;
    options.keyframes = 2; /* "pairs" takes an odd number: a step behind others is planned, too */
    CHECK_FAILS(cogvideo_generate_check(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT, "an odd number",
                err);
    options.keyframes = FRAMES;
    options.samples = 65;
    CHECK_FAILS(cogvideo_generate_check(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT,
                "samples must be from 1 to 64", err);
    options.samples = 1;
    run.output = "-";
    CHECK_FAILS(cogvideo_generate_check(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT, "give a file",
                err);
    cogvideo_model_close(&model);
    /* A model without what an optional step takes. */
    model = open_toy(2, &w);
    run.output = output;
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    assert_null(cogvideo_clip_path(&result.clips[0], "mirrored"));
    assert_true(is_there("without.y4m"));
    assert_int_equal(w.codes, w.all_codes);
    cogvideo_result_free(&result);
    CHECK_FAILS(cogvideo_plan_step(model, "mirror", &options,
                                   &(cogvideo_shape){ .kind = COGVIDEO_KIND_CODES,
                                                      .frames = 1,
                                                      .height = GRID,
                                                      .width = GRID,
                                                      .rate = 8,
                                                      .frames_per_code = 1 },
                                   &plan, &err),
                COGVIDEO_ERROR_MODEL, "has too few codes", err);
    cv_free(output);
    cogvideo_model_close(&model);
}

static void a_family_without_codes_makes_videos(void **state)
{
    const char *description = "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"grey\",\"name\":\"g\"}";
    watch w = { 0 };
    cogvideo_model *model = NULL;
    char *output = name("grey.y4m");
    cogvideo_generate_options options;
    cogvideo_run_options run = { .output = output, .resume = 1 };
    cogvideo_result result;
    cogvideo_error err;

    (void)state;
    check_write(check_temp_path("model.json"), description, strlen(description));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    options = options_for(model, &w);
    for (int again = 0; again < 2; again++) { /* the second time it is there */
        CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
        assert_int_equal(result.finished, again);
        assert_null(cogvideo_clip_path(&result.clips[0], "codes"));
        assert_true(is_there("grey.y4m") && is_there("grey.json") && !is_there("grey.journal"));
        cogvideo_result_free(&result);
    }
    run.write.fps = 3; /* another form, made anew */
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    assert_false(result.finished);
    cogvideo_result_free(&result);
    options.seed = 8;
    CHECK_FAILS(cogvideo_generate(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT,
                "\"seed\":7 and not \"seed\":8", err);
    cogvideo_result_free(&result);
    cv_free(output);
    cogvideo_model_close(&model);
}

static void journals_keep_any_bytes(void **state)
{
    cv_journal journal = CV_NO_JOURNAL;
    const cogvideo_unit units[] = { { "denoise", 0, 0 },
                                    { "denoise", 0, (int64_t)1 << 45 },
                                    { "denoise", 63, 1 },
                                    { "a", 0, 0 } };
    unsigned char data[4][9000], read[9000];
    cv_json *settings = cv_json_new_object();
    char *path = name("any.journal");
    cv_buffer text = { 0 };
    cogvideo_error err;

    (void)state;
    cv_json_set_string(settings, "model", "m");
    for (size_t i = 0; i < sizeof data; i++)
        ((unsigned char *)data)[i] = (unsigned char)(i * 2654435761u >> 13);
    CHECK_OK(cv_journal_open(&journal, path, false, false, &err), err);
    CHECK_OK(cv_journal_settings(&journal, settings, &err), err);
    for (int i = 0; i < 4; i++)
        CHECK_OK(cv_journal_add(&journal, &units[i], data[i], i == 3 ? 0 : sizeof data[i], &err), err);
    CHECK_FAILS(cv_journal_add(&journal, &(cogvideo_unit){ "a-name-that-is-longer-than-any-step-has", 0, 0 }, data, 1,
                               &err),
                COGVIDEO_ERROR_ARGUMENT, "a unit of the step", err);
    cv_journal_close(&journal, false);
    CHECK_OK(cv_journal_open(&journal, path, true, false, &err), err);
    assert_int_equal(journal.count, 4);
    for (int i = 0; i < 3; i++) {
        assert_true(cv_journal_find(&journal, &units[i], read, sizeof read));
        assert_memory_equal(read, data[i], sizeof read);
    }
    assert_false(cv_journal_find(&journal, &units[0], read, 10)); /* another size is another unit */
    assert_false(cv_journal_find(&journal, &(cogvideo_unit){ "denoise", 1, 0 }, read, sizeof read));
    cv_json_set_string(settings, "model", "n");
    CHECK_FAILS(cv_journal_settings(&journal, settings, &err), COGVIDEO_ERROR_ARGUMENT,
                "\"model\":\"m\" and not \"model\":\"n\"", err);
    cv_journal_close(&journal, false);
    /* One digit of the second unit is another: it and what stands behind it are made again. */
    CHECK_OK(cv_file_read(&text, path, 1 << 20, &err), err);
    char *line = strstr(text.data, "denoise 0 35184372088832 ");
    assert_non_null(line);
    line[30] = line[30] == '0' ? '1' : '0';
    check_write(path, text.data, text.size);
    CHECK_OK(cv_journal_open(&journal, path, true, false, &err), err);
    assert_int_equal(journal.count, 1);
    cv_journal_close(&journal, true);
    assert_int_equal(access(path, F_OK), -1);
    cv_buffer_free(&text);
    cv_json_free(&settings);
    cv_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_becomes_a_video), cmocka_unit_test(a_stopped_run_goes_on),
        cmocka_unit_test(steps_can_be_left_out),    cmocka_unit_test(a_family_without_codes_makes_videos),
        cmocka_unit_test(journals_keep_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
