/* One model, several runs at once, each on threads of its own: a service needs that. Under the thread sanitizer each
 * run has one thread, since that sanitizer does not know how OpenMP's threads wait for each other. */
#include "support/check.h"
#include "support/models.h"

#include <cogvideo/cogvideo.h>

#include <pthread.h>

enum { RUNS = 2 };

typedef struct run {
    const cogvideo_model *model;
    uint64_t seed;
    cogvideo_value keys, clip, video;
    cogvideo_error err;
    cogvideo_status status;
} run;

static void *make(void *user)
{
    run *r = user;
    cogvideo_generate_options options;
    cogvideo_status status;

    cogvideo_generate_defaults(r->model, &options);
    options.prompt = "红色";
    options.seed = r->seed;
    options.rounds = 1;
    CV_TRY(cogvideo_set_sampling(&options, "clusters", 0, &r->err));
    CV_TRY(cogvideo_set_sampling(&options, "top_k", 8, &r->err));
    CV_TRY(cogvideo_run_step(r->model, "keyframes", &options, NULL, &r->keys, &r->err));
    CV_TRY(cogvideo_run_step(r->model, "interpolate", &options, &r->keys, &r->clip, &r->err));
    CV_TRY(cogvideo_run_step(r->model, "decode", &options, &r->clip, &r->video, &r->err));
done:
    r->status = status;
    return NULL;
}

static void free_run(run *r)
{
    cogvideo_value_free(&r->keys);
    cogvideo_value_free(&r->clip);
    cogvideo_value_free(&r->video);
}

static void runs_at_once_equal_runs_in_turn(void **state)
{
    const cogvideo_model_options options = { .threads = 1 };
    run in_turn[RUNS] = { { 0 } }, at_once[RUNS] = { { 0 } };
    pthread_t threads[RUNS];
    cogvideo_model *model = NULL;
    cogvideo_error err;

    (void)state;
    models_write_small(check_temp());
    models_import_small("f16", "small");
    CHECK_OK(cogvideo_model_open(&model, check_temp_path("small"), &options, &err), err);
    for (int i = 0; i < RUNS; i++) {
        in_turn[i] = at_once[i] = (run){ .model = model, .seed = (uint64_t)i };
        make(&in_turn[i]);
        CHECK_OK(in_turn[i].status, in_turn[i].err);
    }
    for (int i = 0; i < RUNS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make, &at_once[i]), 0);
    for (int i = 0; i < RUNS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < RUNS; i++) {
        const cogvideo_tokens *a = &in_turn[i].clip.codes, *b = &at_once[i].clip.codes;
        const cogvideo_video *x = &in_turn[i].video.pixels, *y = &at_once[i].video.pixels;

        CHECK_OK(at_once[i].status, at_once[i].err);
        assert_int_equal(a->frames, b->frames);
        assert_memory_equal(a->codes, b->codes, (size_t)a->frames * cogvideo_tokens_per_frame(a) * sizeof *a->codes);
        assert_memory_equal(x->pixels, y->pixels, (size_t)x->frames * (size_t)x->width * (size_t)x->height * 3);
        free_run(&in_turn[i]);
        free_run(&at_once[i]);
    }
    cogvideo_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(runs_at_once_equal_runs_in_turn) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
