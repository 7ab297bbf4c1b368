/* image_tokenizer.c - trains an image tokenizer on pictures of one plain shape each and says how well it does on others:
 *     image_tokenizer [key=value ...]     see `settings` below
 * Seconds are of processor time, of all threads together. A bench of recipes: minutes on two cores, so no part of the test suite. */
#include "support/check.h"

#include "base/rng.h"
#include "model/image_tokenizer/learn.h"
#include "nn/blas.h"
#include "tensor/store_write.h"
#include "train/codebook.h"
#include "train/init.h"
#include "train/kmeans.h"

#include <time.h>

#define PICTURE 64

typedef struct settings {
    double seconds, report, batch, side, threads, seed;
    double b2, rate_of_learning, warmup, weight_decay, clip;
    double l1, l2, commitment, decay, dead, start; /* start: batches for k-means */
    double plain; /* share of the time without quantisation */
    double channels, groups, latent, codes, gain, second_gain, steps;
    double e0, e1, e2, e3, d0, d1, d2, d3;
} settings;

typedef struct setting {
    const char *name;
    double *value;
} setting;

/* --- pictures ------------------------------------------------------------------------------------------ */

static const double colours[8][3] = { { 220, 40, 40 },  { 40, 170, 60 },  { 50, 80, 230 },  { 240, 220, 50 },
                                      { 140, 50, 190 }, { 250, 140, 30 }, { 60, 210, 220 }, { 250, 140, 190 } };
static const double backgrounds[3] = { 12, 243, 128 };

typedef struct shape {
    int kind, colour, background;
    double x, y, radius, angle;
} shape;

static double draw(uint64_t seed, uint32_t index, uint32_t what)
{
    uint32_t bits[4];

    cv_rng_block(bits, seed, (const uint32_t[4]){ index, what, 0, 0 });
    return cv_rng_unit(bits[0], bits[1]);
}

static shape make_shape(uint64_t seed, uint32_t index)
{
    static const double scales[4] = { 1, 1.2, 1.25, 1.25 };
    shape s = { .kind = (int)(draw(seed, index, 0) * 4), .colour = (int)(draw(seed, index, 1) * 8),
                .background = (int)(draw(seed, index, 2) * 3) };

    s.radius = (draw(seed, index, 3) < 0.5 ? 8 : 12) * scales[s.kind];
    if (draw(seed, index, 4) < 0.25)
        s.radius *= 0.7 + 0.6 * draw(seed, index, 5);
    if (draw(seed, index, 6) < 0.25)
        s.angle = 1.745 * draw(seed, index, 7);
    s.x = 16 + 32 * draw(seed, index, 8);
    s.y = 16 + 32 * draw(seed, index, 9);
    return s;
}

/* Inside the polygon whose corners stand at radius 1 and, every second one, `inner`. */
static int in_polygon(double x, double y, int corners, double inner)
{
    static double sines[16], cosines[16];
    static int held;
    int inside = 0;

    for (int i = 0; held != corners && i < corners; i++) {
        double r = i % 2 && inner < 1 ? inner : 1;

        sines[i] = r * sin(2 * 3.14159265358979 * i / corners);
        cosines[i] = -r * cos(2 * 3.14159265358979 * i / corners);
    }
    held = corners;
    for (int i = 0, j = corners - 1; i < corners; j = i++)
        if ((cosines[i] > y) != (cosines[j] > y) &&
            x < (sines[j] - sines[i]) * (y - cosines[i]) / (cosines[j] - cosines[i]) + sines[i])
            inside = !inside;
    return inside;
}

static int in_shape(const shape *s, double x, double y)
{
    double u = (x - s->x) / s->radius, v = (y - s->y) / s->radius, c = cos(s->angle), d = sin(s->angle);
    double p = u * c + v * d, q = v * c - u * d;

    switch (s->kind) {
    case 0: return u * u + v * v <= 1;
    case 1: return fabs(p) <= 0.7071067811865 && fabs(q) <= 0.7071067811865;
    case 2: return in_polygon(p, q, 3, 1);
    default: return in_polygon(p, q, 10, 0.5);
    }
}

/* rgb [side][side][3] of the square at (left, top). */
static void paint(uint8_t *rgb, const shape *s, int left, int top, int side)
{
    for (int row = 0; row < side; row++)
        for (int column = 0; column < side; column++) {
            int inside = 0, far = hypot(left + column + 0.5 - s->x, top + row + 0.5 - s->y) > s->radius + 1;

            for (int i = 0; !far && i < 16; i++)
                inside += in_shape(s, left + column + (i % 4 + 0.5) / 4, top + row + (i / 4 + 0.5) / 4);
            for (int c = 0; c < 3; c++)
                rgb[(row * side + column) * 3 + c] =
                    (uint8_t)(backgrounds[s->background] + (colours[s->colour][c] - backgrounds[s->background]) * inside / 16 + 0.5);
        }
}

/* Crops that hold the shape's centre, mostly. */
static void paint_batch(uint8_t *rgb, uint64_t seed, uint64_t first, int batch, int side)
{
    for (int i = 0; i < batch; i++) {
        uint32_t index = (uint32_t)(first + (uint64_t)i);
        shape s = make_shape(seed, index);
        int span = PICTURE - side + 1, left = (int)(draw(seed, index, 10) * span), top = (int)(draw(seed, index, 11) * span);

        if (draw(seed, index, 12) < 0.8) {
            left = (int)(s.x - side * draw(seed, index, 10));
            top = (int)(s.y - side * draw(seed, index, 11));
            left = left < 0 ? 0 : left > span - 1 ? span - 1 : left;
            top = top < 0 ? 0 : top > span - 1 ? span - 1 : top;
        }
        paint(rgb + (size_t)i * (size_t)(side * side * 3), &s, left, top, side);
    }
}

/* --- AdamW ---------------------------------------------------------------------------------------------- */

typedef struct adam {
    cv_store *weights, *gradients, *first, *second;
    int step;
} adam;

static double adam_step(adam *a, const settings *s, double rate)
{
    double square = 0, by, b1 = 0.9, b2 = s->b2;

    a->step++;
    for (size_t t = 0; t < cv_store_count(a->gradients); t++) {
        const cv_tensor *g = cv_store_at(a->gradients, t);

        for (size_t i = 0; i < g->count; i++)
            square += (double)cv_tensor_values(g)[i] * (double)cv_tensor_values(g)[i];
    }
    by = s->clip > 0 && sqrt(square) > s->clip ? s->clip / sqrt(square) : 1;
    for (size_t t = 0; t < cv_store_count(a->weights); t++) {
        const cv_tensor *tensor = cv_store_at(a->weights, t);
        float *w = cv_tensor_values(tensor), *g = cv_tensor_values(cv_store_at(a->gradients, t));
        float *m = cv_tensor_values(cv_store_at(a->first, t)), *v = cv_tensor_values(cv_store_at(a->second, t));
        float decay = tensor->rank > 1 ? (float)(rate * s->weight_decay) : 0;
        float scale = (float)(rate * sqrt(1 - pow(b2, a->step)) / (1 - pow(b1, a->step)));

        if (strncmp(tensor->name, "quantize.embed", 14) == 0)
            continue;
        for (size_t i = 0; i < tensor->count; i++) {
            float d = g[i] * (float)by;

            m[i] = (float)b1 * m[i] + (float)(1 - b1) * d;
            v[i] = (float)b2 * v[i] + (float)(1 - b2) * d * d;
            w[i] -= decay * w[i] + scale * m[i] / (sqrtf(v[i]) + 1e-8f);
            g[i] = 0;
        }
    }
    return sqrt(square);
}

/* --- the run --------------------------------------------------------------------------------------------- */

/* Processor time, so that a busy machine does not matter. */
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static cv_image_tokenizer_config make_config(const settings *s)
{
    const double encoder[] = { s->e0, s->e1, s->e2, s->e3 }, decoder[] = { s->d0, s->d1, s->d2, s->d3 };
    cv_image_tokenizer_config config = {
        .latent = (int)s->latent, .codes = (int)s->codes, .groups = (int)s->groups, .norm_epsilon = 1e-6f,
        .mean = { 0.5f, 0.5f, 0.5f }, .std = { 0.35f, 0.35f, 0.35f }, .channels = (int)s->channels,
        .encoder = { .attention = -1 }, .decoder_count = 1, .decoders = { { .attention = -1 } } };

    for (int i = 0; i < 4; i++) {
        if (encoder[i] > 0)
            config.encoder.widths[config.encoder.count++] = (int)(encoder[i] * s->channels);
        if (decoder[i] > 0)
            config.decoders[0].widths[config.decoders[0].count++] = (int)(decoder[i] * s->channels);
    }
    config.down_samplers = config.decoders[0].count - config.encoder.count;
    return config;
}

static void start_codebook(const settings *s, const cv_exec *exec, const cv_codebook *codebook, cv_image_learner *learner,
                           uint8_t *rgb)
{
    int rows = cv_image_learner_rows(learner), latent = codebook->latent, batches = (int)s->start;
    size_t size = (size_t)rows * (size_t)latent;
    float *z = calloc(size * (size_t)batches, sizeof *z);
    cv_arena arena = { 0 };
    cv_image_losses losses;

    for (int i = 0; i < batches; i++) {
        paint_batch(rgb, 77, (uint64_t)(i * (int)s->batch), (int)s->batch, (int)s->side);
        cv_image_learner_measure(learner, &losses, rgb);
        memcpy(z + size * (size_t)i, cv_image_learner_vectors(learner), size * sizeof *z);
    }
    cv_codebook_start(exec, codebook, z, rows * batches, batches, 10, 1, &arena);
    arena = cv_arena_over(aligned_alloc(64, arena.peak + 64), arena.peak);
    cv_codebook_start(exec, codebook, z, rows * batches, batches, 10, 1, &arena);
    free(arena.base);
    free(z);
}

/* On whole pictures that are not among those of training. */
static void evaluate(const cv_exec *exec, cv_store *weights, cv_store *gradients,
                     const cv_image_tokenizer_config *config, double *psnr, int *used)
{
    enum { COUNT = 48 };
    cv_image_learning options = { .batch = COUNT, .side = PICTURE, .rate = 1 << (config->decoders[0].count - 1) };
    cv_image_learner *learner;
    cv_image_losses losses;
    cogvideo_error err;
    uint8_t *rgb = malloc(COUNT * PICTURE * PICTURE * 3);
    char *seen = calloc((size_t)config->codes, 1);

    CHECK_OK(cv_image_learner_open(&learner, exec, weights, gradients, config, &options, &err), err);
    paint_batch(rgb, 999, 0, COUNT, PICTURE);
    cv_image_learner_measure(learner, &losses, rgb);
    *psnr = losses.psnr;
    *used = 0;
    for (int i = 0; i < cv_image_learner_rows(learner); i++)
        *used += !seen[cv_image_learner_codes(learner)[i]]++;
    cv_image_learner_close(&learner);
    free(seen);
    free(rgb);
}

static void train(const settings *s)
{
    cv_exec exec = { .threads = (int)s->threads };
    cv_image_tokenizer_config config = make_config(s);
    cv_image_learning options = { .batch = (int)s->batch, .side = (int)s->side, .rate = 1 << (config.decoders[0].count - 1),
                                  .l1 = s->l1, .l2 = s->l2, .commitment = s->commitment };
    cv_codebook_options ema = { .decay = s->decay, .dead = s->dead, .seed = 1 };
    cv_init_rule rules[] = { { "*conv2.weight", CV_INIT_FAN_IN, (float)s->second_gain },
                             { "*.proj_out.weight", CV_INIT_FAN_IN, (float)s->second_gain },
                             { "*", CV_INIT_FAN_IN, (float)s->gain } };
    cv_image_learner *learner;
    cv_codebook codebook;
    cv_store *plan, *averages;
    cogvideo_error err;
    adam a = { 0 };
    uint8_t *rgb = malloc((size_t)(s->batch * s->side * s->side * 3));
    double started, report, sums[4] = { 0 }, lost = 0;
    bool quantised = false;
    int since = 0, restarts = 0, numbers = 0;
    double *away;

    cv_kernels_best(&exec.kernels);
    CHECK_OK(cv_image_tokenizer_plan(&plan, &config, &err), err);
    CHECK_OK(cv_store_create_like(&a.weights, "weights", plan, &err), err);
    CHECK_OK(cv_store_create_like(&a.gradients, "gradients", plan, &err), err);
    CHECK_OK(cv_store_create_like(&a.first, "first moments", plan, &err), err);
    CHECK_OK(cv_store_create_like(&a.second, "second moments", plan, &err), err);
    cv_store_close(&plan);
    CHECK_OK(cv_store_plan(&plan, "averages", &err), err);
    CHECK_OK(cv_codebook_bind(&codebook, a.weights, plan, config.codes, config.latent, &err), err);
    CHECK_OK(cv_store_create_like(&averages, "averages", plan, &err), err);
    CHECK_OK(cv_codebook_bind(&codebook, a.weights, averages, config.codes, config.latent, &err), err);
    cv_store_close(&plan);
    cv_init_store(a.weights, (uint64_t)s->seed, rules + 0, 2);
    for (size_t t = 0; t < cv_store_count(a.weights); t++)
        numbers += (int)cv_store_at(a.weights, t)->count;
    CHECK_OK(cv_image_learner_open(&learner, &exec, a.weights, a.gradients, &config, &options, &err), err);
    printf("%d parameters, %.1f MB beside weights and gradients\n", numbers, (double)cv_image_learner_bytes(learner) / 1e6);
    away = calloc((size_t)cv_image_learner_rows(learner), sizeof *away);
    cv_image_learner_quantise(learner, false);
    started = report = now();
    while (now() - started < s->seconds) {
        double elapsed = (now() - started - lost), share = elapsed / s->seconds;
        double rate = s->rate_of_learning * (a.step < s->warmup ? (a.step + 1) / s->warmup : 1) *
                      (0.05 + 0.95 * 0.5 * (1 + cos(3.14159265 * (share < 1 ? share : 1))));
        cv_image_losses losses;

        if (!quantised && share >= s->plain) {
            start_codebook(s, &exec, &codebook, learner, rgb);
            cv_image_learner_quantise(learner, true);
            quantised = true;
        }
        paint_batch(rgb, 5, (uint64_t)a.step * (uint64_t)s->batch, (int)s->batch, (int)s->side);
        cv_image_learner_run(learner, &losses, rgb);
        restarts += !quantised ? 0 : cv_codebook_update(&codebook, &ema, (uint64_t)a.step, cv_image_learner_vectors(learner),
                                       cv_image_learner_codes(learner), cv_image_learner_rows(learner),
                                                     away);
        sums[3] += adam_step(&a, s, rate);
        sums[0] += losses.l1;
        sums[1] += losses.l2;
        sums[2] += losses.commitment;
        since++;
        if (now() - report > s->report || now() - started >= s->seconds) {
            double psnr, t = now();
            int used;

            evaluate( &exec, a.weights, a.gradients, &config, &psnr, &used);
            printf("%4.0f s  step %5d  %5.1f pictures/s  l1 %.4f  l2 %.5f (%.2f dB)  commitment %.4f  norm %.4f  restarts %d"
                   "  held out %.2f dB, %d codes\n", now() - started, a.step, since * s->batch / (t - report), sums[0] / since,
                   sums[1] / since, -10 * log10(sums[1] / since), sums[2] / since, sums[3] / since, restarts, psnr, used);
            fflush(stdout);
            memset(sums, 0, sizeof sums);
            since = restarts = 0;
            report = now();
        }
    }
    cv_image_learner_close(&learner);
    cv_store_close(&averages);
    cv_store_close(&a.weights);
    cv_store_close(&a.gradients);
    cv_store_close(&a.first);
    cv_store_close(&a.second);
    free(away);
    free(rgb);
}

int main(int argc, char **argv)
{
    settings s = { .seconds = 120, .report = 15, .batch = 8, .side = 32, .threads = 2, .seed = 1, .b2 = 0.99, .rate_of_learning = 5e-4, .warmup = 20,
                   .weight_decay = 0.01, .clip = 0, .l1 = 0.2, .l2 = 1, .commitment = 0.02, .decay = 0.97, .dead = 0.1,
                   .start = 8, .channels = 24, .groups = 8, .latent = 16, .codes = 1024, .plain = 0.2, .gain = 1, .second_gain = 0.3,
                   .e0 = 1, .e1 = 2, .e2 = 4, .d0 = 1, .d1 = 1, .d2 = 2, .d3 = 4 };
#define S(name) { #name, &s.name }
    const setting table[] = { S(seconds), S(report), S(batch), S(side), S(threads), S(seed), S(b2), S(rate_of_learning), S(warmup),
                              S(weight_decay), S(clip), S(l1), S(l2), S(commitment), S(decay), S(dead), S(start), S(channels),
                              S(groups), S(latent), S(codes), S(plain), S(gain), S(second_gain), S(e0), S(e1), S(e2), S(e3), S(d0),
                              S(d1), S(d2), S(d3) };

    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        int known = 0;

        for (size_t j = 0; equals && j < sizeof table / sizeof *table; j++)
            if (strlen(table[j].name) == (size_t)(equals - argv[i]) &&
                strncmp(table[j].name, argv[i], strlen(table[j].name)) == 0) {
                *table[j].value = atof(equals + 1);
                known = 1;
            }
        if (!known) {
            fprintf(stderr, "image_tokenizer: no setting '%s'\n", argv[i]);
            return 2;
        }
    }
    cv_blas_init();
    train(&s);
    return 0;
}
