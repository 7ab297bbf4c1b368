/* Whatever allocation fails, the call that asked for it ends with an error: it does not crash, leaks nothing (the
 * address sanitizer watches), and leaves nothing half-written. Allocations fail one by one; at most POINTS of each
 * call's do, evenly spread, unless COGVIDEO_BIG is set. */
#include "support/check.h"
#include "support/sources.h"
#include "support/models.h"
#include "support/program.h"

#include <cogvideo/cogvideo.h>

#include "base/path.h"

#include <stdatomic.h>
#include <unistd.h>

#if CHECK_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

#define POINTS 12

/* --- the allocator: the linker sends the library's calls here (meson.build) ----------------------------------- */

static atomic_long allocations, failing_one = -1;
static bool all_behind_fail; /* or that one alone */

int __real_posix_memalign(void **block, size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    long number = atomic_fetch_add(&allocations, 1), failing = atomic_load(&failing_one);

    if (failing >= 0 && (number == failing || (all_behind_fail && number > failing)))
        return 12; /* ENOMEM */
    return __real_posix_memalign(block, alignment, size);
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

static cogvideo_model *model;
static cogvideo_value keys, clip;
static char paths[16][1024];
enum {
    SMALL,
    OUT,
    STAGE1,
    IMAGE,
    CLUSTERS,
    DATA,
    PICTURES,
    ROWS,
    RECIPE,
    RUN,
    UNTRAINED,
    CODES,
    NPY,
    PICTURE,
    METRICS,
    METRICS_RECIPE
};

static cogvideo_generate_options options(int keyframes)
{
    cogvideo_generate_options o;

    cogvideo_generate_defaults(model, &o);
    o.prompt = "红色";
    o.seed = 5;
    o.keyframes = keyframes;
    return o;
}

static cogvideo_status open_model(cogvideo_error *err)
{
    cogvideo_model *another = NULL;
    cogvideo_status status = cogvideo_model_open(&another, paths[SMALL], NULL, err);

    cogvideo_model_close(&another);
    return status;
}

static cogvideo_status make_keyframes(cogvideo_error *err)
{
    const cogvideo_generate_options o = options(2);
    cogvideo_value out = { 0 };
    cogvideo_status status = cogvideo_run_step(model, "keyframes", &o, NULL, &out, err);

    cogvideo_value_free(&out);
    return status;
}

static cogvideo_status interpolate(cogvideo_error *err)
{
    cogvideo_generate_options o = options(5);
    cogvideo_value out = { 0 };
    cogvideo_status status;

    o.rounds = 1;
    status = cogvideo_run_step(model, "interpolate", &o, &keys, &out, err);
    cogvideo_value_free(&out);
    return status;
}

static cogvideo_status score(cogvideo_error *err)
{
    const cogvideo_generate_options o = options(5);
    const cogvideo_score_options what = { .stage = 1 };
    double logprob[5 * 64];
    int scored[5];

    return cogvideo_score(model, &o, &what, &keys.codes, logprob, scored, err);
}

static cogvideo_status decode(cogvideo_error *err)
{
    const cogvideo_decode_options o = { 0 };
    cogvideo_video video = { 0 };
    cogvideo_status status = cogvideo_decode(model, &o, &clip.codes, &video, err);

    if (status == COGVIDEO_OK)
        status = cogvideo_video_write(&video, paths[OUT], NULL, err);
    cogvideo_video_free(&video);
    return status;
}

static cogvideo_status encode(cogvideo_error *err)
{
    cogvideo_video video = { 0 };
    cogvideo_tokens out = { 0 };
    cogvideo_status status = cogvideo_video_read(&video, paths[PICTURE], NULL, err);

    if (status == COGVIDEO_OK)
        status = cogvideo_encode(model, &video, 8, NULL, &out, err);
    cogvideo_video_free(&video);
    cogvideo_tokens_free(&out);
    return status;
}

static cogvideo_status copy_tokens(cogvideo_error *err)
{
    cogvideo_tokens in = { 0 };
    cogvideo_status status = cogvideo_tokens_load(&in, paths[CODES], err);

    if (status == COGVIDEO_OK)
        status = cogvideo_tokens_save(&in, paths[OUT], err);
    cogvideo_tokens_free(&in);
    return status;
}

static cogvideo_status copy_npy(cogvideo_error *err)
{
    cogvideo_tokens in = { 0 };
    cogvideo_status status = cogvideo_tokens_load_npy(&in, paths[NPY], err);

    if (status == COGVIDEO_OK)
        status = cogvideo_tokens_save_npy(&in, paths[OUT], err);
    cogvideo_tokens_free(&in);
    return status;
}

static cogvideo_status tokenize(cogvideo_error *err)
{
    int32_t *ids = NULL;
    size_t count = 0;
    char *text = NULL;
    cogvideo_status status =
        cogvideo_text_encode(model, "红色的圆形 a b", strlen("红色的圆形 a b"), 0, &ids, &count, err);

    if (status == COGVIDEO_OK)
        status = cogvideo_text_decode(model, ids, count, &text, err);
    cogvideo_free(ids);
    cogvideo_free(text);
    return status;
}

static cogvideo_status import_stage(cogvideo_error *err)
{
    return cogvideo_import(&(cogvideo_import_options){ SOURCES({ "stage1", paths[STAGE1] },
                                                               { "image-tokenizer", paths[IMAGE] },
                                                               { "clusters", paths[CLUSTERS] },
                                                               { "text-tokenizer", check_data("text/ice_text.model") }),
                                                       .config = models_small_config(), .output = paths[OUT] },
                           err);
}

static cogvideo_status quantize(cogvideo_error *err)
{
    return cogvideo_quantize(&(cogvideo_quantize_options){ .input = paths[SMALL], .output = paths[OUT], .type = "q4" },
                             err);
}

static cogvideo_status draw_dataset(cogvideo_error *err)
{
    return cogvideo_dataset_shapes(paths[OUT], &(cogvideo_shapes_options){ .clips = 2, .seed = 1 }, NULL, err);
}

static cogvideo_status build_dataset(cogvideo_error *err)
{
    return cogvideo_dataset_build(paths[PICTURES], paths[OUT], &(cogvideo_build_options){ .size = 16, .frames = 2 },
                                  NULL, err);
}

static cogvideo_status make_rows(cogvideo_error *err)
{
    cogvideo_dataset *in = NULL;
    cogvideo_status status = cogvideo_dataset_open(&in, paths[DATA], err);

    if (status == COGVIDEO_OK)
        status = cogvideo_dataset_tokens(in, model, paths[OUT],
                                         &(cogvideo_rows_options){ .kind = COGVIDEO_ROWS_IMAGE, .cut_text = 1 }, NULL,
                                         NULL, err);
    cogvideo_dataset_close(&in);
    return status;
}

static cogvideo_status train(const char *part, const char *into, const char *recipe, const char *data,
                             cogvideo_error *err)
{
    return cogvideo_train(&(cogvideo_train_options){ .part = part,
                                                     .recipe = recipe,
                                                     .model = into,
                                                     .data = &data,
                                                     .data_count = 1,
                                                     .output = paths[RUN],
                                                     .finetune = strcmp(part, "stage1") == 0,
                                                     .force = strcmp(part, "metric-i3d") == 0 },
                          err);
}

static cogvideo_status train_stage(cogvideo_error *err)
{
    return train("stage1", paths[SMALL], paths[RECIPE], paths[ROWS], err);
}

static cogvideo_status train_image_tokenizer(cogvideo_error *err)
{
    return train("image-tokenizer", paths[UNTRAINED], paths[RECIPE], paths[DATA], err);
}

static cogvideo_status train_i3d(cogvideo_error *err)
{
    return train("metric-i3d", paths[METRICS], paths[METRICS_RECIPE], paths[DATA], err);
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

static void clear(void)
{
    assert_int_equal(program_run("--version >/dev/null && rm -rf out* run*"), 0);
}

typedef struct failing_call {
    const char *name;
    cogvideo_status (*call)(cogvideo_error *err);
    /* behind the output's name: the file that is written last and makes it whole; NULL: there is no output */
    const char *last;
} failing_call;

static bool is_left(const failing_call *c)
{
    char path[1100];

    snprintf(path, sizeof path, "%s%s", paths[OUT], c->last ? c->last : "");
    return c->last && cv_path_exists(path);
}

static long run(const failing_call *c, long failing)
{
    cogvideo_error err = { 0 };
    cogvideo_status status;

    clear();
    atomic_store(&allocations, 0);
    atomic_store(&failing_one, failing);
    status = c->call(&err);
    atomic_store(&failing_one, -1);
    if (failing < 0)
        CHECK_OK(status, err);
    else if (status != COGVIDEO_OK && (status != COGVIDEO_ERROR_MEMORY || !err.message[0] || is_left(c)))
        fail_msg("%s: allocation %ld fails: %s: '%s'%s", c->name, failing, cogvideo_status_text(status), err.message,
                 is_left(c) ? ", and a file is left" : "");
    return atomic_load(&allocations);
}

static void every_failing_allocation_is_an_error(void **state)
{
    static const failing_call calls[] = {
        { "open", open_model, NULL },
        { "keyframes", make_keyframes, NULL },
        { "interpolate", interpolate, NULL },
        { "score", score, NULL },
        { "decode", decode, "" },
        { "encode", encode, NULL },
        { "tokens", copy_tokens, "" },
        { "npy", copy_npy, "" },
        { "tokenize", tokenize, NULL },
        { "import", import_stage, "" },
        { "quantize", quantize, "" },
        { "dataset shapes", draw_dataset, "/dataset.json" },
        { "dataset build", build_dataset, "/dataset.json" },
        { "dataset tokens", make_rows, ".json" },
        { "train stage1", train_stage, NULL },
        { "train image-tokenizer", train_image_tokenizer, NULL },
        { "train metric-i3d", train_i3d, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        long all = run(&calls[i], -1), points = getenv("COGVIDEO_BIG") || all < POINTS ? all : POINTS;

        print_message("%s: %ld allocations, %ld of them fail\n", calls[i].name, all, points);
        for (long point = 0; point < points; point++) {
            all_behind_fail = point % 2;
            run(&calls[i], points == all ? point : (long)((double)all * ((double)point + 0.5) / (double)points));
        }
#if CHECK_SANITIZED
        assert_int_equal(__lsan_do_recoverable_leak_check(), 0);
#endif
    }
}

static int start(void **state)
{
    static const char *const names[] = { "m",
                                         "out.ppm",
                                         "stage1.pt",
                                         "image.pt",
                                         "clusters.npy",
                                         "data",
                                         "pictures",
                                         "stage1.rows",
                                         "recipe.json",
                                         "run",
                                         "untrained",
                                         "codes.jsonl",
                                         "codes.npy",
                                         "frame-05.ppm",
                                         "metrics",
                                         "metrics-recipe.json" };
    static const char recipe[] =
        "{\"format\":\"cogvideo-recipe\",\"version\":1,"
        "\"image-tokenizer\":{\"steps\":1,\"batch\":1,\"crop\":16,\"plain_steps\":0,\"clusters\":2},"
        "\"stage1\":{\"steps\":1,\"batch\":1}}";
    static const char metrics_recipe[] =
        "{\"format\":\"cogvideo-recipe\",\"version\":1,\"metric-i3d\":{\"steps\":1,\"batch\":1}}";
    cogvideo_generate_options o, one;
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        snprintf(paths[i], sizeof paths[i], "%s", check_temp_path(names[i]));
    models_write_small(check_temp());
    models_import_small("f16", "m");
    check_write(paths[RECIPE], recipe, sizeof recipe - 1);
    check_write(paths[METRICS_RECIPE], metrics_recipe, sizeof metrics_recipe - 1);
    program_ok("dataset shapes --clips 2 --seed 3 -q -o data");
    program_ok("dataset tokens data --model m --for stage1 --cut-text -q -o stage1.rows");
    program_ok(
        "dataset info data --clip 0 -o 'frame-%%02d.ppm' && mkdir -p pictures/a untrained metrics && mv frame-0[0-3].ppm pictures/a && "
        "echo red >pictures/a.txt && cp '%s/shapes-model.json' untrained/model.json && cp '%s/shapes-metrics.json' metrics/model.json",
        getenv("COGVIDEO_CONFIGS"), getenv("COGVIDEO_CONFIGS"));
    CHECK_OK(cogvideo_model_open(&model, paths[SMALL], NULL, &err), err);
    o = options(5);
    one = options(1);
    CHECK_OK(cogvideo_run_step(model, "keyframes", &o, NULL, &keys, &err), err);
    CHECK_OK(cogvideo_run_step(model, "keyframes", &one, NULL, &clip, &err), err);
    CHECK_OK(cogvideo_tokens_save(&keys.codes, paths[CODES], &err), err);
    CHECK_OK(cogvideo_tokens_save_npy(&keys.codes, paths[NPY], &err), err);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cogvideo_value_free(&keys);
    cogvideo_value_free(&clip);
    cogvideo_model_close(&model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_failing_allocation_is_an_error) };

    return cmocka_run_group_tests(tests, start, end);
}
