/* The CogVideo transformer against what the original computed: activations of every layer, logits and
 * log-probabilities of teacher-forced runs by steps and by whole passes, and greedy runs code by code. Both
 * geometries, weights in f32 and f16. */
#include "support/check.h"
#include "support/networks.h"
#include "support/softmax.h"

#include "family/cogvideo/network/forward.h"
#include "nn/blas.h"

#define MAX_PLACES 400
#define FRAMES 5

typedef struct network {
    const char *folder;
    cv_cogvideo_config config;
    int seed, every_code, every_layer_place;
    cv_exec exec;
    cv_store *stores[3];
    cv_trunk trunk;
    cv_stage stages[2];
} network;

static const cv_cogvideo_config geometries[2] = {
    { 4, 64, 4, 256, 1600, 1024, 1526, 8, 4, FRAMES, 64, 1024, 320, 512, true, 1e-5 },
    { 4, 64, 4, 256, 20512, 20000, 20502, 20, 10, FRAMES, 64, 1024, 2000, 512, true, 1e-5 },
};

static void open_file(cv_store **store, const char *name, seeded_list *list, cv_dtype dtype)
{
    cogvideo_error err;
    const char *path = check_temp_path(name);

    seeded_write(list, path, dtype);
    seeded_list_free(list);
    CHECK_OK(cv_store_open(store, path, &err), err);
}

static void open_network(network *net, int large, cv_dtype dtype, int threads)
{
    cogvideo_error err;
    seeded_list list = { 0 };

    *net = (network){ .folder = large ? "cogvideo" : "small",
                      .config = geometries[large],
                      .seed = large ? 11 : 71,
                      .every_code = large ? 499 : 31,
                      .every_layer_place = large ? 16 : 4 };
    cv_blas_init();
    net->exec.threads = threads;
    check_kernels(&net->exec.kernels);
    networks_trunk(&list, net->seed, net->config.layers, net->config.hidden, net->config.vocabulary,
                   net->config.positions);
    open_file(&net->stores[0], "trunk.safetensors", &list, dtype);
    CHECK_OK(cv_trunk_bind(&net->trunk, net->stores[0], net->config.layers, net->config.hidden, net->config.mlp,
                           net->config.vocabulary, net->config.positions, (float)net->config.norm_epsilon, &err),
             err);
    for (int s = 0; s < 2; s++) {
        networks_stage(&list, net->seed + s, net->config.layers, net->config.hidden, net->config.extra_positions);
        open_file(&net->stores[s + 1], s ? "stage2.safetensors" : "stage1.safetensors", &list, dtype);
        CHECK_OK(cv_stage_bind(&net->stages[s], s ? CV_STAGE_INTERPOLATE : CV_STAGE_SEQUENTIAL, &net->config,
                               &net->trunk, net->stores[s + 1], &err),
                 err);
    }
    for (int s = 0; s < 3; s++)
        CHECK_OK(cv_store_check_claimed(net->stores[s], &err), err);
}

static void close_network(network *net)
{
    cv_stage_close(&net->stages[0]);
    cv_stage_close(&net->stages[1]);
    cv_trunk_close(&net->trunk);
    for (int s = 0; s < 3; s++)
        cv_store_close(&net->stores[s]);
}

static cv_store *open_golden(const network *net, const char *file)
{
    cogvideo_error err;
    cv_store *store = NULL;
    char name[100];

    snprintf(name, sizeof name, "%s/%s.safetensors", net->folder, file);
    CHECK_OK(cv_store_open(&store, check_data(name), &err), err);
    return store;
}

/* A text and a sequence over it. */
typedef struct run {
    cv_text_cache text;
    cv_frames_cache frames;
    cv_sequence sequence;
} run;

static cv_arena arena_for(const network *net, const cv_stage *stage, int rows, bool step)
{
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, cv_forward_scratch(&net->exec, stage, rows, step), &err), err);
    return arena;
}

static void open_run(run *r, const network *net, const cv_stage *stage, const cv_tensor *ids, bool plus, float weight)
{
    cogvideo_error err;
    cv_arena arena = arena_for(net, stage, (int)ids->count, false);

    CHECK_OK(cv_text_cache_create(&r->text, &net->config, CV_WEIGHT_F32, (int)ids->count, plus, &err), err);
    CHECK_OK(cv_frames_cache_create(&r->frames, &net->config, CV_WEIGHT_F32, plus ? FRAMES : 1, plus, &err), err);
    cv_forward_text(&net->exec, stage, &r->text, ids->data, NULL, &arena);
    r->sequence = (cv_sequence){ &r->text, &r->frames, weight, plus };
    cv_arena_free(&arena);
}

static void close_run(run *r)
{
    cv_text_cache_free(&r->text);
    cv_frames_cache_free(&r->frames);
}

/* One golden run: which frames are given, and how its sequences are guided. */
typedef struct golden_run {
    const char *name, *text;
    int stage, given, frames, windows;
    bool guided, first;
} golden_run;

static const golden_run golden_runs[] = {
    { "first", "first.text", 0, 0, 1, 1, false, true },
    { "seq.guided", "seq.text", 0, 1, FRAMES, 1, true, false },
    { "seq.plain", "seq.text", 0, 1, FRAMES, 1, false, false },
    { "interp", "seq.text", 1, 3, FRAMES, 2, false, false },
};

typedef struct check_state {
    const network *net;
    const float *logits, *lse, *logprob;
    const int32_t *codes;
    double worst_logit, worst_logprob;
} check_state;

static void check_place(check_state *s, int place, const float *logits)
{
    int columns = s->net->config.image_codes / s->net->every_code + 1;
    double lse = softmax_log_sum_exp(logits, s->net->config.image_codes);

    for (int c = 0; c < columns; c++)
        s->worst_logit =
            fmax(s->worst_logit, fabs((double)logits[c * s->net->every_code] - (double)s->logits[place * columns + c]));
    s->worst_logprob = fmax(s->worst_logprob, fabs(lse - (double)s->lse[place]));
    s->worst_logprob = fmax(s->worst_logprob, fabs((double)logits[s->codes[place]] - lse - (double)s->logprob[place]));
}

static void check_hidden(check_state *s, const cv_stage *stage, const float *hidden, int rows, cv_arena *arena)
{
    enum { BLOCK = 50 };
    int C = s->net->config.hidden, n = s->net->config.image_codes;
    float *logits = malloc(sizeof *logits * (size_t)(BLOCK * n));

    for (int first = 0; first < rows; first += BLOCK) {
        int count = rows - first < BLOCK ? rows - first : BLOCK;

        cv_forward_logits(&s->net->exec, stage, logits, hidden + first * C, count, arena);
        for (int i = 0; i < count; i++)
            check_place(s, first + i, logits + i * n);
    }
    free(logits);
}

static void guide(float *logits, const float *guide_logits, int n)
{
    for (int i = 0; i < n; i++)
        logits[i] = guide_logits[i] + 3.0f * (logits[i] - guide_logits[i]);
}

/* The golden run of window `window` by steps: preset codes when `codes` has them, else the best code each time. */
static void run_by_steps(const network *net, const golden_run *g, int window, const cv_store *golden, bool greedy)
{
    char name[100];
    const cv_stage *stage = &net->stages[g->stage];
    int L = cv_cogvideo_places(&net->config), n = net->config.image_codes, sequences = g->guided ? 2 : 1;
    int generated = (g->frames - g->given) * L, offset = window * generated, ties = 0;
    const int32_t *tokens;
    int32_t codes[FRAMES * MAX_PLACES];
    const float *margin;
    run runs[2] = { 0 };
    cv_step_row rows[2];
    float *logits = malloc((size_t)(2 * n) * sizeof *logits);
    cv_arena arena = arena_for(net, stage, 2, true);
    check_state s = { .net = net };

    snprintf(name, sizeof name, "%s.tokens", g->name);
    tokens = check_i32(golden, name) + (size_t)window * (size_t)(g->frames * L);
    snprintf(name, sizeof name, "%s.margin", g->name);
    margin = check_f32(golden, name) + offset;
    if (!greedy) {
        int columns = n / net->every_code + 1;

        snprintf(name, sizeof name, "%s.logits", g->name);
        s.logits = check_f32(golden, name) + (size_t)offset * (size_t)columns;
        snprintf(name, sizeof name, "%s.lse", g->name);
        s.lse = check_f32(golden, name) + offset;
        snprintf(name, sizeof name, "%s.logprob", g->name);
        s.logprob = check_f32(golden, name) + offset;
        s.codes = tokens + g->given * L;
    }
    for (int q = 0; q < sequences; q++) {
        cv_frames_pass given = { 0, g->given, g->given, tokens };

        open_run(&runs[q], net, stage, check_tensor(golden, q ? "seq.guide_text" : g->text), !g->first,
                 g->guided ? 0.0f : 1.4f);
        if (g->given > 0) {
            cv_arena wide = arena_for(net, stage, g->given * L, false);

            cv_forward_frames(&net->exec, stage, &runs[q].sequence, &given, NULL, NULL, &wide);
            cv_arena_free(&wide);
        }
    }
    memcpy(codes, tokens, (size_t)(g->frames * L) * sizeof *codes);
    for (int place = 0; place < generated; place++) {
        int at = g->given * L + place, best = 0;

        for (int q = 0; q < sequences; q++)
            rows[q] = (cv_step_row){ &runs[q].sequence, at / L, at % L, at % L ? codes[at - 1] : 0 };
        cv_forward_step(&net->exec, stage, rows, sequences, logits, &arena);
        if (g->guided)
            guide(logits, logits + n, n);
        for (int i = 1; i < n; i++)
            best = logits[i] > logits[best] ? i : best;
        if (greedy) {
            /* what follows is given the golden's code all the same */
            bool tie = best != tokens[at] && margin[place] < 1e-3f;

            ties += tie;
            assert_true(tie || best == tokens[at]);
        } else {
            check_place(&s, place, logits);
        }
    }
    assert_true(10 * ties <= generated);
    if (!greedy) {
        print_message("    %s/%s window %d, steps: logits within %.1e, log-probabilities within %.1e\n", net->folder,
                      g->name, window, s.worst_logit, s.worst_logprob);
        assert_true(s.worst_logit < 2e-3 && s.worst_logprob < 2e-3);
    }
    for (int q = 0; q < sequences; q++)
        close_run(&runs[q]);
    cv_arena_free(&arena);
    free(logits);
}

/* The same run as one pass over all frames (not for guided runs, whose logits are a mix of two). */
static void run_by_pass(const network *net, const golden_run *g, int window, const cv_store *golden)
{
    char name[100];
    const cv_stage *stage = &net->stages[g->stage];
    int L = cv_cogvideo_places(&net->config), columns = net->config.image_codes / net->every_code + 1;
    int generated = (g->frames - g->given) * L, offset = window * generated;
    const int32_t *tokens;
    cv_arena arena = arena_for(net, stage, g->frames * L, false);
    float *hidden = malloc(sizeof *hidden * (size_t)(generated * net->config.hidden));
    check_state s = { .net = net };
    run r = { 0 };

    snprintf(name, sizeof name, "%s.tokens", g->name);
    tokens = check_i32(golden, name) + (size_t)window * (size_t)(g->frames * L);
    snprintf(name, sizeof name, "%s.logits", g->name);
    s.logits = check_f32(golden, name) + (size_t)offset * (size_t)columns;
    snprintf(name, sizeof name, "%s.lse", g->name);
    s.lse = check_f32(golden, name) + offset;
    snprintf(name, sizeof name, "%s.logprob", g->name);
    s.logprob = check_f32(golden, name) + offset;
    s.codes = tokens + g->given * L;
    open_run(&r, net, stage, check_tensor(golden, g->text), !g->first, 1.4f);
    if (g->given == 0) {
        cv_frames_pass all = { 0, g->frames, 0, tokens };

        cv_forward_frames(&net->exec, stage, &r.sequence, &all, hidden, NULL, &arena);
    } else {
        cv_frames_pass given = { 0, g->given, g->given, tokens };
        cv_frames_pass rest = { g->given, g->frames - g->given, g->given, tokens + g->given * L };

        cv_forward_frames(&net->exec, stage, &r.sequence, &given, NULL, NULL, &arena);
        cv_forward_frames(&net->exec, stage, &r.sequence, &rest, hidden, NULL, &arena);
    }
    check_hidden(&s, stage, hidden, generated, &arena);
    free(hidden);
    print_message("    %s/%s window %d, pass: logits within %.1e, log-probabilities within %.1e\n", net->folder,
                  g->name, window, s.worst_logit, s.worst_logprob);
    assert_true(s.worst_logit < 2e-3 && s.worst_logprob < 2e-3);
    close_run(&r);
    cv_arena_free(&arena);
}

typedef struct layer_state {
    const network *net;
    const cv_store *golden;
    int stage, text, every; /* text places that came before these rows in the golden's sequence */
    double worst;
} layer_state;

static void check_layer(void *user, int layer, const float *x, int rows, int C)
{
    layer_state *s = user;
    char name[60];
    const float *golden;

    snprintf(name, sizeof name, "stage%d.layer%d", s->stage + 1, layer);
    golden = check_f32(s->golden, name);
    for (int r = 0; r < rows; r++) {
        int place = s->text + r;

        if (place % s->every == 0)
            for (int i = 0; i < C; i++)
                s->worst = fmax(s->worst, fabs((double)x[r * C + i] - (double)golden[place / s->every * C + i]));
    }
}

/* Activations after every layer of one pass over text and known frames, w = 1.4. */
static void check_layers(const network *net)
{
    cv_store *golden = open_golden(net, "layers");
    int L = cv_cogvideo_places(&net->config);

    for (int stage = 0; stage < 2; stage++) {
        char name[40];
        int slots = stage ? 3 : 2, text, codes_at;
        const cv_tensor *input;
        int32_t codes[3 * MAX_PLACES];
        const int32_t *ids;
        cv_text_cache memory = { 0 };
        cv_frames_cache frames = { 0 };
        cv_sequence sequence = { &memory, &frames, 1.4f, true };
        layer_state s = { .net = net, .golden = golden, .stage = stage, .every = net->every_layer_place };
        cv_observer observer = { .layer = check_layer, .user = &s };
        cv_frames_pass pass = { 0, slots, slots, codes };
        cogvideo_error err;
        cv_arena arena = arena_for(net, &net->stages[stage], slots * L, false);

        snprintf(name, sizeof name, "stage%d.input", stage + 1);
        input = check_tensor(golden, name);
        ids = input->data;
        text = (int)input->count - slots * L;
        for (int f = 0; f < slots; f++)
            for (int i = 0; i < L; i++) { /* the input at place i + 1 is code i; the last code is no input */
                codes_at = text + f * L + i + 1;
                codes[f * L + i] = i + 1 < L ? ids[codes_at] : 0;
            }
        CHECK_OK(cv_text_cache_create(&memory, &net->config, CV_WEIGHT_F32, text, true, &err), err);
        CHECK_OK(cv_frames_cache_create(&frames, &net->config, CV_WEIGHT_F32, slots, true, &err), err);
        cv_forward_text(&net->exec, &net->stages[stage], &memory, ids, &observer, &arena);
        s.text = text;
        cv_forward_frames(&net->exec, &net->stages[stage], &sequence, &pass, NULL, &observer, &arena);
        print_message("    %s stage %d: activations within %.1e\n", net->folder, stage + 1, s.worst);
        assert_true(s.worst < 2e-3);
        cv_text_cache_free(&memory);
        cv_frames_cache_free(&frames);
        cv_arena_free(&arena);
    }
    cv_store_close(&golden);
}

static void check_network(int large, cv_dtype dtype)
{
    network net;
    cv_store *forced, *greedy;

    if (large && CHECK_SANITIZED) /* minutes, on the ways of the small one */
        skip();
    open_network(&net, large, dtype, 2);
    forced = open_golden(&net, "forced");
    greedy = open_golden(&net, "greedy");
    check_layers(&net);
    for (size_t i = 0; i < sizeof golden_runs / sizeof *golden_runs; i++)
        for (int window = 0; window < golden_runs[i].windows; window++) {
            run_by_steps(&net, &golden_runs[i], window, forced, false);
            run_by_steps(&net, &golden_runs[i], window, greedy, true);
            if (!golden_runs[i].guided)
                run_by_pass(&net, &golden_runs[i], window, forced);
        }
    cv_store_close(&forced);
    cv_store_close(&greedy);
    close_network(&net);
}

static void small_f32(void **state)
{
    (void)state;
    check_network(0, CV_F32);
}

static void small_f16(void **state)
{
    (void)state;
    check_network(0, CV_F16);
}

static void large_f32(void **state)
{
    (void)state;
    check_network(1, CV_F32);
}

static void large_f16(void **state)
{
    (void)state;
    check_network(1, CV_F16);
}

/* Steps give the same bits alone and in company, on any number of threads. */
static void batch_and_threads_change_nothing(void **state)
{
    static const int32_t ids[] = { 1030, 1044, 1100 };
    float *logits[3];
    int n = 1024;

    (void)state;
    for (int trial = 0; trial < 3; trial++) {
        network net;
        run runs[3] = { 0 };
        cv_step_row rows[3];
        int batch = trial == 1 ? 1 : 3;
        cv_arena arena;

        open_network(&net, 0, CV_F16, trial + 1);
        arena = arena_for(&net, &net.stages[0], 3, true);
        logits[trial] = malloc((size_t)(3 * n) * sizeof(float));
        for (int q = 0; q < batch; q++) {
            cv_tensor text = { .data = ids, .count = (size_t)(3 - q) };

            open_run(&runs[q], &net, &net.stages[0], &text, true, 1.4f);
        }
        for (int place = 0; place < 40; place++) {
            for (int q = 0; q < batch; q++)
                rows[q] = (cv_step_row){ &runs[q].sequence, 0, place, (place * 37 + q) % 1024 };
            cv_forward_step(&net.exec, &net.stages[0], rows, batch, logits[trial], &arena);
        }
        for (int q = 0; q < batch; q++)
            close_run(&runs[q]);
        cv_arena_free(&arena);
        close_network(&net);
    }
    assert_memory_equal(logits[0], logits[1], (size_t)n * sizeof(float));
    assert_memory_equal(logits[0], logits[2], (size_t)(3 * n) * sizeof(float));
    for (int trial = 0; trial < 3; trial++)
        free(logits[trial]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_f32), cmocka_unit_test(small_f16), cmocka_unit_test(batch_and_threads_change_nothing),
        cmocka_unit_test(large_f32), cmocka_unit_test(large_f16),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
