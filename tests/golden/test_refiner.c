/* The refiner against the original: which places each round draws, logits of all rounds, and the codes that greedy and
 * recorded draws leave, round after round. */
#include "support/check.h"
#include "support/networks.h"

#include "family/cogvideo/refiner/refiner.h"
#include "nn/blas.h"
#include "sample/sampler.h"

#define MOST_PLACES 3600

#define SHARED                                                                                      \
    .own_kernel = 5, .text_places = 16, .positions = 1024, .norm_epsilon = 1e-5, .pattern_side = 6, \
    .pattern = { -1, 0, 1, 2, 3,  4, 0, -1, 2,  -1, -2, 5, 1, -2, 3, 4, 5, 6,                       \
                 2,  3, 4, 5, -1, 1, 3, -1, -2, 0,  -1, 2, 4, 5,  6, 1, 3, -2 },                    \
    .rounds = 6, .top_k = { 40, 40, 40, 20, 20, 10 }

typedef struct network {
    const char *file;
    int seed, every; /* of the codes whose logits the goldens hold */
    cv_refiner_config config;
    cv_exec exec;
    cv_store *store;
    cv_refiner *refiner;
    cv_arena arena, drawing;
    cv_refiner_text text;
} network;

static const network networks[2] = {
    { .file = "cogview2/small/refiner.safetensors",
      .seed = 84,
      .every = 31,
      .config = { .layers = 3,
                  .hidden = 64,
                  .heads = 4,
                  .mlp = 256,
                  .vocabulary = 1600,
                  .image_codes = 1024,
                  .start_of_image = 1526,
                  .upscaled_grid = 24,
                  SHARED } },
    { .file = "cogview2/refiner.safetensors",
      .seed = 85,
      .every = 499,
      .config = { .layers = 2,
                  .hidden = 32,
                  .heads = 2,
                  .mlp = 128,
                  .vocabulary = 20512,
                  .image_codes = 20000,
                  .start_of_image = 20502,
                  .upscaled_grid = 60,
                  SHARED } },
};

static void open_network(network *net, int index)
{
    cogvideo_error err;
    seeded_list list = { 0 };
    const char *path = check_temp_path("refiner.safetensors");
    const cv_refiner_config *c = &net->config;

    *net = networks[index];
    cv_blas_init();
    net->exec.threads = 2;
    check_kernels(&net->exec.kernels);
    networks_refiner(&list, net->seed, c->layers, c->hidden, c->vocabulary, c->positions,
                     c->upscaled_grid * c->upscaled_grid);
    seeded_write(&list, path, CV_F32);
    seeded_list_free(&list);
    CHECK_OK(cv_store_open(&net->store, path, &err), err);
    CHECK_OK(cv_refiner_open(&net->refiner, net->store, net->store, c, &err), err);
    CHECK_OK(cv_arena_create(&net->arena,
                             cv_refiner_text_bytes(net->refiner) + cv_refiner_scratch(net->refiner, &net->exec), &err),
             err);
    CHECK_OK(cv_arena_create(&net->drawing, cv_sampler_scratch(c->image_codes, NULL), &err), err);
}

static void close_network(network *net)
{
    cv_arena_free(&net->arena);
    cv_arena_free(&net->drawing);
    cv_refiner_close(&net->refiner);
    cv_store_close(&net->store);
}

/* A round of one picture: what the logits of its places are compared with, or drawn by. */
typedef struct round_check {
    network *net;
    const int *places;         /* drawn */
    const int32_t *stored;     /* places whose logits the golden holds */
    int stored_count, next;    /* the next of these */
    const float *logits, *lse; /* NULL = not compared */
    const float *margin;       /* [places] */
    const double *u;           /* [places]; NULL = the best code */
    int top_k;
    int32_t *drawn; /* [places] */
    double worst;
} round_check;

static void see(void *user, int first, int count, const float *logits)
{
    round_check *r = user;
    const int n = r->net->config.image_codes, every = r->net->every, columns = (n + every - 1) / every;
    const cogvideo_sampling sampling = { .temperature = 1, .top_k = r->top_k, .top_p = 1, .greedy = !r->u };

    for (int i = 0; i < count; i++, logits += n) {
        const int place = r->places[first + i];

        r->drawn[place] = cv_sample(logits, n, &sampling, NULL, 0, r->u ? r->u[place] : 0, &r->net->drawing);
        if (!r->logits || r->next == r->stored_count || r->stored[r->next] != place)
            continue;
        for (int c = 0; c < columns; c++)
            r->worst = fmax(r->worst, fabs((double)logits[c * every] - (double)r->logits[r->next * columns + c]));
        r->worst = fmax(r->worst, fabs((double)logits[0] - cv_log_probability(logits, n, 0) - (double)r->lse[r->next]));
        r->next++;
    }
}

/* All rounds of one picture. The codes before each are the golden's. */
static double check_rounds(network *net, const cv_store *golden, const char *name, const uint8_t *mask,
                           const int32_t *image, int pictures, int picture, bool greedy)
{
    const int N = net->config.upscaled_grid * net->config.upscaled_grid;
    static int places[MOST_PLACES];
    static int32_t drawn[MOST_PLACES];
    const char *how = greedy ? "greedy" : "sampled";
    char full[60];
    const int32_t *codes, *before = image + picture * N;
    const float *margin;
    double worst = 0;

    snprintf(full, sizeof full, "%s.%s", name, how);
    codes = check_member(golden, full, "codes");
    margin = check_member(golden, full, "margin");
    for (int round = 1; round <= net->config.rounds; round++) {
        const size_t at = (size_t)((round - 1) * pictures + picture) * (size_t)N;
        round_check r = { .net = net,
                          .places = places,
                          .drawn = drawn,
                          .top_k = net->config.top_k[round - 1],
                          .u = greedy ? NULL : (const double *)check_member(golden, full, "u") + at };
        const cv_refiner_callbacks callbacks = { .logits = see, .user = &r };
        cogvideo_error err;
        int count = 0;

        for (int i = 0; i < N; i++)
            if (cv_refiner_last_round(&net->config, i) >= round && (!mask || mask[i]))
                places[count++] = i;
        if (!greedy) {
            char stored[80];
            const cv_tensor *list;
            const int columns = (net->config.image_codes + net->every - 1) / net->every;

            snprintf(stored, sizeof stored, "%s.round%d", name, round);
            r.stored = check_member(golden, stored, "places");
            r.logits = check_member(golden, stored, "logits");
            r.lse = check_member(golden, stored, "lse");
            snprintf(stored, sizeof stored, "%s.round%d.places", name, round);
            list = check_tensor(golden, stored);
            r.stored_count = (int)list->count;
            r.logits += (size_t)picture * list->count * (size_t)columns;
            r.lse += (size_t)picture * list->count;
        }
        memcpy(drawn, before, (size_t)N * sizeof *drawn);
        CHECK_OK(cv_refiner_run(&net->exec, net->refiner, &net->text, before, places, count, &callbacks, &net->arena,
                                &err),
                 err);
        assert_int_equal(r.next, r.stored_count);
        for (int i = 0; i < N; i++)
            assert_true(drawn[i] == codes[at + (size_t)i] || margin[at + (size_t)i] < 1e-3f);
        before = codes + at;
        worst = fmax(worst, r.worst);
    }
    return worst;
}

static void rounds_are_the_originals(void **state)
{
    static const char *const names[] = { "long", "short", "short.masked" };

    (void)state;
    for (int g = 0; g < 2; g++) {
        const char *path = check_golden(networks[g].file);
        static network net;
        cv_store *golden;
        cogvideo_error err;

        if (!path) {
            skip();
            return;
        }
        CHECK_OK(cv_store_open(&golden, path, &err), err);
        open_network(&net, g);
        for (int round = 1; round <= 6; round++) {
            char name[40];
            const cv_tensor *schedule;

            snprintf(name, sizeof name, "schedule.round%d", round);
            schedule = check_tensor(golden, name);
            for (int i = 0; i < (int)schedule->count; i++)
                assert_int_equal(cv_refiner_last_round(&net.config, i) >= round,
                                 ((const uint8_t *)schedule->data)[i] != 0);
        }
        for (int n = 0; n < (g == 0 ? 3 : 1); n++) {
            const char *of = n == 0 ? "long" : "short"; /* whose text and picture */
            const uint8_t *mask = n == 2 ? check_member(golden, "short", "mask") : NULL;
            const int32_t *image = check_member(golden, of, "image");
            char name[40];
            const cv_tensor *text, *images;
            double worst = 0;
            size_t mark = cv_arena_mark(&net.arena);

            snprintf(name, sizeof name, "%s.text", of);
            text = check_tensor(golden, name);
            snprintf(name, sizeof name, "%s.image", of);
            images = check_tensor(golden, name);
            CHECK_OK(cv_refiner_read(&net.text, &net.exec, net.refiner, text->data, (int)text->count, &net.arena, &err),
                     err);
            for (int picture = 0; picture < (int)images->shape[0]; picture++)
                for (int greedy = 0; greedy < 2; greedy++)
                    worst = fmax(worst, check_rounds(&net, golden, names[n], mask, image, (int)images->shape[0],
                                                     picture, greedy));
            print_message("    %s, %s: within %.1e\n", networks[g].file, names[n], worst);
            assert_true(worst < 5e-5);
            cv_arena_rewind(&net.arena, mark);
        }
        close_network(&net);
        cv_store_close(&golden);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_are_the_originals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
