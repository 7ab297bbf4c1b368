/* The transformer of Phenaki's networks: the formulas with every switch, in f64, its gradients, boxes that know nothing
 * of each other, weights of every type, and the order of memory over time. */
#include "support/gradient.h"
#include "support/phenaki_seeded.h"

#include "family/phenaki/network/blocks.h"
#include "nn/blas.h"

enum { BATCH = 2, T = 3, H = 2, W = 2, PLACES = T * H * W, ROWS = BATCH * PLACES };
enum { LAYERS = 2, C = 12, HEADS = 3, D = 8, INNER = 10, TEXT = 3, E = 6 };

typedef struct variant {
    const char *name;
    cv_blocks_axis axis;
    cv_peg peg;
    bool peg_causal, causal, cosine, bias, seen, text;
} variant;

static const variant variants[] = {
    { "own over space", CV_OVER_SPACE, CV_PEG_NONE, false, false, true, true, false, false },
    { "obvious over space", CV_OVER_SPACE, CV_PEG_TRUE, true, false, true, true, false, false },
    { "own over time", CV_OVER_TIME, CV_PEG_TRUE, true, true, true, false, false, false },
    { "lucidrains over time", CV_OVER_TIME, CV_PEG_SCRAMBLED, true, true, true, false, false, false },
    { "before 0.3.0 over time", CV_OVER_TIME, CV_PEG_SCRAMBLED, true, false, false, false, false, false },
    { "masked", CV_OVER_ALL, CV_PEG_TRUE, false, false, true, true, true, true },
    { "critic before 0.3.0", CV_OVER_ALL, CV_PEG_TRUE, false, false, false, false, false, true },
};
enum { VARIANTS = sizeof variants / sizeof *variants };

typedef struct fixture {
    const variant *v;
    cv_exec exec;
    cv_store *weights, *gradients;
    cv_blocks blocks, grad;
    cv_blocks_pass pass;
    cv_arena arena;
    int group; /* rows that see each other */
    float start[ROWS * C], x[ROWS * C], dout[ROWS * C], bias[HEADS * PLACES * PLACES], text[BATCH * TEXT * E];
    uint8_t seen[ROWS], text_mask[BATCH * TEXT];
} fixture;

static cv_blocks_config config_of(const variant *v)
{
    return (cv_blocks_config){ .layers = LAYERS,
                               .width = C,
                               .heads = HEADS,
                               .head_width = D,
                               .inner = INNER,
                               .text_width = v->text ? E : 0,
                               .peg = v->peg,
                               .peg_causal = v->peg_causal,
                               .causal = v->causal,
                               .cosine = v->cosine };
}

static void take_pass(fixture *f, bool training)
{
    cogvideo_error err;
    cv_arena measure = { 0 };

    f->pass.training = training;
    cv_blocks_pass_take(&f->pass, &measure);
    CHECK_OK(cv_arena_create(&f->arena, measure.peak, &err), err);
    cv_blocks_pass_take(&f->pass, &f->arena);
}

static void setup(fixture *f, const variant *v, int threads, bool training)
{
    const cv_blocks_config config = config_of(v);
    cogvideo_error err;
    cv_store *plan;

    *f = (fixture){ .v = v, .exec = { .threads = threads } };
    check_kernels(&f->exec.kernels);
    CHECK_OK(cv_store_plan(&plan, "blocks", &err), err);
    CHECK_OK(cv_blocks_bind(&f->blocks, &config, plan, "a.", &err), err);
    cv_blocks_free(&f->blocks);
    CHECK_OK(cv_store_create_like(&f->weights, "weights", plan, &err), err);
    CHECK_OK(cv_store_create_like(&f->gradients, "gradients", plan, &err), err);
    cv_store_close(&plan);
    phenaki_seeded_fill(f->weights, "a.", 7);
    CHECK_OK(cv_blocks_bind(&f->blocks, &config, f->weights, "a.", &err), err);
    CHECK_OK(cv_blocks_bind(&f->grad, &config, f->gradients, "a.", &err), err);
    gradient_fill(f->start, ROWS * C, 1, 1);
    gradient_fill(f->dout, ROWS * C, 2, 1);
    gradient_fill(f->bias, HEADS * PLACES * PLACES, 3, 1);
    gradient_fill(f->text, BATCH * TEXT * E, 4, 1);
    for (int i = 0; i < ROWS; i++)
        f->seen[i] = i < ROWS - H * W;
    f->text_mask[0] = f->text_mask[2] = 1; /* the second box has no text */
    f->group = v->axis == CV_OVER_SPACE ? H * W : v->axis == CV_OVER_TIME ? T : PLACES;
    f->pass = (cv_blocks_pass){ .exec = &f->exec,
                                .blocks = &f->blocks,
                                .axis = v->axis,
                                .batch = BATCH,
                                .T = T,
                                .h = H,
                                .w = W,
                                .bias = v->bias ? f->bias : NULL,
                                .seen = v->seen ? f->seen : NULL,
                                .text = v->text ? f->text : NULL,
                                .text_mask = v->text ? f->text_mask : NULL,
                                .text_rows = v->text ? TEXT : 0 };
    take_pass(f, training);
}

static void teardown(fixture *f)
{
    cv_blocks_free(&f->blocks);
    cv_blocks_free(&f->grad);
    cv_store_close(&f->weights);
    cv_store_close(&f->gradients);
    cv_arena_free(&f->arena);
}

static void run(fixture *f)
{
    const size_t mark = cv_arena_mark(&f->arena);

    memcpy(f->x, f->start, sizeof f->x);
    cv_blocks_pass_run(&f->pass, f->x, &f->arena);
    assert_int_equal(cv_arena_mark(&f->arena), mark);
    assert_true(f->arena.peak <= f->arena.capacity);
}

static double loss(void *user)
{
    fixture *f = user;

    run(f);
    return gradient_loss(f->x, f->dout, ROWS * C);
}

/* --- the formulas ------------------------------------------------------------------------------------------------- */

static const float *weight_of(const fixture *f, int layer, const char *rest)
{
    char name[80];

    snprintf(name, sizeof name, "a.layers.%d.%s", layer, rest);
    return check_f32(f->weights, name);
}

static void norm(double *out, const double *x, int width, const float *weight, const float *bias)
{
    double mean = 0, variance = 0;

    for (int i = 0; i < width; i++)
        mean += x[i] / width;
    for (int i = 0; i < width; i++)
        variance += (x[i] - mean) * (x[i] - mean) / width;
    for (int i = 0; i < width; i++)
        out[i] = (x[i] - mean) / sqrt(variance + 1e-5) * (double)weight[i] + (bias ? (double)bias[i] : 0);
}

static void multiply(double *out, const float *matrix, const double *x, int N, int K)
{
    for (int n = 0; n < N; n++) {
        out[n] = 0;
        for (int k = 0; k < K; k++)
            out[n] += (double)matrix[n * K + k] * x[k];
    }
}

/* Where the convolution takes a row to be, and back. */
static void place_of(const fixture *f, int row, int at[3])
{
    const int p = row % PLACES;

    if (f->v->axis == CV_OVER_TIME && f->v->peg == CV_PEG_TRUE) {
        at[0] = p % T;
        at[1] = p / T / W;
        at[2] = p / T % W;
    } else {
        at[0] = p / (H * W);
        at[1] = p / W % H;
        at[2] = p % W;
    }
}

static void add_peg(const fixture *f, int layer, double *x)
{
    static double before[ROWS * C];
    const float *weight = weight_of(f, layer, "0.dsconv.weight"), *bias = weight_of(f, layer, "0.dsconv.bias");

    memcpy(before, x, sizeof before);
    for (int row = 0; row < ROWS; row++)
        for (int c = 0; c < C; c++) {
            int to[3];

            place_of(f, row, to);
            x[row * C + c] += (double)bias[c];
            for (int other = row / PLACES * PLACES; other < (row / PLACES + 1) * PLACES; other++) {
                int at[3], t, y, column;

                place_of(f, other, at);
                t = at[0] - to[0] + (f->v->peg_causal ? 2 : 1);
                y = at[1] - to[1] + 1;
                column = at[2] - to[2] + 1;
                if (t >= 0 && t < 3 && y >= 0 && y < 3 && column >= 0 && column < 3)
                    x[row * C + c] += (double)weight[27 * c + 9 * t + 3 * y + column] * before[other * C + c];
            }
        }
}

static void unit(double *out, const double *x, const float *scale)
{
    double length = 0;

    for (int d = 0; d < D; d++)
        length += x[d] * x[d];
    for (int d = 0; d < D; d++)
        out[d] = scale ? x[d] / fmax(sqrt(length), 1e-12) * (double)scale[d] : x[d];
}

typedef struct formula {
    const float *norm, *context_norm, *q_scale, *k_scale, *null_kv, *to_q, *to_kv, *to_out;
} formula;

static formula formula_of(const fixture *f, int layer, bool text)
{
#define WEIGHT(rest) weight_of(f, layer, text ? "2." rest : "1." rest)
    return (formula){ WEIGHT("norm.gamma"),
                      text ? WEIGHT("context_norm.gamma") : NULL,
                      f->v->cosine ? WEIGHT("q_scale") : NULL,
                      f->v->cosine ? WEIGHT("k_scale") : NULL,
                      text ? WEIGHT("null_kv") : NULL,
                      WEIGHT("to_q.weight"),
                      WEIGHT("to_kv.weight"),
                      WEIGHT("to_out.weight") };
#undef WEIGHT
}

/* Whether a row sees a key of its group or text, and what is added to its score. */
static bool sees(const fixture *f, bool text, int row, int key, int head, double *score)
{
    static const double slopes[] = { 0x1p-4, 0x1p-8, 0x1p-2 }; /* of three heads */
    const int own = row % f->group;

    if (text)
        return f->text_mask[row / PLACES * TEXT + key] != 0;
    if ((f->v->causal && key > own) || (f->v->seen && !f->seen[row - own + key]))
        return false;
    if (f->v->causal)
        *score -= slopes[head] * abs(own - key);
    if (f->v->bias)
        *score += (double)f->bias[(head * f->group + own) * f->group + key];
    return true;
}

/* out [HEADS * D] of a row whose keys and values kv stand one behind the other, the nulls first. */
static void attend(const fixture *f, const formula *w, bool text, int row, double *out, const double *q,
                   const double *kv, int keys)
{
    const double scale = f->v->cosine ? 8 : 1 / sqrt(D);
    const int nulls = text ? 2 : 0;

    memset(out, 0, HEADS * D * sizeof *out);
    for (int head = 0; head < HEADS; head++) {
        double sum = 0, unit_q[D], unit_k[D], k[D], v[D];

        unit(unit_q, q + head * D, w->q_scale);
        for (int key = -nulls; key < keys; key++) {
            double score = 0;

            if (key >= 0 && !sees(f, text, row, key, head, &score))
                continue;
            for (int d = 0; d < D; d++) {
                const float *null = key < 0 ? w->null_kv + (head * 4 + 2 * (key + nulls)) * D + d : NULL;

                k[d] = null ? (double)null[0] : kv[key * 2 * HEADS * D + head * D + d];
                v[d] = null ? (double)null[D] : kv[(key * 2 + 1) * HEADS * D + head * D + d];
            }
            unit(unit_k, k, w->k_scale);
            for (int d = 0; d < D; d++)
                score += scale * unit_q[d] * unit_k[d];
            sum += exp(score);
            for (int d = 0; d < D; d++)
                out[head * D + d] += exp(score) * v[d];
        }
        for (int d = 0; d < D; d++)
            out[head * D + d] /= sum;
    }
}

static void add_attention(const fixture *f, int layer, bool text, double *x)
{
    static double before[ROWS * C];
    const formula w = formula_of(f, layer, text);
    const int keys = text ? TEXT : f->group;

    memcpy(before, x, sizeof before);
    for (int row = 0; row < ROWS; row++) {
        double normed[C], q[HEADS * D], kv[PLACES * 2 * HEADS * D], out[HEADS * D], more[C];

        norm(normed, before + row * C, C, w.norm, NULL);
        multiply(q, w.to_q, normed, HEADS * D, C);
        for (int key = 0; key < keys; key++) {
            double wide[E], normed_text[E];

            for (int e = 0; e < E; e++)
                wide[e] = text ? (double)f->text[(row / PLACES * TEXT + key) * E + e] : 0;
            if (text)
                norm(normed_text, wide, E, w.context_norm, NULL);
            multiply(kv + key * 2 * HEADS * D, w.to_kv,
                     text ? normed_text : before + (row / f->group * f->group + key) * C, 2 * HEADS * D, text ? E : C);
        }
        attend(f, &w, text, row, out, q, kv, keys);
        multiply(more, w.to_out, out, C, HEADS * D);
        for (int c = 0; c < C; c++)
            x[row * C + c] += more[c];
    }
}

static void add_feed_forward(const fixture *f, int layer, double *x)
{
    for (int row = 0; row < ROWS; row++) {
        double normed[C], wide[2 * INNER], gated[INNER], more[C];

        norm(normed, x + row * C, C, weight_of(f, layer, "3.0.weight"), weight_of(f, layer, "3.0.bias"));
        multiply(wide, weight_of(f, layer, "3.1.weight"), normed, 2 * INNER, C);
        for (int i = 0; i < INNER; i++)
            gated[i] = wide[i] * wide[INNER + i] * 0.5 * erfc(-wide[INNER + i] / sqrt(2));
        multiply(more, weight_of(f, layer, "3.4.weight"), gated, C, INNER);
        for (int c = 0; c < C; c++)
            x[row * C + c] += more[c];
    }
}

static void compute(const fixture *f, double *x)
{
    for (int i = 0; i < ROWS * C; i++)
        x[i] = (double)f->start[i];
    for (int layer = 0; layer < LAYERS; layer++) {
        if (f->v->peg)
            add_peg(f, layer, x);
        add_attention(f, layer, false, x);
        if (f->v->text)
            add_attention(f, layer, true, x);
        add_feed_forward(f, layer, x);
    }
    for (int row = 0; row < ROWS; row++)
        norm(x + row * C, x + row * C, C, check_f32(f->weights, "a.norm_out.gamma"), NULL);
}

static void blocks_are_the_formulas(void **state)
{
    static double expected[ROWS * C];

    (void)state;
    for (int i = 0; i < VARIANTS; i++) {
        static fixture f, training;

        setup(&f, &variants[i], 2, false);
        compute(&f, expected);
        run(&f);
        for (int n = 0; n < ROWS * C; n++)
            CHECK_CLOSE(f.x[n], expected[n], 2e-5);
        setup(&training, &variants[i], 1, true);
        run(&training);
        assert_memory_equal(f.x, training.x, sizeof f.x);
        teardown(&f);
        teardown(&training);
    }
}

/* --- gradients ---------------------------------------------------------------------------------------------------- */

typedef struct gradients {
    float dx[ROWS * C], bias[HEADS * PLACES * PLACES], text[BATCH * TEXT * E];
} gradients;

static void run_backward(fixture *f, gradients *g)
{
    const cv_blocks_grad grad = { &f->grad, f->v->bias ? g->bias : NULL, f->v->text ? g->text : NULL };

    run(f);
    *g = (gradients){ 0 };
    memcpy(g->dx, f->dout, sizeof g->dx);
    cv_blocks_pass_backward(&f->pass, &grad, g->dx, &f->arena);
    assert_true(f->arena.peak <= f->arena.capacity);
}

/* The first numbers and the last ones. */
static void check_some(const char *name, fixture *f, float *x, const float *gradient, size_t count)
{
    const size_t some = count < 16 ? count : 16;

    print_message("%s: %s\n", f->v->name, name);
    gradient_check(x, gradient, some, loss, f);
    gradient_check(x + (count - some), gradient + (count - some), some, loss, f);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; i++) {
        static fixture f, one;
        static gradients g, other;

        setup(&f, &variants[i], 2, true);
        run_backward(&f, &g);
        f.exec.threads = 1;
        check_some("x", &f, f.start, g.dx, ROWS * C);
        if (f.v->bias)
            check_some("bias", &f, f.bias, g.bias, (size_t)(HEADS * f.group * f.group));
        if (f.v->text)
            gradient_check(f.text, g.text, TEXT * E, loss, &f);
        for (int e = TEXT * E; e < BATCH * TEXT * E; e++)
            assert_true(g.text[e] == 0);
        setup(&one, &variants[i], 1, true);
        run_backward(&one, &other);
        assert_memory_equal(&g, &other, sizeof g);
        for (size_t t = 0; t < cv_store_count(f.weights); t++) {
            const cv_tensor *weights = cv_store_at(f.weights, t), *gradient = cv_store_at(f.gradients, t);

            check_some(weights->name, &f, cv_tensor_values(weights), gradient->data, weights->count);
            assert_memory_equal(gradient->data, cv_store_at(one.gradients, t)->data, gradient->count * sizeof(float));
        }
        teardown(&f);
        teardown(&one);
    }
}

/* --- properties --------------------------------------------------------------------------------------------------- */

static void boxes_know_nothing_of_each_other(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; i++) {
        static fixture f;
        float alone[PLACES * C];

        setup(&f, &variants[i], 2, false);
        run(&f);
        cv_arena_free(&f.arena);
        f.pass.batch = 1;
        take_pass(&f, false);
        for (int box = 0; box < BATCH; box++) {
            memcpy(alone, f.start + box * PLACES * C, sizeof alone);
            cv_blocks_pass_run(&f.pass, alone, &f.arena);
            assert_memory_equal(alone, f.x + box * PLACES * C, sizeof alone);
            f.pass.seen = f.v->seen ? f.pass.seen + PLACES : NULL;
            f.pass.text = f.v->text ? f.pass.text + TEXT * E : NULL;
            f.pass.text_mask = f.v->text ? f.pass.text_mask + TEXT : NULL;
        }
        teardown(&f);
    }
}

static void scrambled_is_true_for_one_frame(void **state)
{
    static const variant both[] = {
        { "true", CV_OVER_TIME, CV_PEG_TRUE, true, true, true, false, false, false },
        { "scrambled", CV_OVER_TIME, CV_PEG_SCRAMBLED, true, true, true, false, false, false },
    };
    static fixture f[2];

    (void)state;
    for (int frames = 1; frames <= 2; frames++) {
        for (int i = 0; i < 2; i++) {
            setup(&f[i], &both[i], 1, false);
            cv_arena_free(&f[i].arena);
            f[i].pass.T = frames;
            take_pass(&f[i], false);
            run(&f[i]);
        }
        assert_int_equal(memcmp(f[0].x, f[1].x, (size_t)(BATCH * frames * H * W * C) * sizeof(float)) == 0,
                         frames == 1);
        teardown(&f[0]);
        teardown(&f[1]);
    }
}

static void narrow(cv_weight *weight, cv_weight_type type, char **memory)
{
    const size_t rows = (size_t)weight->N, K = (size_t)weight->K, bytes = cv_weight_row_bytes(type, K),
                 scales = cv_weight_scale_bytes(type, K);
    const float *values = weight->data;
    cv_weight out = { .type = type, .N = weight->N, .K = weight->K, .data = *memory };
    char *data = *memory, *scale = data + rows * bytes;

    if (type == CV_WEIGHT_Q8)
        out.scales = scale;
    for (size_t n = 0; n < rows; n++) {
        cv_weight_narrow(data + n * bytes, scale + n * scales, type, values + n * K, K);
        cv_weight_widen((float *)values + n * K, &out, (int)n); /* what f32 shall give as well */
    }
    *memory = scale + rows * scales;
    *memory += -(uintptr_t)*memory % sizeof(float);
    *weight = out;
}

static void narrow_attention(cv_blocks_attention *attention, cv_weight_type type, char **memory)
{
    narrow(&attention->to_q.weight, type, memory);
    narrow(&attention->to_kv.weight, type, memory);
    narrow(&attention->to_out.weight, type, memory);
}

/* Weights of other types give what f32 gives, and bound anew they do again. */
static void weights_are_of_any_type(void **state)
{
    static _Alignas(64) char memory[1 << 16];
    static float narrowed[ROWS * C];

    (void)state;
    for (cv_weight_type type = CV_WEIGHT_F32; type <= CV_WEIGHT_Q8; type++) {
        const cv_blocks_config config = config_of(&variants[5]);
        static fixture f;
        cogvideo_error err;
        char *end = memory;

        setup(&f, &variants[5], 2, false);
        for (int n = 0; n < LAYERS && type != CV_WEIGHT_F32; n++) {
            narrow_attention(&f.blocks.layers[n].self, type, &end);
            narrow_attention(&f.blocks.layers[n].text, type, &end);
            narrow(&f.blocks.layers[n].ff_in.weight, type, &end);
            narrow(&f.blocks.layers[n].ff_out.weight, type, &end);
        }
        assert_true(end <= memory + sizeof memory);
        run(&f);
        memcpy(narrowed, f.x, sizeof narrowed);
        cv_blocks_free(&f.blocks);
        CHECK_OK(cv_blocks_bind(&f.blocks, &config, f.weights, "a.", &err), err);
        run(&f);
        assert_memory_equal(narrowed, f.x, sizeof narrowed);
        teardown(&f);
    }
}

typedef struct watched {
    const float *x;
    char names[200];
} watched;

static void watch(void *user, const char *name, const float *x)
{
    watched *w = user;

    assert_ptr_equal(x, w->x);
    snprintf(w->names + strlen(w->names), sizeof w->names - strlen(w->names), "%s ", name);
}

static void an_observer_sees_each_sublayer(void **state)
{
    static fixture f;
    watched w = { .x = f.x };

    (void)state;
    setup(&f, &variants[5], 1, false);
    f.pass.observer = watch;
    f.pass.user = &w;
    run(&f);
    assert_string_equal(w.names, "in 0.peg 0.self 0.cross 0.ff 1.peg 1.self 1.cross 1.ff out ");
    teardown(&f);
}

static void boxes_turn_there_and_back(void **state)
{
    float x[ROWS * C], turned[ROWS * C], back[ROWS * C];
    const cv_exec exec = { .threads = 2 };

    (void)state;
    gradient_fill(x, ROWS * C, 1, 1);
    cv_box_turn(&exec, turned, x, BATCH, T, H, W, C, false);
    for (int row = 0; row < ROWS; row++) {
        const int b = row / PLACES, t = row / (H * W) % T, place = row % (H * W);

        assert_memory_equal(turned + (b * PLACES + place * T + t) * C, x + row * C, C * sizeof *x);
    }
    cv_box_turn(&exec, back, turned, BATCH, T, H, W, C, true);
    assert_memory_equal(back, x, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_the_formulas),          cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(boxes_know_nothing_of_each_other), cmocka_unit_test(scrambled_is_true_for_one_frame),
        cmocka_unit_test(weights_are_of_any_type),          cmocka_unit_test(an_observer_sees_each_sublayer),
        cmocka_unit_test(boxes_turn_there_and_back),
    };

    cv_blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
