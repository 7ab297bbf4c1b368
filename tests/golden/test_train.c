/* Training against the original: losses place by place, the loss, and the gradient norm of every parameter of both
 * stages, trunk included; some gradients element by element. */
#include "support/check.h"
#include "support/gradients.h"
#include "support/networks.h"

#include "family/cogvideo/network/train.h"
#include "nn/blas.h"

#define FRAMES 5

typedef struct network {
    cv_store *trunk, *own;
    cv_trunk bound_trunk;
    cv_stage stage;
} network;

static const cv_cogvideo_config geometries[2] = {
    { 4, 64, 4, 256, 1600, 1024, 1526, 8, 4, FRAMES, 64, 1024, 320, 512, false, 1e-5 },
    { 4, 64, 4, 256, 20512, 20000, 20502, 20, 10, FRAMES, 64, 1024, 2000, 512, false, 1e-5 },
};

static void bind(network *net, const cv_cogvideo_config *config, int stage)
{
    cogvideo_error err;

    CHECK_OK(cv_trunk_bind(&net->bound_trunk, net->trunk, config->layers, config->hidden, config->mlp,
                           config->vocabulary, config->positions, (float)config->norm_epsilon, &err),
             err);
    CHECK_OK(cv_stage_bind(&net->stage, stage == 2 ? CV_STAGE_INTERPOLATE : CV_STAGE_SEQUENTIAL, config,
                           &net->bound_trunk, net->own, &err),
             err);
}

/* Stores in memory with the tensors of a list, filled with their seeded values or left at zero. */
static cv_store *make_store(seeded_list *list, bool fill)
{
    cogvideo_error err;
    cv_store *store = NULL;
    cv_tensor *tensors = calloc(list->count, sizeof *tensors);

    for (size_t i = 0; i < list->count; i++) {
        tensors[i] = (cv_tensor){ .name = list->tensors[i].name, .rank = list->tensors[i].rank, .count = 1 };
        memcpy(tensors[i].shape, list->tensors[i].shape, sizeof list->tensors[i].shape);
        for (int d = 0; d < tensors[i].rank; d++)
            tensors[i].count *= tensors[i].shape[d];
    }
    CHECK_OK(cv_store_create(&store, "memory", tensors, list->count, &err), err);
    for (size_t i = 0; fill && i < list->count; i++) {
        const cv_tensor *tensor = cv_store_find(store, list->tensors[i].name);

        for (size_t e = 0; e < tensor->count; e++)
            cv_tensor_values(tensor)[e] = seeded_value(&list->tensors[i], e);
    }
    free(tensors);
    return store;
}

static void open_network(network *net, const cv_cogvideo_config *config, int seed, int stage, bool fill)
{
    seeded_list list = { 0 };

    networks_trunk(&list, seed, config->layers, config->hidden, config->vocabulary, config->positions);
    net->trunk = make_store(&list, fill);
    seeded_list_free(&list);
    networks_stage(&list, seed + stage - 1, config->layers, config->hidden, config->extra_positions);
    net->own = make_store(&list, fill);
    seeded_list_free(&list);
    bind(net, config, stage);
}

static void close_network(network *net)
{
    cv_stage_close(&net->stage);
    cv_trunk_close(&net->bound_trunk);
    cv_store_close(&net->trunk);
    cv_store_close(&net->own);
}

/* The rows of the golden: pads, text, <start_of_image>, codes in time order; into sequences in slot order. */
static void read_rows(cv_train_sequence *sequences, int32_t *codes, const cv_store *golden, int stage, int L)
{
    const cv_tensor *rows = check_tensor(golden, "rows");
    const int32_t *text_len = check_i32(golden, "text_len");

    for (size_t b = 0; b < rows->shape[0]; b++) {
        const int32_t *row = (const int32_t *)rows->data + b * rows->shape[1], *from = row + 65;
        int32_t *to = codes + b * (size_t)(FRAMES * L);

        for (int slot = 0; slot < FRAMES; slot++) {
            int time = stage == 1 ? slot : slot < 3 ? 2 * slot : 2 * (slot - 3) + 1;

            memcpy(to + slot * L, from + time * L, (size_t)L * sizeof *to);
        }
        sequences[b] = (cv_train_sequence){ .text = row + 64 - text_len[b], .text_count = text_len[b], .codes = to };
    }
}

static void check_stage(int large, int stage)
{
    const cv_cogvideo_config *config = &geometries[large];
    int L = cv_cogvideo_places(config);
    char name[60];
    cogvideo_error err;
    cv_store *golden = NULL;
    network weights, grads;
    cv_train_sequence sequences[2];
    int32_t *codes = malloc((size_t)(2 * FRAMES * L) * sizeof *codes);
    float *ce = malloc((size_t)(2 * FRAMES * L) * sizeof *ce);
    const float *wanted;
    cv_exec exec = { .threads = 2 };
    cv_train_batch batch = { .sequences = sequences,
                             .count = 2,
                             .slots = FRAMES,
                             .given = stage == 1 ? 1 : 3,
                             .plus = true };
    cv_arena arena = { 0 };
    double loss, worst = 0;
    void *memory;

    cv_blas_init();
    check_kernels(&exec.kernels);
    snprintf(name, sizeof name, large ? "train/stage%d.safetensors" : "small/train/stage%d.safetensors", stage);
    CHECK_OK(cv_store_open(&golden, check_data(name), &err), err);
    open_network(&weights, config, large ? 11 : 71, stage, true);
    open_network(&grads, config, large ? 11 : 71, stage, false);
    read_rows(sequences, codes, golden, stage, L);
    cv_stage_train(&exec, &weights.stage, &grads.stage, &batch, ce, &arena);
    memory = cv_alloc(arena.peak, 1, &err);
    assert_non_null(memory);
    arena = cv_arena_over(memory, arena.peak);
    loss = cv_stage_train(&exec, &weights.stage, &grads.stage, &batch, ce, &arena);
    print_message("    loss %.7f, %.7f in the golden; %zu MB\n", loss,
                  *(const double *)check_tensor(golden, "loss")->data, arena.peak >> 20);
    CHECK_CLOSE(loss, *(const double *)check_tensor(golden, "loss")->data, 1e-5);
    wanted = check_f32(golden, "ce");
    for (int b = 0; b < 2; b++)
        for (int slot = 0; slot < FRAMES; slot++) {
            int time = stage == 1 ? slot : slot < 3 ? 2 * slot : 2 * (slot - 3) + 1;

            for (int i = 0; i < L; i++)
                worst = fmax(worst, fabs((double)ce[(b * FRAMES + slot) * L + i] -
                                         (double)wanted[(b * FRAMES + time) * L + i]));
        }
    print_message("    cross-entropies within %.1e\n", worst);
    assert_true(worst < 2e-3);
    assert_true(gradients_check((const cv_store *[]){ grads.trunk, grads.own }, 2, golden, "") > 80);
    free(codes);
    free(ce);
    cv_free(memory);
    close_network(&weights);
    close_network(&grads);
    cv_store_close(&golden);
}

static void small_stage1(void **state)
{
    (void)state;
    check_stage(0, 1);
}
static void small_stage2(void **state)
{
    (void)state;
    check_stage(0, 2);
}
static void large_stage1(void **state)
{
    (void)state;
    check_stage(1, 1);
}
static void large_stage2(void **state)
{
    (void)state;
    check_stage(1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_stage1),
        cmocka_unit_test(small_stage2),
        cmocka_unit_test(large_stage1),
        cmocka_unit_test(large_stage2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
