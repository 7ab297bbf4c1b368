/* Losses and gradients of C-ViViT against the original code, and the averages of its codebook. */
#include "support/phenaki_golden.h"
#include "support/phenaki_seeded.h"

#include "nn/blas.h"
#include "train/codebook.h"

#include <unistd.h>

typedef struct fixture {
    cv_store *golden, *weights, *gradients;
    cv_cvivit_config config;
    cv_cvivit_learner *learner;
    cv_cvivit_learning options;
    cv_exec exec;
    int seed;
} fixture;

static bool open_fixture(fixture *f, const char *name, double beta, int threads)
{
    char path[64];
    const char *full;
    cogvideo_error err;
    cv_json *network;
    int image[2];

    snprintf(path, sizeof path, "phenaki/train/%s.safetensors", name);
    full = check_golden(path);
    if (!full && access(check_data(path), R_OK) == 0) /* the small ones */
        full = check_data(path);
    if (!full)
        return false;
    *f = (fixture){ .exec = { .threads = threads } };
    check_kernels(&f->exec.kernels);
    CHECK_OK(cv_store_open(&f->golden, full, &err), err);
    network = phenaki_metadata(f->golden, cv_store_metadata(f->golden, "network") ? "network" : "run");
    f->config = phenaki_cvivit_config(network);
    phenaki_pair(network, "image", image);
    f->options = (cv_cvivit_learning){
        .box = { phenaki_number(network, "B"), 1 + (phenaki_number(network, "F") - 1) / f->config.patch_frames,
                 image[0] / f->config.patch_height, image[1] / f->config.patch_width },
        .commitment = beta,
        .entropy = 0.1,
    };
    f->seed = phenaki_number(network, "seed");
    f->weights = phenaki_seeded_store(phenaki_bind_cvivit, &f->config, f->seed);
    CHECK_OK(cv_store_create_like(&f->gradients, "gradients", f->weights, &err), err);
    cv_json_free(&network);
    CHECK_OK(cv_cvivit_learner_open(&f->learner, &f->exec, f->weights, f->gradients, &f->config, &f->options, &err),
             err);
    return true;
}

static void close_fixture(fixture *f)
{
    cv_cvivit_learner_close(&f->learner);
    cv_store_close(&f->gradients);
    cv_store_close(&f->weights);
    cv_store_close(&f->golden);
}

static void run(fixture *f, cv_cvivit_losses *losses)
{
    const cv_tensor *video = check_tensor(f->golden, "video.u8"), *mask = cv_store_find(f->golden, "frame_mask");
    const uint8_t *bytes = video->data;
    int true_T[8] = { 0 };
    cogvideo_error err;
    float *pixels = cv_alloc(video->count, sizeof *pixels, &err);

    assert_non_null(pixels);
    for (size_t i = 0; i < video->count; i++)
        pixels[i] = (float)bytes[i] / 255.0f;
    for (int b = 0; b < f->options.box.batch; b++) {
        int frames = 0;

        for (size_t i = 0; mask && i < mask->shape[1]; i++)
            frames += ((const uint8_t *)mask->data)[(size_t)b * mask->shape[1] + i];
        true_T[b] = mask ? 1 + (frames - 1) / f->config.patch_frames : f->options.box.T;
    }
    cv_cvivit_learner_run(f->learner, losses, pixels, f->options.box.T, true_T);
    cv_free(pixels);
}

static double number_of(const fixture *f, const char *name)
{
    return (double)*(const float *)check_tensor(f->golden, name)->data;
}

static void check_loss(const char *name, double expected, double found)
{
    print_message("%s: %.8g, off by %.2g of it\n", name, found, fabs(found - expected) / expected);
    if (!(fabs(found - expected) <= 1e-5 * fabs(expected)))
        fail_msg("%s is %.9g, %.9g was expected", name, found, expected);
}

static double norm_of(const cv_tensor *tensor)
{
    const float *values = tensor->data;
    double sum = 0;

    for (size_t i = 0; i < tensor->count; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

static bool ends_in(const char *name, const char *end)
{
    return strlen(name) >= strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

static void check_gradients(const fixture *f)
{
    const float *norms = check_tensor(f->golden, "grad_norms")->data;
    double worst = 0;
    size_t at = 0;
    cv_json *names = phenaki_metadata(f->golden, "grad_names");

    for (const cv_json *item = cv_json_first(names); item; item = cv_json_next(item), at++) {
        const char *name = cv_json_text(item);
        const cv_tensor *own = cv_store_find(f->gradients, name), *whole;
        const double expected = (double)norms[at];
        char golden[160];

        if (strstr(name, "context_norm") || strstr(name, "null_kv") || ends_in(name, "net.2.bias"))
            continue; /* never used, without an element, or 0 but for rounding */
        if (!own)
            fail_msg("%s: there is no such gradient", name);
        worst = fmax(worst, fabs(norm_of(own) - expected) / expected);
        if (!(fabs(norm_of(own) - expected) <= 1e-3 * expected))
            fail_msg("%s: the gradient's norm is %.7g, not %.7g", name, norm_of(own), expected);
        snprintf(golden, sizeof golden, "grad.%s", name);
        if ((whole = cv_store_find(f->golden, golden)) != NULL)
            for (size_t i = 0; i < whole->count; i++)
                if (!(fabsf(((const float *)own->data)[i] - ((const float *)whole->data)[i]) <=
                      1e-3f * (float)expected))
                    fail_msg("%s: number %zu is %g, not %g", golden, i, (double)((const float *)own->data)[i],
                             (double)((const float *)whole->data)[i]);
    }
    print_message("%zu gradients: norms off by %.2g at most\n", at, worst);
    cv_json_free(&names);
}

static void check_codes(const fixture *f)
{
    const cv_tensor *codes = check_tensor(f->golden, "codes");
    const int32_t *own = cv_cvivit_learner_codes(f->learner);

    if (cv_cvivit_learner_rows(f->learner) == (int)codes->count)
        assert_memory_equal(own, codes->data, codes->count * sizeof *own);
    else
        assert_true(cv_cvivit_learner_rows(f->learner) < (int)codes->count);
}

static const struct {
    const char *name;
    double beta;
} cases[] = { { "lfq", 0.25 }, { "obvious", 0.25 }, { "own", 0.25 }, { "cosine-masked", 1 } };

static void gradients_are_the_original_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        cv_cvivit_losses losses;

        if (!open_fixture(&f, cases[i].name, cases[i].beta, 2))
            continue;
        print_message("%s\n", cases[i].name);
        run(&f, &losses);
        check_loss("reconstruction", number_of(&f, "loss.reconstruction"), losses.reconstruction);
        check_loss("auxiliary", number_of(&f, "loss.aux"), losses.auxiliary);
        check_loss("total", number_of(&f, "loss.total"), losses.loss);
        check_codes(&f);
        check_gradients(&f);
        close_fixture(&f);
    }
}

/* Numbers that are off by at most 1e-6 of the largest. */
static void check_average(const fixture *f, const char *name, const float *values)
{
    const cv_tensor *expected = check_tensor(f->golden, name);
    const float *numbers = expected->data;
    double most = 0, worst = 0;

    for (size_t i = 0; i < expected->count; i++) {
        most = fmax(most, fabs((double)numbers[i]));
        worst = fmax(worst, fabs((double)numbers[i] - (double)values[i]));
    }
    print_message("%s: off by %.2g of its largest number\n", name, worst / most);
    if (!(worst <= 1e-5 * most))
        fail_msg("%s: off by %.3g of %.3g", name, worst, most);
}

static void codebooks_average_as_the_original_ones(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof cases / sizeof *cases; i++) {
        const cv_codebook_options options = { .decay = 0.8 };
        float sizes[128], sums[128 * 32];
        double away[256];
        cv_cvivit_losses losses;
        cv_codebook codebook;
        fixture f;

        if (!open_fixture(&f, cases[i].name, cases[i].beta, 2))
            continue;
        print_message("%s\n", cases[i].name);
        codebook = (cv_codebook){ cv_tensor_values(cv_store_find(f.weights, "vq._codebook.embed")),
                                  sizes,
                                  sums,
                                  f.config.codes,
                                  f.config.code_width,
                                  true };
        assert_true(codebook.codes <= 128 && codebook.latent <= 32);
        phenaki_seeded_values(f.seed, "vq._codebook.cluster_size", 2, (const size_t[]){ 1, (size_t)codebook.codes }, 0,
                              (size_t)codebook.codes, sizes);
        phenaki_seeded_values(f.seed, "vq._codebook.embed_avg", 3,
                              (const size_t[]){ 1, (size_t)codebook.codes, (size_t)codebook.latent }, 0,
                              (size_t)(codebook.codes * codebook.latent), sums);
        run(&f, &losses);
        cv_codebook_update(&codebook, &options, 0, cv_cvivit_learner_vectors(f.learner),
                           cv_cvivit_learner_codes(f.learner), cv_cvivit_learner_rows(f.learner), away);
        check_average(&f, "after.cluster_size", sizes);
        check_average(&f, "after.embed_avg", sums);
        check_average(&f, "after.embed", codebook.vectors);
        close_fixture(&f);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture one, two;
        cv_cvivit_losses losses;

        if (!open_fixture(&one, cases[i].name, cases[i].beta, 1) ||
            !open_fixture(&two, cases[i].name, cases[i].beta, 2))
            continue;
        run(&one, &losses);
        run(&two, &losses);
        for (size_t t = 0; t < cv_store_count(one.gradients); t++) {
            const cv_tensor *a = cv_store_at(one.gradients, t), *b = cv_store_at(two.gradients, t);

            assert_memory_equal(a->data, b->data, a->count * sizeof(float));
        }
        close_fixture(&one);
        close_fixture(&two);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_original_ones),
        cmocka_unit_test(codebooks_average_as_the_original_ones),
        cmocka_unit_test(threads_change_nothing),
    };

    cv_blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
