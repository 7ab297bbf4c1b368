/* Quantized models through the program: made, by import and from a model; how far they are from the original; the same
 * codes for any threads and batch, in every type; what is refused. */
#include "support/check.h"
#include "support/models.h"
#include "support/program.h"

#include "base/json.h"
#include "base/path.h"

#define PROMPT "\"一个红色的圆形向左移动\""

static const char *const types[] = { "f32", "f16", "q8", "q4" };

enum { TYPES = sizeof types / sizeof *types };

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f16", "f16");
    for (int t = 0; t < TYPES; t++)
        if (strcmp(types[t], "f16") != 0)
            program_ok("quantize f16 %s --type %s -q", types[t], types[t]);
    return 0;
}

static void the_files_shrink(void **state)
{
    long long bytes[TYPES];

    (void)state;
    for (int t = 0; t < TYPES; t++) {
        char path[60];

        snprintf(path, sizeof path, "%s/stage1.safetensors", types[t]);
        bytes[t] = (long long)cv_path_bytes(check_temp_path(path));
        snprintf(path, sizeof path, "%s/image_tokenizer.safetensors", types[t]);
        if (t >= 2)
            program_equal_files("f16/image_tokenizer.safetensors", path);
    }
    assert_true(bytes[0] > bytes[1] * 3 / 2);
    assert_true(bytes[2] < bytes[1] * 3 / 4);
    assert_true(bytes[3] < bytes[2] * 3 / 4);
}

/* The order of tensors in the files may differ, their values may not. */
static void import_quantizes_alike(void **state)
{
    (void)state;
    models_import_small("q8", "imported");
    program_ok("keyframes --model q8 " PROMPT " --seed 3 -q -o quantized.jsonl");
    program_ok("keyframes --model imported " PROMPT " --seed 3 -q -o imported.jsonl");
    program_equal_files("quantized.jsonl", "imported.jsonl");
}

static void exceptions_are_kept(void **state)
{
    (void)state;
    program_ok("quantize f16 kept --type q4 --keep '*.attention.*=q8,*word_embeddings*=f16' -q");
    program_ok("info kept");
    assert_non_null(strstr(program_output(), "f16, q8, q4"));
    program_ok("keyframes --model kept " PROMPT " --greedy -q -o kept.jsonl");
}

static double member(const char *name)
{
    const char *text = program_output();
    cogvideo_error err;
    cv_json *json = NULL;
    double value;

    CHECK_OK(cv_json_parse(&json, text, strlen(text), "compare", &err), err);
    CHECK_OK(cv_json_double(json, name, 0, 1e9, &value, "compare", &err), err);
    cv_json_free(&json);
    return value;
}

/* Log-probabilities over a clip, by the whole-frame pass; the likeliest code where it leads the next clearly. */
static void scores_stay_close(void **state)
{
    static const struct {
        const char *inputs;
        double most[TYPES];
    } kinds[] = { { "f32", { 1e-3, 1e-9, 0.05, 0.4 } }, { "q8", { 1e-3, 1e-9, 0.1, 0.45 } } };
    /* f32 holds the same weights as f16 and adds in another order, which the cache's f16 rounds apart now and then */
    static const double divergence[2] = { 1e-6, 1e-9 };

    (void)state;
    program_ok("keyframes --model f16 " PROMPT " --seed 1 -q -o clip.jsonl");
    for (int i = 0; i < 2 * TYPES; i++) {
        int t = i / 2, kind = i % 2;

        program_ok("compare f16 %s clip.jsonl --activations %s -q --json", types[t], kinds[kind].inputs);
        if (member("difference") > kinds[kind].most[t])
            fail_msg("%s, inputs in %s: mean difference %g", types[t], kinds[kind].inputs, member("difference"));
        assert_true(member("codes") > 0);
        assert_true(member("firm_codes") > 0);
        if (t <= 2)
            assert_true(member("firm_agreement") >= 0.98);
        if (t <= 1)
            assert_true(member("divergence") < divergence[t]);
        else
            assert_true(member("divergence") > 0);
    }
}

/* Key frames of three samples, on one thread and on two, side by side and alone; interpolation in batches. */
static void threads_and_batches_do_not_matter(void **state)
{
    (void)state;
    for (int t = CHECK_SANITIZED; t < TYPES; t += 1 + CHECK_SANITIZED) /* sanitizers watch every other type */
        for (int other = 0; other <= (t >= 2); other++) {
            const char *by = other ? t == 2 ? "--activations f32 --cache q8" : "--activations f32 --cache f32" : "";

            program_ok("keyframes --model %s " PROMPT " --seed 5 --samples 3 --threads 2 %s -q -f -o all-%%d.jsonl",
                       types[t], by);
            program_ok("keyframes --model %s " PROMPT " --seed 5 --first-sample 1 --threads 1 %s -q -f -o alone.jsonl",
                       types[t], by);
            program_equal_files("all-1.jsonl", "alone.jsonl");
            for (int batch = 1; batch <= 8; batch++)
                if (batch <= 3 || batch == 8)
                    program_ok(
                        "interpolate --model %s all-1.jsonl --rounds 2 --threads %d --batch %d %s -q -f -o mid-%d.jsonl",
                        types[t], 1 + batch % 2, batch, by, batch);
            program_equal_files("mid-1.jsonl", "mid-2.jsonl");
            program_equal_files("mid-1.jsonl", "mid-3.jsonl");
            program_equal_files("mid-1.jsonl", "mid-8.jsonl");
        }
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    program_check("quantize q8 again" STDERR, 1, "not one that is quantized already");
    program_check("quantize none x" STDERR, 1, "none: is no model directory");
    program_check("quantize f16 q8" STDERR, 1, "--force");
    program_check("quantize f16" STDERR, 2, "the directory to make");
    program_check("quantize f16 x --type q5" STDERR, 2, "q5");
    program_check("quantize f16 x --keep '*=q9'" STDERR, 1, "of the form PATTERN=TYPE");
    program_check("info x" STDERR, 1, "x: ");
    program_check("compare f16 q8" STDERR, 2, "two models and a file of codes");
    program_check("compare f16 x clip.jsonl" STDERR, 1, "x: ");
    program_check("compare f16 q8 all-1.jsonl --stage 2 --first-frame" STDERR, 2, "stage 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_shrink),
        cmocka_unit_test(import_quantizes_alike),
        cmocka_unit_test(exceptions_are_kept),
        cmocka_unit_test(scores_stay_close),
        cmocka_unit_test(threads_and_batches_do_not_matter),
        cmocka_unit_test(what_cannot_be_is_said),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
