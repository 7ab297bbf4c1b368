/* The T5 encoder against Hugging Face's: ids of texts, biases by distance, and the vectors of every layer; v1.1 and
 * v1.0. */
#include "support/check.h"
#include "support/phenaki_seeded.h"

#include "base/json.h"
#include "model/t5/t5_bias.h"
#include "model/t5/t5_network.h"
#include "nn/blas.h"

typedef struct fixture {
    cv_store *golden, *weights;
    cv_t5_config config;
    cv_t5 *t5;
    cv_exec exec;
} fixture;

static int number_of(const cv_json *network, const char *key)
{
    int64_t value = 0;
    cogvideo_error err;

    CHECK_OK(cv_json_int(network, key, 0, INT32_MAX, &value, "metadata", &err), err);
    return (int)value;
}

static void open_fixture(fixture *f, const char *path)
{
    const char *text, *kind;
    cogvideo_error err;
    cv_json *network;
    cv_store *plan;
    int seed;

    *f = (fixture){ .exec = { .threads = 2 } };
    check_kernels(&f->exec.kernels);
    cv_blas_init();
    CHECK_OK(cv_store_open(&f->golden, path, &err), err);
    text = cv_store_metadata(f->golden, "network");
    assert_non_null(text);
    CHECK_OK(cv_json_parse(&network, text, strlen(text), "metadata", &err), err);
    f->config = (cv_t5_config){ .layers = number_of(network, "num_layers"),
                                .heads = number_of(network, "num_heads"),
                                .head_width = number_of(network, "d_kv"),
                                .inner = number_of(network, "d_ff"),
                                .width = number_of(network, "d_model"),
                                .vocabulary = number_of(network, "vocab_size") };
    CHECK_OK(cv_json_string(network, "feed_forward_proj", &kind, "metadata", &err), err);
    f->config.gated = strcmp(kind, "gated-gelu") == 0;
    seed = number_of(network, "seed");
    cv_json_free(&network);

    CHECK_OK(cv_store_plan(&plan, "T5", &err), err);
    CHECK_OK(cv_t5_open(&f->t5, &f->config, plan, &err), err);
    cv_t5_close(&f->t5);
    CHECK_OK(cv_store_create_like(&f->weights, "T5", plan, &err), err);
    cv_store_close(&plan);
    phenaki_seeded_fill(f->weights, "", seed);
    CHECK_OK(cv_t5_open(&f->t5, &f->config, f->weights, &err), err);
}

static void close_fixture(fixture *f)
{
    cv_t5_close(&f->t5);
    cv_store_close(&f->weights);
    cv_store_close(&f->golden);
}

/* Within 1e-4 of the largest number. */
static void check_numbers(const char *name, const cv_tensor *expected, const float *values)
{
    const float *numbers = expected->data;
    double most = 0, worst = 0;

    for (size_t i = 0; i < expected->count; i++) {
        most = fmax(most, fabs((double)numbers[i]));
        worst = fmax(worst, fabs((double)numbers[i] - (double)values[i]));
    }
    if (!(worst <= 1e-4 * most))
        fail_msg("%s: off by %.3g of %.3g", name, worst, most);
    print_message("%s: off by %.2g of its largest number\n", name, worst / most);
}

typedef struct watched {
    const fixture *f;
    const char *kind;
    int seen;
} watched;

static void see(void *user, int layer, const float *hidden)
{
    watched *w = user;
    char name[80];

    snprintf(name, sizeof name, "%s.hidden.%d", w->kind, layer);
    assert_int_equal(layer, w->seen++);
    check_numbers(name, check_tensor(w->f->golden, name), hidden);
}

static void check_batch(const fixture *f, const char *kind)
{
    watched w = { .f = f, .kind = kind };
    char name[80];
    const cv_tensor *ids, *embeds;
    const uint8_t *mask;
    cv_t5_batch batch;
    cogvideo_error err;
    int counts[8] = { 0 };
    cv_arena arena;
    float *out;

    snprintf(name, sizeof name, "%s.ids", kind);
    ids = check_tensor(f->golden, name);
    snprintf(name, sizeof name, "%s.mask", kind);
    mask = check_tensor(f->golden, name)->data;
    batch =
        (cv_t5_batch){ .texts = (int)ids->shape[0], .longest = (int)ids->shape[1], .ids = ids->data, .counts = counts };
    for (size_t i = 0; i < ids->count; i++)
        counts[i / ids->shape[1]] += mask[i];
    snprintf(name, sizeof name, "%s.embeds", kind);
    embeds = check_tensor(f->golden, name);
    out = cv_alloc(embeds->count, sizeof *out, &err);
    assert_non_null(out);
    CHECK_OK(cv_arena_create(&arena, cv_t5_scratch(&f->exec, f->t5, &batch), &err), err);
    cv_t5_run(&f->exec, f->t5, &batch, out, see, &w, &arena);
    assert_int_equal(w.seen, f->config.layers + 1);
    check_numbers(name, embeds, out);
    cv_arena_free(&arena);
    cv_free(out);
}

static void check_bias(const fixture *f)
{
    const cv_tensor *expected = check_tensor(f->golden, "bias");
    const int rows = (int)expected->shape[1], heads = f->config.heads;
    cogvideo_error err;
    float *by_distance = cv_alloc((size_t)heads * cv_t5_distances(CV_T5_LONGEST), sizeof(float), &err);
    float *bias = cv_alloc(expected->count, sizeof(float), &err);

    assert_true(by_distance && bias);
    cv_t5_bias_by_distance(by_distance, &f->t5->bias_of_distance, CV_T5_LONGEST);
    cv_t5_bias_of_rows(&f->exec, bias, by_distance, heads, CV_T5_LONGEST, rows);
    assert_memory_equal(bias, expected->data, expected->count * sizeof *bias);
    cv_free(by_distance);
    cv_free(bias);
}

static void vectors_are_the_original_ones(void **state)
{
    static const char *const files[] = { "phenaki/t5/encoder.safetensors", "phenaki/t5/encoder-relu.safetensors" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f;

        open_fixture(&f, check_data(files[i]));
        check_batch(&f, "batch");
        check_batch(&f, "one");
        check_bias(&f);
        close_fixture(&f);
    }
}

static void buckets_are_the_original_ones(void **state)
{
    const char *path = check_golden("phenaki/tables.json"), *origin = "tables.json";
    cv_json *tables, *buckets, *list;
    cogvideo_error err;
    int64_t d, last;

    (void)state;
    if (!path)
        skip();
    CHECK_OK(cv_json_read(&tables, path, 1 << 20, &err), err);
    CHECK_OK(cv_json_object(tables, "t5_buckets", &buckets, origin, &err), err);
    CHECK_OK(cv_json_int(buckets, "first", -1000, 0, &d, origin, &err), err);
    CHECK_OK(cv_json_int(buckets, "last", 0, 1000, &last, origin, &err), err);
    CHECK_OK(cv_json_array(buckets, "buckets", &list, origin, &err), err);
    assert_int_equal(cv_json_count(list), last - d + 1);
    for (const cv_json *bucket = cv_json_first(list); bucket; bucket = cv_json_next(bucket), d++)
        assert_int_equal(cv_t5_bucket((int)d), (int)cv_json_number(bucket));
    cv_json_free(&tables);
}

static void ids_are_the_original_ones(void **state)
{
    const char *model = check_golden("phenaki/t5/spiece.model"), *texts = check_golden("phenaki/t5/texts.json");
    cogvideo_error err;
    cv_text *text;
    cv_json *cases;
    int checked = 0;

    (void)state;
    if (!model || !texts)
        skip();
    CHECK_OK(cv_text_open(&text, model, 0, NULL, &err), err);
    CHECK_OK(cv_t5_check_text(text, 384, &err), err);
    CHECK_OK(cv_json_read(&cases, texts, 1 << 20, &err), err);
    for (const cv_json *item = cv_json_first(cases); item; item = cv_json_next(item), checked++) {
        int32_t *expected, ids[CV_T5_LONGEST];
        size_t wanted, whole;
        const char *prompt;
        cv_json *list;
        int count;

        CHECK_OK(cv_json_string(item, "text", &prompt, "texts.json", &err), err);
        CHECK_OK(cv_json_array(item, "ids", &list, "texts.json", &err), err);
        CHECK_OK(cv_json_int_array(list, 0, INT32_MAX, &expected, &wanted, "texts.json", &err), err);
        CHECK_OK(cv_t5_ids(text, prompt, ids, &count, &whole, &err), err);
        if ((size_t)count != wanted || memcmp(ids, expected, wanted * sizeof *ids) != 0)
            fail_msg("'%s' has other ids", prompt);
        assert_int_equal(whole, count);
        cv_free(expected);
    }
    assert_true(checked > 5);
    cv_json_free(&cases);
    cv_text_close(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_the_original_ones),
        cmocka_unit_test(buckets_are_the_original_ones),
        cmocka_unit_test(ids_are_the_original_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
