/* The training of CogLM against the original: rows as elements (ids, positions, labels, masks), losses place by place,
 * the loss, and the gradients of all parameters. */
#include "support/check.h"
#include "support/gradients.h"
#include "support/seeded.h"

#include "family/cogvideo/network/coglm_rows.h"
#include "family/cogvideo/network/train.h"
#include "nn/blas.h"

#define ROWS 5
#define MOST_PLACES 512
#define MOST_SPANS 64
#define MOST_HOLES 64

typedef struct geometry {
    const char *golden;
    cv_cogvideo_config config;
    int seed;
} geometry;

static const geometry geometries[2] = {
    { "cogview2/small/train.safetensors",
      { 3, 64, 4, 256, 1600, 1024, 1526, 8, 4, 1, 64, 1024, 64, 512, true, 1e-5 },
      81 },
    { "cogview2/train.safetensors",
      { 2, 32, 2, 128, 20512, 20000, 20502, 20, 10, 1, 64, 1024, 400, 512, true, 1e-5 },
      82 },
};

typedef struct network {
    cv_store *weights, *gradients;
    cv_trunk trunk, trunk_grads;
    cv_stage stage, grads;
} network;

static void bind(cv_trunk *out, cv_store *store, const cv_cogvideo_config *c)
{
    cogvideo_error err;

    CHECK_OK(cv_trunk_bind(out, store, c->layers, c->hidden, c->mlp, c->vocabulary, c->positions,
                           (float)c->norm_epsilon, &err),
             err);
}

static cv_stage stage_of(const cv_trunk *trunk, const cv_cogvideo_config *c)
{
    return (cv_stage){ .config = c,
                       .kind = CV_STAGE_SEQUENTIAL,
                       .trunk = trunk,
                       .head = cv_trunk_head(trunk, c->vocabulary) };
}

static void open_network(network *net, const geometry *g)
{
    cogvideo_error err;
    cv_store *plan = NULL;
    cv_trunk planned = { 0 };

    *net = (network){ 0 };
    CHECK_OK(cv_store_plan(&plan, "the trunk", &err), err);
    bind(&planned, plan, &g->config);
    CHECK_OK(cv_store_create_like(&net->weights, "weights", plan, &err), err);
    CHECK_OK(cv_store_create_like(&net->gradients, "gradients", plan, &err), err);
    seeded_fill(net->weights, g->seed);
    bind(&net->trunk, net->weights, &g->config);
    bind(&net->trunk_grads, net->gradients, &g->config);
    net->stage = stage_of(&net->trunk, &g->config);
    net->grads = stage_of(&net->trunk_grads, &g->config);
    cv_trunk_close(&planned);
    cv_store_close(&plan);
}

static void close_network(network *net)
{
    cv_trunk_close(&net->trunk);
    cv_trunk_close(&net->trunk_grads);
    cv_store_close(&net->weights);
    cv_store_close(&net->gradients);
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

/* The arrays of a row's elements. */
typedef struct laid_row {
    cv_element elements[MOST_PLACES];
    int32_t labels[MOST_PLACES];
    uint8_t loss[MOST_PLACES];
    int places[MOST_PLACES];
    cv_coglm_example example;
} laid_row;

static const cv_tensor *draw(const cv_store *golden, int row, const char *what)
{
    char name[40];

    snprintf(name, sizeof name, "draw%d.%s", row, what);
    return check_tensor(golden, name);
}

static void lay_text(cv_coglm_example *out, const cv_store *golden, int row, const int32_t *ids, int places)
{
    const cv_tensor *lengths = draw(golden, row, "span_lengths"), *starts = draw(golden, row, "starts");
    int32_t kept[MOST_SPANS];
    int count;

    assert_in_range(lengths->count, 1, MOST_SPANS);
    memcpy(kept, lengths->data, lengths->count * sizeof *kept);
    count = cv_coglm_keep_spans(kept, (int)lengths->count, places, 0.15);
    assert_int_equal(count, starts->count);
    cv_coglm_lay_text(out, ids, places, kept, starts->data, count);
}

static void lay_texts(cv_coglm_example *out, const cv_store *golden, int index, const cv_cogvideo_config *config,
                      const cv_picture_row *row)
{
    const cv_tensor *corners = draw(golden, index, "corners");
    const int english_end = atoi(cv_store_metadata(golden, "english_end")), across = config->grid - 4;
    int32_t starts[CV_COGLM_TEXTS];
    cv_coglm_hole holes[MOST_HOLES];
    cv_key_run texts[CV_COGLM_TEXTS];
    const int count = cv_coglm_texts(row, texts);

    for (int t = 0; t < count; t++) {
        bool english = true;

        for (int i = 0; i < texts[t].count; i++)
            english = english && row->ids[texts[t].first + i] < english_end;
        starts[t] = config->start_of_image + (english ? 1 : 2);
    }
    assert_in_range(corners->count, 1, MOST_HOLES);
    for (size_t i = 0; i < corners->count; i++) {
        const int corner = ((const int32_t *)corners->data)[i];

        holes[i] = (cv_coglm_hole){ corner / across, corner % across, 4, 4 };
    }
    cv_coglm_lay_texts(out, config, row, starts, holes, (int)corners->count);
}

/* Row `index` of the golden, of `places` places. */
static void lay(laid_row *out, const cv_store *golden, int index, const cv_cogvideo_config *config, int places)
{
    const int text_places = places - cv_cogvideo_places(config);
    const int32_t *ids = check_i32(golden, "rows") + index * places;
    const cv_picture_row row = { ids, text_places, config->image_codes + 3 };
    cv_key_run texts[CV_COGLM_TEXTS];

    out->example = (cv_coglm_example){ .elements = out->elements,
                                       .labels = out->labels,
                                       .loss = out->loss,
                                       .places = out->places };
    if (index == 0) {
        lay_text(&out->example, golden, index, ids, places);
    } else if (index <= 2) {
        const int count = cv_coglm_texts(&row, texts);
        const cv_tensor *language = draw(golden, index, "language");

        assert_int_equal(count, language->count + 1);
        cv_coglm_lay_picture(&out->example, config, &row,
                             texts[language->count && *(const double *)language->data < 0.5]);
    } else {
        lay_texts(&out->example, golden, index, config, &row);
    }
    assert_int_equal(out->example.count, places);
}

static bool sees(const cv_element *element, int other)
{
    for (int r = 0; r < element->runs; r++)
        if (other >= element->sees[r].first && other < element->sees[r].first + element->sees[r].count)
            return true;
    return false;
}

/* All that goes in is the golden's; what is to be predicted is not seen, nor is what training leaves out. */
static void check_row(const laid_row *laid, const cv_store *golden, int index, int places)
{
    const cv_coglm_example *example = &laid->example;
    const int32_t *tokens = check_i32(golden, "tokens") + index * places,
                  *positions = check_i32(golden, "positions") + index * places,
                  *labels = check_i32(golden, "labels") + index * places;
    const uint8_t *loss = (const uint8_t *)check_tensor(golden, "loss_mask")->data + index * places;
    const int row_bytes = (int)check_tensor(golden, "mask.bits")->shape[2];
    const uint8_t *bits = (const uint8_t *)check_tensor(golden, "mask.bits")->data + index * places * row_bytes;
    uint8_t known[MOST_PLACES] = { 0 };

    for (int i = 0; i < places; i++) {
        const int place = example->places[i];

        assert_in_range(place, 0, places - 1);
        assert_int_equal(known[place]++, 0);
        assert_int_equal(example->elements[i].id, tokens[place]);
        assert_int_equal(example->elements[i].position, positions[place]);
        assert_int_equal(example->labels[i], labels[place]);
        assert_int_equal(example->loss[i], loss[place]);
        assert_in_range(example->elements[i].runs, 1, CV_ELEMENT_RUNS);
        assert_true(sees(&example->elements[i], 0));
        for (int k = 0; k < places; k++) {
            const int key = example->places[k];
            const bool seen = sees(&example->elements[i], k);

            if (seen != ((bits[place * row_bytes + key / 8] >> (7 - key % 8)) & 1))
                fail_msg("row %d: place %d and %d: seen is %d", index, place, key, seen);
            assert_false(seen && loss[place] && key == place + 1);
            assert_false(seen && i < example->used && k >= example->used);
        }
        assert_false(example->loss[i] && i >= example->used);
    }
}

/* --- a step --------------------------------------------------------------------------------------------------- */

static double step(const cv_exec *exec, const network *net, bool gradients, const laid_row *rows, int count, bool used,
                   float *ce)
{
    cogvideo_error err;
    cv_train_sequence sequences[ROWS];
    const cv_train_batch batch = { .sequences = sequences, .count = count };
    cv_arena arena = { 0 };
    double loss;

    for (int i = 0; i < count; i++)
        sequences[i] = (cv_train_sequence){ .elements = rows[i].elements,
                                            .labels = rows[i].labels,
                                            .loss = rows[i].loss,
                                            .count = used ? rows[i].example.used : rows[i].example.count };
    cv_stage_train(exec, &net->stage, gradients ? &net->grads : NULL, &batch, ce, &arena);
    CHECK_OK(cv_arena_create(&arena, arena.peak, &err), err);
    loss = cv_stage_train(exec, &net->stage, gradients ? &net->grads : NULL, &batch, ce, &arena);
    cv_arena_free(&arena);
    return loss;
}

static double loss_of(const cv_store *golden, const char *name)
{
    return *(const double *)check_tensor(golden, name)->data;
}

static void check_geometry(const geometry *g)
{
    const char *path = check_golden(g->golden);
    cogvideo_error err;
    cv_store *golden = NULL;
    cv_exec exec = { .threads = 2 };
    laid_row *rows;
    float *ce;
    const float *wanted;
    double loss, worst = 0;
    network net;
    int places;

    if (!path)
        skip();
    cv_blas_init();
    check_kernels(&exec.kernels);
    CHECK_OK(cv_store_open(&golden, path, &err), err);
    rows = malloc(ROWS * sizeof *rows);
    places = (int)check_tensor(golden, "rows")->shape[1];
    assert_in_range(places, 1, MOST_PLACES);
    for (int i = 0; i < ROWS; i++) {
        lay(&rows[i], golden, i, &g->config, places);
        check_row(&rows[i], golden, i, places);
    }
    open_network(&net, g);
    ce = malloc((size_t)(ROWS * places) * sizeof *ce);
    loss = step(&exec, &net, false, rows, ROWS, false, ce);
    wanted = check_f32(golden, "ce");
    for (int i = 0; i < ROWS * places; i++)
        worst = fmax(worst,
                     fabs((double)ce[i] - (double)wanted[i / places * places + rows[i / places].places[i % places]]));
    print_message("    loss %.7f, %.7f in the golden; cross-entropies within %.1e\n", loss, loss_of(golden, "loss"),
                  worst);
    CHECK_CLOSE(loss, loss_of(golden, "loss"), 1e-5);
    assert_true(worst < 5e-5);
    for (int i = 0; i < ROWS; i++) {
        char name[20];

        snprintf(name, sizeof name, "loss%d", i);
        CHECK_CLOSE(step(&exec, &net, false, &rows[i], 1, true, NULL), loss_of(golden, name), 1e-5);
    }
    CHECK_CLOSE(step(&exec, &net, true, rows, ROWS, true, NULL), loss, 1e-6);
    gradients_check((const cv_store *[]){ net.gradients }, 1, golden, "");
    close_network(&net);
    cv_store_close(&golden);
    free(ce);
    free(rows);
}

static void small_geometry(void **state)
{
    (void)state;
    check_geometry(&geometries[0]);
}

static void full_geometry(void **state)
{
    (void)state;
    check_geometry(&geometries[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_geometry),
        cmocka_unit_test(full_geometry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
