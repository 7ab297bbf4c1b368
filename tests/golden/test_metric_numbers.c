/* What metrics compute without a network, against what the original code computed: resizings, Frechet distances,
 * Inception Scores, and the losses that the networks of the shapes world are trained by. The committed files are parts
 * of larger ones, which are read too where they are. */
#include "support/check.h"
#include "support/softmax.h"

#include "base/json.h"
#include "media/scale.h"
#include "metric/frechet.h"
#include "metric/inception_score.h"
#include "metric/shuffle.h"
#include "nn/blas.h"
#include "nn/contrastive.h"
#include "nn/loss.h"

/* Runs `test` on the committed part of a golden file, and on the whole of it where that is there. */
static void on_golden(const char *name, void (*test)(const cv_store *))
{
    const char *paths[] = { check_data(name), check_golden(name) };

    for (int i = 0; i < 2 && paths[i]; i++) {
        cogvideo_error err;
        cv_store *store;

        CHECK_OK(cv_store_open(&store, paths[i], &err), err);
        test(store);
        cv_store_close(&store);
    }
}

/* --- resizings --------------------------------------------------------------------------------------------------- */

/* The golden's words, and how far from it we may be, of 255. */
static const struct {
    const char *word;
    cv_scale scale;
    double tolerance;
} kinds[] = {
    { "pil_bicubic", CV_SCALE_PIL_BICUBIC, 0 },
    { "pil_bilinear", CV_SCALE_PIL_BILINEAR, 0 },
    { "pil_lanczos", CV_SCALE_PIL_LANCZOS, 0 },
    { "torch_bilinear", CV_SCALE_TORCH_BILINEAR, 4e-5 },
    { "torch_bilinear_antialias", CV_SCALE_TORCH_ANTIALIAS, 4e-5 },
    { "tf1_bilinear", CV_SCALE_TF1, 4e-5 },
    { "nvidia_bilinear", CV_SCALE_TF1, 255 * 5e-4 },
    { "chainer_bilinear", CV_SCALE_ALIGN_CORNERS, 1e-4 },
};

/* A golden picture: u8 [H, W, 3], or f32 [3, H, W]. */
static void compare_picture(const cv_tensor *golden, const float *out, double scale, double offset, double tolerance)
{
    bool bytes = golden->dtype == CV_U8;
    size_t plane = golden->count / 3;

    for (size_t i = 0; i < golden->count; i++) {
        size_t at = bytes ? i % 3 * plane + i / 3 : i;
        double expected = bytes ? ((const uint8_t *)golden->data)[i] : (double)((const float *)golden->data)[i];

        if (!(fabs((double)out[at] * scale + offset - expected) <= tolerance))
            fail_msg("%s: value %zu is %.7g, not %.7g", golden->name, i, (double)out[at] * scale + offset, expected);
    }
}

static void resize_one(const cv_tensor *golden, const cv_tensor *picture, const char *word)
{
    int height = (int)picture->shape[0], width = (int)picture->shape[1], out_height, out_width, side = 0;
    double scale = 1, offset = 0, tolerance = 0;
    cogvideo_error err;
    float *out = calloc(golden->count, sizeof *out), *planes = calloc(picture->count, sizeof *planes);
    bool known = false;

    for (size_t i = 0; i < picture->count; i++)
        planes[i % 3 * (picture->count / 3) + i / 3] = ((const uint8_t *)picture->data)[i];
    if (sscanf(word, "clip%d", &side) == 1) {
        CHECK_OK(cv_scale_to_square(out, side, picture->data, height, width, CV_SCALE_PIL_BICUBIC, CV_CROP_SHORT_EVEN,
                                    &err),
                 err);
        known = true;
    } else if (sscanf(word, "short%d", &side) == 1) {
        CHECK_OK(cv_scale_planes_to_square(out, side, planes, height, width, CV_SCALE_TORCH_BILINEAR,
                                           CV_CROP_SHORT_CEIL, &err),
                 err);
        known = true;
        scale = 2 / 255.0;
        offset = -1;
        tolerance = 1e-6;
    }
    for (size_t k = 0; !known && k < sizeof kinds / sizeof *kinds; k++) {
        char name[64];

        if (sscanf(word, "%dx%d.%63s", &out_height, &out_width, name) != 3 || strcmp(name, kinds[k].word) != 0)
            continue;
        tolerance = kinds[k].tolerance;
        CHECK_OK(cv_scale_planes(out, out_height, out_width, planes, height, width, kinds[k].scale, &err), err);
        compare_picture(golden, out, 1, 0, tolerance);
        memset(out, 0, golden->count * sizeof *out);
        CHECK_OK(cv_scale_u8(out, out_height, out_width, picture->data, height, width, kinds[k].scale, &err), err);
        known = true;
    }
    if (!known)
        fail_msg("no test of %s", golden->name);
    compare_picture(golden, out, scale, offset, tolerance);
    free(out);
    free(planes);
}

static void resize_all(const cv_store *golden)
{
    int tested = 0;

    for (size_t i = 0; i < cv_store_count(golden); i++) {
        const cv_tensor *tensor = cv_store_at(golden, i);
        const char *word = strchr(tensor->name, '.') + 1;
        char picture[64];

        if (strcmp(word, "u8") == 0)
            continue;
        snprintf(picture, sizeof picture, "%.*su8", (int)(word - tensor->name), tensor->name);
        resize_one(tensor, check_tensor(golden, picture), word);
        tested++;
    }
    assert_true(tested >= 20);
}

static void frames_are_resized_as_by_the_originals(void **state)
{
    (void)state;
    on_golden("metrics/resize.safetensors", resize_all);
}

/* --- Frechet distances ------------------------------------------------------------------------------------------- */

/* The golden's word for a convention, its divisor, and how far from it we may be, of max(1, F). Of sets that are wholly
 * or nearly singular the originals are that far apart from each other: rounding makes zero eigenvalues about 1e-16,
 * whose roots count, and TF-GAN leaves small singular values unrooted. Of sets that are only short of rows TF-GAN
 * agrees with us to 1e-13, as it has singular values, too. */
static const struct {
    const char *word;
    bool biased;
    double tolerance, singular;
} conventions[] = {
    { "symmetric_n1", false, 1e-12, 4e-8 }, { "symmetric_n", true, 1e-12, 4e-8 },
    { "tfgan_f64", false, 1e-12, 3e-6 },    { "tfgan_f32", false, 1e-4, 4e-3 },
    { "sqrtm_n1", false, 1e-12, 4e-8 },     { "sqrtm_n", true, 1e-12, 4e-8 },
    { "pytorch_fid", false, 1e-12, 4e-8 },  { "torch_fidelity", false, 1e-12, 4e-8 },
};

static cv_feature_set feature_set(const cv_store *golden, const char *pair, const char *which)
{
    char name[64];
    const cv_tensor *rows;

    snprintf(name, sizeof name, "%s.%s", pair, which);
    rows = check_tensor(golden, name);
    return (cv_feature_set){ .rows = rows->data, .count = (int)rows->shape[0], .width = (int)rows->shape[1] };
}

static bool is_singular(const char *pair)
{
    return strcmp(pair, "deficient") == 0 || strcmp(pair, "singular") == 0 || strcmp(pair, "two") == 0;
}

static void compare_distance(const cv_store *golden, const cv_json *pair)
{
    const char *name = cv_json_key(pair);
    const cv_feature_set a = feature_set(golden, name, "a"), b = feature_set(golden, name, "b");

    for (size_t i = 0; i < sizeof conventions / sizeof *conventions; i++) {
        cv_frechet_options options = { .biased = conventions[i].biased };
        double expected, tolerance = is_singular(name) ? conventions[i].singular : conventions[i].tolerance;
        cogvideo_error err;
        cv_frechet out;

        CHECK_OK(cv_json_double(pair, conventions[i].word, -1e9, 1e9, &expected, name, &err), err);
        CHECK_OK(cv_frechet_distance(&a, &b, &options, &out, &err), err);
        if (!(fabs(out.distance - expected) <= tolerance * fmax(1, fabs(expected))))
            fail_msg("%s by %s: %.15g is not %.15g, they are %g apart", name, conventions[i].word, out.distance,
                     expected, fabs(out.distance - expected));
    }
}

/* A member of a file's metadata, which is a JSON text; free with cv_json_free. */
static cv_json *metadata(const cv_store *golden, const char *key)
{
    const char *text = cv_store_metadata(golden, key);
    cv_json *json;
    cogvideo_error err;

    assert_non_null(text);
    CHECK_OK(cv_json_parse(&json, text, strlen(text), key, &err), err);
    return json;
}

static void compare_distances(const cv_store *golden)
{
    cv_json *pairs = metadata(golden, "distances");
    int tested = 0;

    for (const cv_json *pair = cv_json_first(pairs); pair; pair = cv_json_next(pair)) {
        char rows[64];

        snprintf(rows, sizeof rows, "%s.a", cv_json_key(pair));
        if (cv_store_find(golden, rows)) {
            compare_distance(golden, pair);
            tested++;
        }
    }
    assert_true(tested >= 5);
    cv_json_free(&pairs);
}

static void distances_are_those_of_the_originals(void **state)
{
    (void)state;
    on_golden("metrics/frechet.safetensors", compare_distances);
}

/* out [width][width] = the covariance of the rows, by its definition. */
static void covariance(double *out, const cv_feature_set *set)
{
    int width = set->width;
    double *mean = calloc((size_t)width, sizeof *mean);

    for (int r = 0; r < set->count; r++)
        for (int i = 0; i < width; i++)
            mean[i] += (double)set->rows[r * width + i] / set->count;
    memset(out, 0, (size_t)width * (size_t)width * sizeof *out);
    for (int r = 0; r < set->count; r++)
        for (int i = 0; i < width; i++)
            for (int j = 0; j < width; j++)
                out[i * width + j] += ((double)set->rows[r * width + i] - mean[i]) *
                                      ((double)set->rows[r * width + j] - mean[j]) / (set->count - 1);
    free(mean);
}

static void check_values(const cv_store *golden, const char *pair, const char *what, const double *values, int count)
{
    char name[64];
    const double *expected;

    snprintf(name, sizeof name, "%s.%s", pair, what);
    expected = check_tensor(golden, name)->data;
    for (int i = 0; i < count; i++)
        if (!(fabs(values[i] - expected[i]) <= 1e-13 * count * fmax(expected[count - 1], 1e-6)))
            fail_msg("%s: value %d is %.15g, not %.15g", name, i, values[i], expected[i]);
}

/* The eigenvalues of the covariance A, and of A^(1/2) B A^(1/2) from the eigenvectors. */
static void compare_eigenvalues(const cv_store *golden)
{
    static const char *const pairs[] = { "full", "deficient", "copies", "constant", "two" };

    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        const cv_feature_set a = feature_set(golden, pairs[p], "a"), b = feature_set(golden, pairs[p], "b");
        const int width = a.width;
        const size_t square = (size_t)width * (size_t)width;
        double *A = calloc(square, sizeof *A), *B = calloc(square, sizeof *B), *Q = calloc(square, sizeof *Q);
        double *values = calloc((size_t)width, sizeof *values), *product = calloc(square, sizeof *product);
        cogvideo_error err;

        covariance(A, &a);
        covariance(B, &b);
        CHECK_OK(cv_blas_eigen_f64(values, A, true, width, &err), err);
        check_values(golden, pairs[p], "eig.a", values, width);
        for (int k = 0; k < width; k++)
            for (int i = 0; i < width; i++)
                for (int j = 0; j < width; j++)
                    Q[i * width + j] += sqrt(fmax(values[k], 0)) * A[k * width + i] * A[k * width + j];
        cv_blas_matmul_nn_f64(product, Q, B, width, width, width);
        cv_blas_matmul_nn_f64(B, product, Q, width, width, width);
        CHECK_OK(cv_blas_eigen_f64(values, B, false, width, &err), err);
        check_values(golden, pairs[p], "eig.product", values, width);
        free(A);
        free(B);
        free(Q);
        free(values);
        free(product);
    }
}

static void eigenvalues_are_those_of_the_original(void **state)
{
    (void)state;
    on_golden("metrics/frechet.safetensors", compare_eigenvalues);
}

/* --- Inception Scores -------------------------------------------------------------------------------------------- */

/* Numbers inside of a golden's word: "plain.shuffle42.splits10". */
static int number_after(const char *word, const char *what)
{
    const char *found = strstr(word, what);

    return found ? atoi(found + strlen(what)) : -1;
}

static void compare_score(const char *name, const cv_json *score, const double *probabilities, int count, int classes)
{
    const char *word = cv_json_key(score);
    double mean = cv_json_number(cv_json_first(score)), deviation = cv_json_number(cv_json_next(cv_json_first(score)));
    /* tgan2's softmax is in f32. */
    double tolerance = strstr(word, "tgan2") ? 1e-6 : 1e-12;
    int shuffle = number_after(word, "shuffle");
    int32_t *order = calloc((size_t)count, sizeof *order);
    cv_inception_score out;
    cogvideo_error err;

    if (shuffle >= 0)
        cv_numpy_permutation(order, count, (uint32_t)shuffle);
    CHECK_OK(cv_inception_score_of(probabilities, count, classes, shuffle >= 0 ? order : NULL,
                                   number_after(word, "splits"), &out, &err),
             err);
    if (!(fabs(out.mean - mean) <= tolerance * mean && fabs(out.deviation - deviation) <= tolerance * mean))
        fail_msg("%s, %s: %.15g, %.15g are not %.15g, %.15g", name, word, out.mean, out.deviation, mean, deviation);
    free(order);
}

/* Every split by itself. */
static void compare_splits(const cv_store *golden, const char *name, int splits, const double *probabilities, int count,
                           int classes)
{
    char word[64];
    const double *expected;

    snprintf(word, sizeof word, "%s.scores.splits%d", name, splits);
    expected = check_tensor(golden, word)->data;
    for (int i = 0; i < splits; i++) {
        int first = i * count / splits, end = (i + 1) * count / splits;
        cv_inception_score out;
        cogvideo_error err;

        CHECK_OK(cv_inception_score_of(probabilities + first * classes, end - first, classes, NULL, 1, &out, &err),
                 err);
        CHECK_CLOSE(out.mean, expected[i], 1e-12 * expected[i]);
    }
}

static void compare_scores(const cv_store *golden)
{
    cv_json *sets = metadata(golden, "scores");

    for (const cv_json *set = cv_json_first(sets); set; set = cv_json_next(set)) {
        const char *name = cv_json_key(set);
        char word[64];
        const cv_tensor *logits;
        double *probabilities;
        int count, classes;

        snprintf(word, sizeof word, "%s.logits", name);
        logits = check_tensor(golden, word);
        count = (int)logits->shape[0];
        classes = (int)logits->shape[1];
        probabilities = calloc(logits->count, sizeof *probabilities);
        softmax_f64(probabilities, logits->data, count, classes);
        assert_true(cv_json_count(set) >= 12);
        for (const cv_json *score = cv_json_first(set); score; score = cv_json_next(score))
            compare_score(name, score, probabilities, count, classes);
        compare_splits(golden, name, 1, probabilities, count, classes);
        compare_splits(golden, name, 7, probabilities, count, classes);
        compare_splits(golden, name, 10, probabilities, count, classes);
        free(probabilities);
    }
    cv_json_free(&sets);
}

static void scores_are_those_of_the_originals(void **state)
{
    (void)state;
    on_golden("metrics/inception_score.safetensors", compare_scores);
}

static void compare_orders(const cv_store *golden)
{
    static const char *const sets[] = { "soft", "sharp", "onehot" };

    for (int s = 0; s < 3; s++)
        for (int k = 0; k < 2; k++) {
            char word[64];
            const cv_tensor *expected;
            int32_t *order;

            snprintf(word, sizeof word, "%s.perm%d", sets[s], k ? 2020 : 42);
            expected = check_tensor(golden, word);
            order = calloc(expected->count, sizeof *order);
            cv_numpy_permutation(order, (int)expected->count, k ? 2020 : 42);
            assert_memory_equal(order, expected->data, expected->count * sizeof *order);
            free(order);
        }
}

static void orders_are_those_of_numpy(void **state)
{
    (void)state;
    on_golden("metrics/inception_score.safetensors", compare_orders);
}

/* --- losses ------------------------------------------------------------------------------------------------------ */

static void compare_floats(const cv_store *golden, const char *name, const float *values)
{
    const cv_tensor *expected = check_tensor(golden, name);
    double largest = 0;

    for (size_t i = 0; i < expected->count; i++)
        largest = fmax(largest, fabs((double)((const float *)expected->data)[i]));
    for (size_t i = 0; i < expected->count; i++)
        if (!(fabs((double)(values[i] - ((const float *)expected->data)[i])) <= 2e-6 * largest))
            fail_msg("%s: value %zu is %.8g, not %.8g", name, i, (double)values[i],
                     (double)((const float *)expected->data)[i]);
}

static void compare_contrastive(const cv_store *golden)
{
    const cv_tensor *image = check_tensor(golden, "nce.image");
    const int rows = (int)image->shape[0], width = (int)image->shape[1];
    cv_contrastive pairs = { .image = image->data,
                             .text = check_f32(golden, "nce.text"),
                             .rows = rows,
                             .width = width,
                             .logit_scale = *check_f32(golden, "nce.logit_scale") };
    float *d_image = calloc(image->count, sizeof *d_image), *d_text = calloc(image->count, sizeof *d_text);
    float d_scale = 0, loss;
    const cv_contrastive_gradients gradients = { d_image, d_text, &d_scale };
    cogvideo_error err;
    cv_arena arena = { 0 };

    cv_contrastive_loss(&pairs, &gradients, &arena);
    CHECK_OK(cv_arena_create(&arena, arena.peak, &err), err);
    loss = (float)cv_contrastive_loss(&pairs, &gradients, &arena);
    compare_floats(golden, "nce.loss", &loss);
    compare_floats(golden, "nce.d_image", d_image);
    compare_floats(golden, "nce.d_text", d_text);
    compare_floats(golden, "nce.d_logit_scale", &d_scale);
    pairs.group = check_i32(golden, "nce_shared.group");
    loss = (float)cv_contrastive_loss(&pairs, &gradients, &arena);
    compare_floats(golden, "nce_shared.loss", &loss);
    compare_floats(golden, "nce_shared.d_image", d_image);
    compare_floats(golden, "nce_shared.d_text", d_text);
    cv_arena_free(&arena);
    free(d_image);
    free(d_text);
}

static void compare_heads(const cv_store *golden)
{
    static const int sizes[] = { 2, 8, 4, 10, 3 }; /* size, colour, shape, motion, background */
    const cv_tensor *golden_logits = check_tensor(golden, "heads.logits");
    cv_exec exec = { .threads = 2 };
    float *logits = calloc(golden_logits->count, sizeof *logits), means[5];
    double losses[5];
    cogvideo_error err;
    cv_arena arena;

    memcpy(logits, golden_logits->data, golden_logits->count * sizeof *logits);
    CHECK_OK(cv_arena_create(&arena, 1 << 16, &err), err);
    cv_cross_entropy_heads(&exec, logits, losses, check_i32(golden, "heads.labels"), sizes, 5,
                           (int)golden_logits->shape[0], &arena);
    for (int h = 0; h < 5; h++)
        means[h] = (float)losses[h];
    compare_floats(golden, "heads.losses", means);
    compare_floats(golden, "heads.d_logits", logits);
    cv_arena_free(&arena);
    free(logits);
}

static void losses_are_those_of_the_original(void **state)
{
    (void)state;
    on_golden("metrics/loss.safetensors", compare_contrastive);
    on_golden("metrics/loss.safetensors", compare_heads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_resized_as_by_the_originals),
        cmocka_unit_test(distances_are_those_of_the_originals),
        cmocka_unit_test(eigenvalues_are_those_of_the_original),
        cmocka_unit_test(scores_are_those_of_the_originals),
        cmocka_unit_test(orders_are_those_of_numpy),
        cmocka_unit_test(losses_are_those_of_the_original),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
