/* features_speed MODEL NETWORK [THREADS [ROUNDS]] - seconds that a published network of an imported model takes for an
 * item, a clip or a frame, without decoding or resizing; the share of the machine's f32 peak, measured in the same
 * rounds, that its multiply-adds are when they are computed plainly; and the peak of memory. */
#include "base/cpu.h"
#include "base/mem.h"
#include "bench/limits.h"
#include "family/family.h"

#include <cogvideo/version.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 16 /* of a clip, or at once through a network that reads frames; as evaluate has them */

/* A network that is measured, at its full published size. */
typedef struct measured {
    const char *item;     /* what one is called */
    double multiply_adds; /* of an item */
    const cv_feature_network *network;
    cv_feature_run *run;
    int count; /* items at once */
    float *pixels, *features, *probabilities;
    cogvideo_error err;
} measured;

static const struct {
    const char *name;
    double multiply_adds;
} published[] = { { "i3d", 28e9 }, { "c3d", 38.5e9 }, { "inception", 5.7e9 }, { "clip", 4.4e9 } };

/* Items go through once. Returns the operations, or 0 after an error. */
static double run_once(void *user)
{
    measured *m = user;

    if (m->network->run(m->run, m->pixels, m->count, m->features, m->probabilities, &m->err) != COGVIDEO_OK)
        return 0;
    return 2 * m->multiply_adds * m->count;
}

/* Pixels 0 .. 255 without any pattern. */
static void draw(float *pixels, size_t count)
{
    uint32_t state = 1;

    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (float)(state >> 24);
    }
}

static cogvideo_status prepare(measured *m, const cogvideo_model *model, const char *name)
{
    cv_feature_settings settings = { .frames = FRAMES, .batch = 1 };
    cv_feature_info info;
    size_t numbers;
    cogvideo_status status;

    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        if (strcmp(published[i].name, name) == 0)
            m->multiply_adds = published[i].multiply_adds;
    m->network = cv_model_feature_network(model, name);
    if (!m->network || m->multiply_adds <= 0)
        return cv_fail(&m->err, COGVIDEO_ERROR_ARGUMENT, "%s: no such network is measured", name);
    CV_TRY(m->network->need(model, &m->err));
    m->network->info(model, &info);
    if (info.shapes)
        return cv_fail(&m->err, COGVIDEO_ERROR_ARGUMENT, "%s: is a small network of the shapes world", name);
    if (info.frames) {
        settings.frames = 1;
        settings.batch = FRAMES;
    }
    settings.height = settings.width = info.side;
    m->item = info.frames ? "frame" : "clip";
    m->count = settings.batch;
    numbers = (size_t)FRAMES * 3 * (size_t)info.side * (size_t)info.side;
    CV_NEW(m->pixels, numbers, &m->err);
    CV_NEW(m->features, (size_t)m->count * (size_t)info.width, &m->err);
    if (info.classes > 0)
        CV_NEW(m->probabilities, (size_t)m->count * (size_t)info.classes, &m->err);
    draw(m->pixels, numbers);
    CV_TRY(m->network->open(&m->run, model, &settings, &m->err));
done:
    return status;
}

static cogvideo_status measure(measured *m, const cogvideo_model *model, const char *network, int rounds)
{
    const cogvideo_bench_options options = { 0 };
    cv_limits limits = { .exec = &model->exec };
    cv_bench_item items[2] = { { .run = cv_limit_f32, .user = &limits, .row.name = "f32 peak" },
                               { .run = run_once, .user = m, .row = { .name = "network", .limit = "f32 peak" } } };
    cogvideo_status status;

    CV_TRY(cv_bench_rounds(items, 2, rounds, &options, &m->err));
    if (items[1].row.rate <= 0)
        return m->err.status;
    printf("%.4f s a %s, %s, %d threads, %s: %.1f GFLOP/s, %.0f %% of the f32 peak, %lld MB of memory at most\n",
           2 * m->multiply_adds / items[1].row.rate / 1e9, m->item, network, model->exec.threads,
           model->exec.kernels.name, items[1].row.rate, 100 * items[1].row.share, cv_memory_peak() / 1000000);
done:
    return status;
}

/* What the program sees to when it starts: OpenBLAS reads these variables while it is loaded. */
static void start_anew(char **argv)
{
    const char *core = cogvideo_blas_core();

    if (getenv("OPENBLAS_NUM_THREADS"))
        return;
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OMP_WAIT_POLICY", "passive", 0);
    if (core)
        setenv("OPENBLAS_CORETYPE", core, 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    cogvideo_model_options options = { .threads = argc > 3 ? atoi(argv[3]) : 0 };
    const int rounds = argc > 4 ? atoi(argv[4]) : 5;
    cogvideo_model *model = NULL;
    measured m = { 0 };
    cogvideo_status status;

    if (argc < 3 || argc > 5 || rounds < 1) {
        fprintf(stderr, "usage: features_speed MODEL NETWORK [THREADS [ROUNDS]]\n");
        return 2;
    }
    start_anew(argv);
    CV_TRY(cogvideo_model_open(&model, argv[1], &options, &m.err));
    CV_TRY(prepare(&m, model, argv[2]));
    CV_TRY(measure(&m, model, argv[2], rounds));
done:
    if (status != COGVIDEO_OK)
        fprintf(stderr, "features_speed: %s\n", m.err.message);
    if (m.run)
        m.network->close(&m.run);
    cv_free(m.pixels);
    cv_free(m.features);
    cv_free(m.probabilities);
    cogvideo_model_close(&model);
    return status != COGVIDEO_OK;
}
