/* CogLM against what the original computed: first frames, pictures with holes, and texts scored under a picture. Both
 * geometries; the holes also greedily, code by code. */
#include "support/check.h"
#include "support/networks.h"
#include "support/softmax.h"

#include "family/cogvideo/network/coglm.h"
#include "nn/blas.h"
#include "sample/sampler.h"

#define MOST_PLACES 400
#define MOST_ELEMENTS (MOST_PLACES + 64)

typedef struct network {
    const char *folder;
    cv_cogvideo_config config;
    int seed, every; /* of the codes whose logits the goldens hold */
    cv_exec exec;
    cv_store *store;
    cv_trunk trunk;
    cv_stage stage;
} network;

static const network networks[2] = {
    { "cogview2/small",
      { 3, 64, 4, 256, 1600, 1024, 1526, 8, 4, 1, 64, 1024, 64, 512, true, 1e-5 },
      81,
      31,
      .exec = { 0 } },
    { "cogview2",
      { 2, 32, 2, 128, 20512, 20000, 20502, 20, 10, 1, 64, 1024, 400, 512, true, 1e-5 },
      82,
      499,
      .exec = { 0 } },
};

static void open_network(network *net, int index)
{
    cogvideo_error err;
    seeded_list list = { 0 };
    const char *path = check_temp_path("coglm.safetensors");
    const cv_cogvideo_config *c;

    *net = networks[index];
    c = &net->config;
    cv_blas_init();
    net->exec.threads = 2;
    check_kernels(&net->exec.kernels);
    networks_trunk(&list, net->seed, c->layers, c->hidden, c->vocabulary, c->positions);
    seeded_write(&list, path, CV_F32);
    seeded_list_free(&list);
    CHECK_OK(cv_store_open(&net->store, path, &err), err);
    CHECK_OK(cv_trunk_bind(&net->trunk, net->store, c->layers, c->hidden, c->mlp, c->vocabulary, c->positions,
                           (float)c->norm_epsilon, &err),
             err);
    net->stage = (cv_stage){ .config = &net->config,
                             .kind = CV_STAGE_SEQUENTIAL,
                             .trunk = &net->trunk,
                             .head = cv_trunk_head(&net->trunk, c->image_codes) };
}

static void close_network(network *net)
{
    cv_trunk_close(&net->trunk);
    cv_store_close(&net->store);
}

/* NULL where the goldens are not there. */
static cv_store *open_golden(const network *net, const char *file)
{
    cogvideo_error err;
    cv_store *store = NULL;
    char name[100];
    const char *path;

    snprintf(name, sizeof name, "%s/%s.safetensors", net->folder, file);
    if ((path = check_golden(name)))
        CHECK_OK(cv_store_open(&store, path, &err), err);
    return store;
}

static cv_arena arena_of(size_t bytes)
{
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, bytes, &err), err);
    return arena;
}

/* A text in its cache, and room for elements. */
typedef struct run {
    cv_text_cache text;
    cv_frames_cache elements;
    cv_sequence sequence;
} run;

static void open_run(run *r, const network *net, const int32_t *ids, int text, int elements)
{
    cogvideo_error err;

    *r = (run){ 0 };
    if (text > 0) {
        cv_arena arena = arena_of(cv_forward_scratch(&net->exec, &net->stage, text, false));

        CHECK_OK(cv_text_cache_create(&r->text, &net->config, CV_WEIGHT_F32, text, false, &err), err);
        cv_forward_text(&net->exec, &net->stage, &r->text, ids, NULL, &arena);
        cv_arena_free(&arena);
    }
    CHECK_OK(cv_elements_cache_create(&r->elements, &net->config, CV_WEIGHT_F32, elements, &err), err);
    r->sequence = (cv_sequence){ &r->text, &r->elements, 1.4f, false };
}

static void close_run(run *r)
{
    cv_text_cache_free(&r->text);
    cv_frames_cache_free(&r->elements);
}

/* Logits of one place against every so-manieth of the golden's, their log-sum-exp, and a code's log-probability. */
typedef struct expected {
    const float *logits, *lse, *logprob, *margin;
    double worst;
} expected;

static expected expect(const cv_store *golden, const char *name)
{
    return (expected){ .logits = check_member(golden, name, "logits"),
                       .lse = check_member(golden, name, "lse"),
                       .logprob = check_member(golden, name, "logprob") };
}

static void check_place(expected *e, int place, const float *logits, int n, int every, int32_t code)
{
    const int columns = (n + every - 1) / every;
    const double lse = softmax_log_sum_exp(logits, n);

    for (int c = 0; c < columns; c++)
        e->worst = fmax(e->worst, fabs((double)logits[c * every] - (double)e->logits[place * columns + c]));
    e->worst = fmax(e->worst, fabs(lse - (double)e->lse[place]));
    e->worst = fmax(e->worst, fabs((double)logits[code] - lse - (double)e->logprob[place]));
}

/* --- text to picture ------------------------------------------------------------------------------------------ */

static void first_frames(void **state)
{
    (void)state;
    for (int g = 0; g < 2; g++) {
        network net;
        cv_store *golden;
        run r;
        expected e;
        cv_arena arena;
        float *logits;
        const cv_tensor *text;
        int L, n;

        open_network(&net, g);
        if (!(golden = open_golden(&net, "text2image"))) {
            close_network(&net);
            skip();
            return;
        }
        L = cv_cogvideo_places(&net.config);
        n = net.config.image_codes;
        e = expect(golden, "forced");
        text = check_tensor(golden, "text");
        logits = malloc((size_t)n * sizeof *logits);
        arena = arena_of(cv_forward_scratch(&net.exec, &net.stage, 1, true));
        for (int greedy = 0; greedy < 2; greedy++) {
            const int32_t *tokens = check_member(golden, greedy ? "greedy" : "forced", "tokens");
            const float *margin = check_member(golden, greedy ? "greedy" : "forced", "margin");

            open_run(&r, &net, text->data, (int)text->count - 1, L);
            for (int i = 0; i < L; i++) {
                cv_step_row row = { &r.sequence, 0, i, i ? tokens[i - 1] : 0 };
                int best = 0;

                cv_forward_step(&net.exec, &net.stage, &row, 1, logits, &arena);
                for (int c = 1; c < n; c++)
                    best = logits[c] > logits[best] ? c : best;
                if (greedy)
                    assert_true(best == tokens[i] || margin[i] < 1e-3f);
                else
                    check_place(&e, i, logits, n, net.every, tokens[i]);
            }
            close_run(&r);
        }
        print_message("    %s: a first frame within %.1e\n", net.folder, e.worst);
        assert_true(e.worst < 5e-5);
        cv_arena_free(&arena);
        free(logits);
        cv_store_close(&golden);
        close_network(&net);
    }
}

/* --- holes ---------------------------------------------------------------------------------------------------- */

/* The sequence is the golden's; each code is predicted as there from the given codes, or drawn greedily. */
static void check_completion(const network *net, const cv_store *golden, const char *name, const char *mask_of,
                             bool greedy)
{
    const cv_cogvideo_config *c = &net->config;
    const int L = cv_cogvideo_places(c), n = c->image_codes, all = 1 + L;
    const bool plain = strcmp(name, mask_of) != 0;
    char forced[60];
    const cv_tensor *text = check_tensor(golden, "text");
    const int ids = (int)text->count - plain;
    const uint8_t *mask = check_member(golden, mask_of, "mask");
    const int32_t *input = check_member(golden, name, "input"), *positions = check_member(golden, name, "positions"),
                  *image = check_i32(golden, "image"), *grid;
    cv_element elements[MOST_PLACES + 1];
    int places[MOST_PLACES + 1];
    int32_t codes[MOST_PLACES];
    cv_completion completion = { elements, places, 0 };
    float *logits = malloc((size_t)n * sizeof *logits);
    int rank[MOST_PLACES], masked = 0;
    cv_arena arena;
    expected e;
    run r;

    snprintf(forced, sizeof forced, "%s.%s", name, greedy ? "greedy" : "forced");
    grid = check_member(golden, forced, "grid");
    e = greedy ? (expected){ .margin = check_member(golden, forced, "margin") } : expect(golden, forced);
    for (int i = 0; i < L; i++)
        rank[i] = mask[i] ? masked++ : -1;
    cv_completion_lay(&completion, c, image, mask);
    for (int i = 0; i < all; i++) {
        const bool drawn = places[i] >= 0 && mask[places[i]];

        assert_int_equal(drawn ? -1 : elements[i].id, input[ids + i]);
        assert_int_equal(elements[i].position, positions[ids + i]);
    }
    memcpy(codes, image, (size_t)L * sizeof *codes);
    open_run(&r, net, text->data, ids, all);
    arena = arena_of(cv_coglm_scratch(&net->exec, &net->stage, all, ids + all, false));
    /* the last known element is a step, since the first hole may need its logits */
    if (completion.known > 1)
        cv_coglm_pass(&net->exec, &net->stage, &r.sequence, elements, 0, completion.known, NULL, NULL, &arena);
    for (int i = completion.known; i < all; i++) {
        const int place = places[i];
        cv_coglm_row row = { &r.sequence, &elements[i - 1], i - 1 };

        if (mask[place]) {
            int best = 0;

            cv_coglm_step(&net->exec, &net->stage, &row, 1, logits, &arena);
            for (int k = 1; k < n; k++)
                best = logits[k] > logits[best] ? k : best;
            if (greedy)
                assert_true(best == grid[place] || e.margin[rank[place]] < 1e-3f);
            else
                check_place(&e, rank[place], logits, n, net->every, grid[place]);
            elements[i].id = codes[place] = grid[place];
        } else if (i > completion.known) {
            cv_coglm_step(&net->exec, &net->stage, &row, 1, logits, &arena);
        }
    }
    assert_memory_equal(codes, grid, (size_t)L * sizeof *codes);
    if (!greedy)
        print_message("    %s, %s: within %.1e\n", net->folder, name, e.worst);
    assert_true(e.worst < 5e-5);
    cv_arena_free(&arena);
    close_run(&r);
    free(logits);
}

static void holes_are_filled(void **state)
{
    static const char *const masks[] = { "middle", "left", "corner", "blobs", "top", "scattered" };

    (void)state;
    for (int g = 0; g < 2; g++) {
        network net;
        cv_store *golden;

        open_network(&net, g);
        if (!(golden = open_golden(&net, "completion"))) {
            close_network(&net);
            skip();
            return;
        }
        for (int greedy = 0; greedy < 2; greedy++) {
            for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
                check_completion(&net, golden, masks[i], masks[i], greedy);
            check_completion(&net, golden, "middle.plain", "middle", greedy);
        }
        cv_store_close(&golden);
        close_network(&net);
    }
}

/* --- drawn with recorded numbers ------------------------------------------------------------------------------ */

/* CogView2's rule of pictures, and the clusters of a geometry. */
static cv_clusters *open_clusters(const network *net)
{
    const bool small = net->config.grid == 8;
    const char *path =
        small ? check_golden("cogview2/small/text2image.safetensors") : check_data("sampler/forced.safetensors");
    cv_clusters *clusters = NULL;
    cv_store *store = NULL;
    cogvideo_error err;

    if (!path)
        return NULL;
    CHECK_OK(cv_store_open(&store, path, &err), err);
    CHECK_OK(cv_clusters_create(&clusters, check_i32(store, "cluster_labels"), net->config.image_codes, &err), err);
    cv_store_close(&store);
    return clusters;
}

/* Draws the codes of a picture where the mask is set, behind its text, each with its two numbers of `u`. */
static void draw_picture(const network *net, const cv_clusters *clusters, const int32_t *text, int ids,
                         double temperature, const uint8_t *mask, const double *u, int32_t *codes)
{
    const cogvideo_sampling sampling = { .temperature = temperature,
                                         .clusters = 16,
                                         .code_temperature = 1,
                                         .top_p = 1 };
    const int L = cv_cogvideo_places(&net->config), n = net->config.image_codes;
    cv_element elements[MOST_PLACES + 1];
    int places[MOST_PLACES + 1];
    cv_completion completion = { elements, places, 0 };
    float *logits = malloc((size_t)n * sizeof *logits);
    cv_arena arena = arena_of(cv_coglm_scratch(&net->exec, &net->stage, 1 + L, ids + 1 + L, false)),
             drawing = arena_of(cv_sampler_scratch(n, clusters));
    run r;

    cv_completion_lay(&completion, &net->config, codes, mask);
    open_run(&r, net, text, ids, 1 + L);
    cv_coglm_pass(&net->exec, &net->stage, &r.sequence, elements, 0, completion.known, NULL, NULL, &arena);
    for (int i = completion.known; i <= L; i++) {
        const cv_coglm_row row = { &r.sequence, &elements[i - 1], i - 1 };

        cv_coglm_step(&net->exec, &net->stage, &row, 1, logits, &arena);
        if (!mask[places[i]])
            continue;
        codes[places[i]] = elements[i].id = cv_sample(logits, n, &sampling, clusters, u[0], u[1], &drawing);
        u += 2;
    }
    close_run(&r);
    cv_arena_free(&arena);
    cv_arena_free(&drawing);
    free(logits);
}

static void draw_styles(const network *net, const cv_clusters *clusters, const cv_store *golden)
{
    static const struct {
        const char *name;
        double temperature;
    } styles[] = { { "sampled.mainbody", 1.15 }, { "sampled.chinese", 1.12 } };
    const int L = cv_cogvideo_places(&net->config);
    uint8_t mask[MOST_PLACES];
    int32_t codes[MOST_PLACES];

    memset(mask, 1, sizeof mask);
    for (size_t s = 0; s < sizeof styles / sizeof *styles; s++) {
        char name[60];
        const cv_tensor *text;
        const double *u = check_member(golden, styles[s].name, "u");
        const int32_t *tokens = check_member(golden, styles[s].name, "tokens");

        snprintf(name, sizeof name, "%s.text", styles[s].name);
        text = check_tensor(golden, name);
        for (int sample = 0; sample < 2; sample++) { /* the third would show nothing else */
            draw_picture(net, clusters, text->data, (int)text->count - 1, styles[s].temperature, mask,
                         u + (size_t)sample * 2 * (size_t)L, codes);
            assert_memory_equal(codes, tokens + sample * L, (size_t)L * sizeof *codes);
        }
    }
}

static void draw_holes(const network *net, const cv_clusters *clusters, const cv_store *golden)
{
    static const char *const masks[] = { "middle", "left" };
    const cv_tensor *text = check_tensor(golden, "text");
    const int L = cv_cogvideo_places(&net->config);

    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        char name[60];
        const uint8_t *mask = check_member(golden, masks[m], "mask");
        const double *u;
        const int32_t *grid;
        int masked = 0;

        snprintf(name, sizeof name, "%s.sampled", masks[m]);
        u = check_member(golden, name, "u");
        grid = check_member(golden, name, "grid");
        for (int i = 0; i < L; i++)
            masked += mask[i];
        for (int sample = 0; sample < 2; sample++) {
            int32_t codes[MOST_PLACES];

            memcpy(codes, check_i32(golden, "image"), (size_t)L * sizeof *codes);
            draw_picture(net, clusters, text->data, (int)text->count, 1.15, mask, u + sample * 2 * masked, codes);
            assert_memory_equal(codes, grid + sample * L, (size_t)L * sizeof *codes);
        }
    }
}

static void recorded_numbers_draw_the_same_codes(void **state)
{
    (void)state;
    for (int g = 0; g < 2; g++) {
        network net;
        cv_store *pictures, *holes;
        cv_clusters *clusters;

        open_network(&net, g);
        pictures = open_golden(&net, "text2image");
        holes = open_golden(&net, "completion");
        clusters = open_clusters(&net);
        if (pictures && holes && clusters) {
            draw_styles(&net, clusters, pictures);
            draw_holes(&net, clusters, holes);
        }
        cv_clusters_free(&clusters);
        cv_store_close(&pictures);
        cv_store_close(&holes);
        close_network(&net);
        if (!check_golden("cogview2/text2image.safetensors")) {
            skip();
            return;
        }
    }
}

/* With no code given, a hole is drawn as a first frame: the same logits, bit for bit. */
static void nothing_given_is_a_first_frame(void **state)
{
    static const int32_t text[] = { 1030, 1110, 1052 };
    enum { L = 64, IDS = sizeof text / sizeof *text };
    cv_element elements[1 + L];
    int places[1 + L];
    cv_completion completion = { elements, places, 0 };
    uint8_t mask[L];
    int32_t codes[L];
    float *logits, *others;
    network net;
    cv_arena arena;
    run frame, hole;

    (void)state;
    open_network(&net, 0);
    memset(mask, 1, sizeof mask);
    cv_completion_lay(&completion, &net.config, codes, mask);
    assert_int_equal(completion.known, 1);
    logits = malloc((size_t)net.config.image_codes * sizeof *logits);
    others = malloc((size_t)net.config.image_codes * sizeof *others);
    arena = arena_of(cv_coglm_scratch(&net.exec, &net.stage, 1, IDS + 1 + L, true) +
                     cv_forward_scratch(&net.exec, &net.stage, 1, true));
    open_run(&frame, &net, text, IDS, L);
    open_run(&hole, &net, text, IDS, 1 + L);
    for (int i = 0; i < L; i++) {
        const cv_step_row row = { &frame.sequence, 0, i, i ? codes[i - 1] : 0 };
        const cv_coglm_row element = { &hole.sequence, &elements[i], i };

        assert_int_equal(places[1 + i], i);
        cv_forward_step(&net.exec, &net.stage, &row, 1, logits, &arena);
        cv_coglm_step(&net.exec, &net.stage, &element, 1, others, &arena);
        assert_memory_equal(logits, others, (size_t)net.config.image_codes * sizeof *logits);
        elements[1 + i].id = codes[i] = (i * 37 + 5) % net.config.image_codes;
    }
    cv_arena_free(&arena);
    close_run(&frame);
    close_run(&hole);
    free(logits);
    free(others);
    close_network(&net);
}

/* --- captions ------------------------------------------------------------------------------------------------- */

static void texts_are_scored(void **state)
{
    static const char *const texts[] = { "zh", "en", "en_as_english" };

    (void)state;
    for (int g = 0; g < 2; g++) {
        network net;
        cv_store *golden;
        const cv_tensor *images;
        cv_linear head;
        int L, V, C;

        open_network(&net, g);
        if (!(golden = open_golden(&net, "caption"))) {
            close_network(&net);
            skip();
            return;
        }
        L = cv_cogvideo_places(&net.config);
        V = net.config.vocabulary;
        C = net.config.hidden;
        head = cv_trunk_head(&net.trunk, V);
        images = check_tensor(golden, "images");
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            char name[40];
            const cv_tensor *text;
            const int32_t *positions = check_member(golden, texts[t], "positions");
            const double *score = check_member(golden, texts[t], "score");
            expected e = expect(golden, texts[t]);
            cv_element elements[MOST_ELEMENTS];
            int n, all;

            snprintf(name, sizeof name, "%s.text", texts[t]);
            text = check_tensor(golden, name);
            n = (int)text->count;
            all = L + n;
            for (int image = 0; image < (int)images->shape[0]; image++) {
                float *hidden = malloc((size_t)(all * C) * sizeof *hidden),
                      *logits = malloc((size_t)(n * V) * sizeof *logits);
                cv_arena arena = arena_of(cv_coglm_scratch(&net.exec, &net.stage, all, all, false));
                double sum = 0;
                run r;

                cv_caption_lay(elements, &net.config, (const int32_t *)images->data + image * L, text->data, n);
                for (int i = 0; i < all; i++)
                    assert_int_equal(elements[i].position, positions[i]);
                open_run(&r, &net, NULL, 0, all);
                cv_coglm_pass(&net.exec, &net.stage, &r.sequence, elements, 0, all, hidden, NULL, &arena);
                cv_linear_rows(&net.exec, &head, logits, (size_t)V, hidden + L * C, (size_t)C, n, &arena);
                for (int i = 0; i + 1 < n; i++) {
                    const int32_t id = ((const int32_t *)text->data)[i + 1];

                    check_place(&e, image * (n - 1) + i, logits + (size_t)i * (size_t)V, V, net.every, id);
                    sum += (double)logits[(size_t)i * (size_t)V + (size_t)id] -
                           softmax_log_sum_exp(logits + (size_t)i * (size_t)V, V);
                }
                assert_true(fabs(sum / (n - 1) - score[image]) < 1e-4);
                cv_arena_free(&arena);
                close_run(&r);
                free(hidden);
                free(logits);
            }
            print_message("    %s, %s: within %.1e\n", net.folder, texts[t], e.worst);
            assert_true(e.worst < 5e-5);
        }
        cv_store_close(&golden);
        close_network(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_frames),
        cmocka_unit_test(holes_are_filled),
        cmocka_unit_test(recorded_numbers_draw_the_same_codes),
        cmocka_unit_test(nothing_given_is_a_first_frame),
        cmocka_unit_test(texts_are_scored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
