/* cvivit_train.c - the gradients of a C-ViViT over a batch of clips: patches, encoder, quantizer with a
 * straight-through gradient, decoder. Differences of pixels are taken patch by patch. */
#include "family/phenaki/network/cvivit_network.h"
#include "family/phenaki/network/quantizer_train.h"

#include <string.h>

enum { ENC_SPATIAL, ENC_TEMPORAL, DEC_TEMPORAL, DEC_SPATIAL, STACKS };

/* The patches of all clips' first latent frames, or of the others; [rows][numbers], and tokens [rows][C]. */
typedef struct patch_tape {
    float *raw, *normed; /* as gathered, and behind the first norm */
    float *projected;    /* before the second norm */
    float *made;         /* patches that the decoder makes; then their gradients */
    float *tokens;       /* gradients of tokens */
} patch_tape;

struct cv_cvivit_learner {
    const cv_exec *exec;
    cv_cvivit_learning options;
    cv_cvivit *network, *grads;
    cv_cvivit_box box; /* of the batch at hand */
    bool plain;        /* the decoder gets what is compared in place of codes' vectors */
    cv_arena arena;
    size_t bytes; /* of the arena */
    /* of a run; rows of tokens lie in the order time, row, column */
    cv_blocks_pass passes[STACKS];
    float *bias, *dbias; /* [heads][h w][h w] */
    patch_tape patches[2];
    float *x, *turned;   /* [rows][C] */
    float *z;            /* [rows][C]: what the encoder gave */
    float *y, *vectors;  /* [rows][code_width]: what is compared, and the vectors of the codes */
    float *dy, *through; /* [rows][code_width]: gradients of y, and of the vectors */
    int32_t *codes;      /* [rows] */
    bool *true_rows;     /* [rows] */
    double *squares;     /* [rows]: of the differences of each patch */
    float *compared;     /* [true rows][code_width]: for the codebook */
    int32_t *true_codes; /* [true rows] */
    int true_count;
};

/* --- memory ------------------------------------------------------------------------------------------------------- */

static size_t plane_of(const cv_cvivit_learner *l)
{
    return (size_t)l->box.h * (size_t)l->box.w;
}

/* Rows of first latent frames, or of others, of one clip. */
static size_t patch_rows(const cv_cvivit_learner *l, bool first)
{
    return plane_of(l) * (first ? 1 : (size_t)(l->box.T - 1));
}

static float *take(cv_arena *arena, size_t rows, int width)
{
    return cv_arena_take(arena, rows, (size_t)width * sizeof(float));
}

static patch_tape take_patches(const cv_cvivit_learner *l, bool first, cv_arena *arena)
{
    const cv_cvivit_config *c = &l->network->config;
    const size_t rows = (size_t)l->box.batch * patch_rows(l, first);
    const int numbers = cv_patch_numbers(c, first);
    patch_tape tape = { .raw = take(arena, rows, numbers) };

    tape.normed = c->patch_norm ? take(arena, rows, numbers) : tape.raw;
    tape.projected = c->patch_norm ? take(arena, rows, c->width) : NULL;
    tape.made = take(arena, rows, numbers);
    tape.tokens = take(arena, rows, c->width);
    return tape;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* What the layers outside of the stacks take. */
static void reserve(const cv_cvivit_learner *l, cv_arena *arena)
{
    const cv_cvivit_config *c = &l->network->config;
    const int first = cv_patch_numbers(c, true), others = cv_patch_numbers(c, false),
              most = max(max(first, others), max(c->width, c->code_width));
    const size_t rows = cv_cvivit_rows(&l->box);

    cv_arena_reserve(arena, cv_linear_many_scratch(l->exec, most));
    cv_arena_reserve(arena, cv_linear_backward_scratch(l->exec, most));
    cv_arena_reserve(arena, cv_layer_norm_backward_scratch((int)rows, most));
    cv_arena_reserve(arena, cv_quantize_scratch(l->exec, l->network));
    cv_arena_reserve(arena, cv_lfq_losses_scratch(l->exec, c));
    cv_arena_reserve(arena, cv_position_bias_scratch(l->exec, &l->network->bias, 1, l->box.h, l->box.w));
}

static void take_run(cv_cvivit_learner *l, cv_arena *arena)
{
    const cv_cvivit_config *c = &l->network->config;
    const cv_blocks *const stacks[STACKS] = { &l->network->enc_spatial, &l->network->enc_temporal,
                                              &l->network->dec_temporal, &l->network->dec_spatial };
    const size_t rows = cv_cvivit_rows(&l->box), plane = plane_of(l);

    l->bias = cv_arena_take(arena, (size_t)c->heads * plane, plane * sizeof *l->bias);
    l->dbias = cv_arena_take(arena, (size_t)c->heads * plane, plane * sizeof *l->dbias);
    for (int i = 0; i < 2; i++)
        l->patches[i] = take_patches(l, i == 0, arena);
    l->x = take(arena, rows, c->width);
    l->turned = take(arena, rows, c->width);
    l->z = take(arena, rows, c->width);
    l->y = take(arena, rows, c->code_width);
    l->vectors = take(arena, rows, c->code_width);
    l->dy = take(arena, rows, c->code_width);
    l->through = take(arena, rows, c->code_width);
    l->compared = take(arena, rows, c->code_width);
    l->codes = cv_arena_take(arena, rows, sizeof *l->codes);
    l->true_codes = cv_arena_take(arena, rows, sizeof *l->true_codes);
    l->true_rows = cv_arena_take(arena, rows, sizeof *l->true_rows);
    l->squares = cv_arena_take(arena, rows, sizeof *l->squares);
    for (int i = 0; i < STACKS; i++) {
        l->passes[i] = cv_cvivit_pass(l->exec, l->network, stacks[i], &l->box, l->bias);
        if (i == ENC_SPATIAL || i == DEC_SPATIAL)
            l->passes[i].bias = l->bias;
        l->passes[i].training = true;
        cv_blocks_pass_take(&l->passes[i], arena);
    }
    reserve(l, arena);
}

/* A stack's reserves come before what the next one takes, so the memory behind all of them must hold the largest. */
static size_t measure(cv_cvivit_learner *l)
{
    cv_arena taken = { 0 };
    size_t most = 0;

    take_run(l, &taken);
    for (int i = 0; i < STACKS; i++) {
        cv_arena one = { 0 };
        cv_blocks_pass pass = l->passes[i];

        cv_blocks_pass_take(&pass, &one);
        most = one.peak - one.used > most ? one.peak - one.used : most;
    }
    return (taken.used + most > taken.peak ? taken.used + most : taken.peak) + 4096;
}

cogvideo_status cv_cvivit_learner_open(cv_cvivit_learner **out, const cv_exec *exec, cv_store *weights,
                                       cv_store *gradients, const cv_cvivit_config *config,
                                       const cv_cvivit_learning *options, cogvideo_error *err)
{
    cogvideo_status status;
    cv_cvivit_learner *l;

    CV_NEW(l, 1, err);
    l->exec = exec;
    l->options = *options;
    l->box = options->box;
    status = cv_cvivit_open(&l->network, config, weights, err);
    if (status == COGVIDEO_OK)
        status = cv_cvivit_open(&l->grads, config, gradients, err);
    if (status == COGVIDEO_OK) {
        l->bytes = measure(l);
        status = cv_arena_create(&l->arena, l->bytes, err);
    }
    if (status != COGVIDEO_OK)
        cv_cvivit_learner_close(&l);
    else
        *out = l;
done:
    return status;
}

void cv_cvivit_learner_close(cv_cvivit_learner **learner)
{
    cv_cvivit_learner *l = *learner;

    if (!l)
        return;
    cv_arena_free(&l->arena);
    cv_cvivit_close(&l->network);
    cv_cvivit_close(&l->grads);
    cv_free(l);
    *learner = NULL;
}

size_t cv_cvivit_learner_bytes(const cv_cvivit_learner *learner)
{
    return learner->bytes;
}

/* --- there -------------------------------------------------------------------------------------------------------- */

/* Tokens of a clip's first latent frame, or of its others, in what has [rows][C]. */
static float *tokens_of(const cv_cvivit_learner *l, float *x, int item, bool first)
{
    return x + ((size_t)item * (size_t)l->box.T + !first) * plane_of(l) * (size_t)l->network->config.width;
}

static void multiply(const cv_cvivit_learner *l, const cv_linear *linear, float *out, const float *x, size_t rows,
                     cv_arena *arena)
{
    cv_linear_many(l->exec, linear, out, (size_t)linear->weight.N, false, x, (size_t)linear->weight.K, (int)rows,
                   arena);
}

static void embed(cv_cvivit_learner *l, const float *pixels, bool first)
{
    const cv_cvivit_config *c = &l->network->config;
    const cv_patch_embedding *patch = &l->network->patches[!first];
    const patch_tape *tape = &l->patches[!first];
    const size_t rows = patch_rows(l, first), numbers = (size_t)cv_patch_numbers(c, first);

    for (int item = 0; item < l->box.batch && rows > 0; item++) {
        const size_t at = (size_t)item * rows;
        float *tokens = tokens_of(l, l->x, item, first),
              *projected = c->patch_norm ? tape->projected + at * (size_t)c->width : tokens;

        cv_patches_gather(c, &l->box, item, first, tape->raw + at * numbers, pixels);
        if (c->patch_norm)
            cv_layer_norm_apply(l->exec, &patch->before, tape->normed + at * numbers, tape->raw + at * numbers,
                                (int)rows);
        multiply(l, &patch->projection, projected, tape->normed + at * numbers, rows, &l->arena);
        if (c->patch_norm)
            cv_layer_norm_apply(l->exec, &patch->after, tokens, projected, (int)rows);
    }
}

static void turn(const cv_cvivit_learner *l, float *out, const float *x, bool back)
{
    cv_box_turn(l->exec, out, x, l->box.batch, l->box.T, l->box.h, l->box.w, l->network->config.width, back);
}

static void mark_true(cv_cvivit_learner *l, const int *true_T)
{
    const size_t plane = plane_of(l);
    size_t row = 0;

    for (int item = 0; item < l->box.batch; item++)
        for (int t = 0; t < l->box.T; t++)
            for (size_t i = 0; i < plane; i++)
                l->true_rows[row++] = !true_T || t < true_T[item];
}

/* From z in l->x to codes, and what the decoder gets in l->x; what is true of it goes to `compared`. */
static void quantize(cv_cvivit_learner *l)
{
    const cv_cvivit_config *c = &l->network->config;
    const size_t rows = cv_cvivit_rows(&l->box), C = (size_t)c->width, width = (size_t)c->code_width;

    memcpy(l->z, l->x, rows * C * sizeof *l->z);
    if (c->projected)
        multiply(l, &l->network->project_in, l->y, l->z, rows, &l->arena);
    else
        memcpy(l->y, l->z, rows * C * sizeof *l->y);
    cv_quantize_codes(l->exec, l->network, l->codes, NULL, l->y, rows, &l->arena);
    l->true_count = 0;
    for (size_t r = 0; r < rows; r++) {
        if (l->codes[r] < 0)
            l->codes[r] = 0; /* of what is no number any more; the loss tells */
        if (l->plain)
            cv_quantizer_compared(c, l->vectors + r * width, l->y + r * width);
        else
            cv_quantize_vector(l->network, l->vectors + r * width, l->codes[r]);
        if (!l->true_rows[r])
            continue;
        cv_quantizer_compared(c, l->compared + (size_t)l->true_count * width, l->y + r * width);
        l->true_codes[l->true_count++] = l->codes[r];
    }
    if (c->projected)
        multiply(l, &l->network->project_out, l->x, l->vectors, rows, &l->arena);
    else
        memcpy(l->x, l->vectors, rows * C * sizeof *l->x);
    for (size_t r = 0; r < rows && c->quantizer == CV_QUANTIZER_COSINE; r++)
        if (!l->true_rows[r])
            memcpy(l->x + r * C, l->z + r * C, C * sizeof *l->x);
}

/* Squared differences of a patch in pixels; `made` becomes the gradient of their sum times `scale`. */
static double compare_patch(const cv_cvivit_config *c, float *made, const float *raw, int numbers, double scale)
{
    double sum = 0;

    for (int channel = 0; channel < 3; channel++) {
        const float std = c->std[channel], back = (float)(2.0 * (double)std * scale);

        for (int i = 0; i < numbers / 3; i++) {
            const float d = (*made - *raw++) * std;

            sum += (double)d * (double)d;
            *made++ = d * back;
        }
    }
    return sum;
}

/* Squared differences of the patches made from tokens l->x, over true frames; `made` becomes the gradient of their
 * mean. */
static double compare(cv_cvivit_learner *l, bool first, double numbers_in_all)
{
    const cv_cvivit_config *c = &l->network->config;
    const patch_tape *tape = &l->patches[!first];
    const size_t rows = patch_rows(l, first), numbers = (size_t)cv_patch_numbers(c, first), plane = plane_of(l);
    double sum = 0;

    for (int item = 0; item < l->box.batch && rows > 0; item++) {
        float *made = tape->made + (size_t)item * rows * numbers;
        const float *raw = tape->raw + (size_t)item * rows * numbers;
        const bool *is_true = l->true_rows + ((size_t)item * (size_t)l->box.T + !first) * plane;

        multiply(l, &l->network->pixels[!first], made, tokens_of(l, l->x, item, first), rows, &l->arena);
#pragma omp parallel for num_threads(l->exec->threads) schedule(static)
        for (size_t r = 0; r < rows; r++) {
            float *patch = made + r * numbers;

            if (!is_true[r])
                memset(patch, 0, numbers * sizeof *patch);
            l->squares[r] =
                is_true[r] ? compare_patch(c, patch, raw + r * numbers, (int)numbers, 1 / numbers_in_all) : 0;
        }
        for (size_t r = 0; r < rows; r++)
            sum += l->squares[r];
    }
    return sum;
}

/* Numbers of pixels in true frames. */
static double true_numbers(const cv_cvivit_learner *l)
{
    const cv_cvivit_config *c = &l->network->config;
    const size_t plane = plane_of(l);
    double sum = 0;

    for (size_t r = 0; r < cv_cvivit_rows(&l->box); r += plane)
        if (l->true_rows[r])
            sum += (double)plane * cv_patch_numbers(c, r / plane % (size_t)l->box.T == 0);
    return sum;
}

static void forward(cv_cvivit_learner *l, cv_cvivit_losses *losses, const float *pixels, int T, const int *true_T)
{
    double numbers, squares;

    cv_arena_rewind(&l->arena, 0);
    l->box = l->options.box;
    l->box.T = T;
    take_run(l, &l->arena);
    mark_true(l, true_T);
    numbers = true_numbers(l);
    cv_position_bias_apply(l->exec, &l->network->bias, l->bias, 1, l->box.h, l->box.w, &l->arena);
    embed(l, pixels, true);
    embed(l, pixels, false);
    cv_blocks_pass_run(&l->passes[ENC_SPATIAL], l->x, &l->arena);
    turn(l, l->turned, l->x, false);
    cv_blocks_pass_run(&l->passes[ENC_TEMPORAL], l->turned, &l->arena);
    turn(l, l->x, l->turned, true);
    quantize(l);
    turn(l, l->turned, l->x, false);
    cv_blocks_pass_run(&l->passes[DEC_TEMPORAL], l->turned, &l->arena);
    turn(l, l->x, l->turned, true);
    cv_blocks_pass_run(&l->passes[DEC_SPATIAL], l->x, &l->arena);
    squares = compare(l, true, numbers);
    squares += compare(l, false, numbers);
    losses->reconstruction = squares / numbers;
    losses->auxiliary = 0;
    if (l->plain)
        memset(l->dy, 0, cv_cvivit_rows(&l->box) * (size_t)l->network->config.code_width * sizeof *l->dy);
    else
        losses->auxiliary = cv_quantizer_losses(l->exec, l->network, &l->options, l->y, l->vectors, l->true_rows,
                                                cv_cvivit_rows(&l->box), l->dy, &l->arena);
    losses->loss = losses->reconstruction + losses->auxiliary;
}

/* --- back --------------------------------------------------------------------------------------------------------- */

static void multiply_backward(const cv_cvivit_learner *l, const cv_linear *linear, const cv_linear *grad, float *dx,
                              bool add, const float *dy, const float *x, size_t rows, cv_arena *arena)
{
    const size_t N = (size_t)linear->weight.N, K = (size_t)linear->weight.K;

    cv_linear_backward(l->exec, linear, grad, dx, K, add, dy, N, x, K, (int)rows, arena);
}

/* From the gradients of patches to those of tokens, in dx; l->x holds the tokens. */
static void pixels_backward(cv_cvivit_learner *l, float *dx, bool first)
{
    const patch_tape *tape = &l->patches[!first];
    const size_t rows = patch_rows(l, first), numbers = (size_t)cv_patch_numbers(&l->network->config, first);

    for (int item = 0; item < l->box.batch && rows > 0; item++)
        multiply_backward(l, &l->network->pixels[!first], &l->grads->pixels[!first], tokens_of(l, dx, item, first),
                          false, tape->made + (size_t)item * rows * numbers, tokens_of(l, l->x, item, first), rows,
                          &l->arena);
}

/* From dx, the gradients of what the decoder got, to those of the vectors, in `through`. Rows that are not true were
 * not quantized by angle: theirs pass by, in `kept` [rows][C]. */
static void vectors_backward(cv_cvivit_learner *l, float *dx, float *kept)
{
    const cv_cvivit_config *c = &l->network->config;
    const size_t rows = cv_cvivit_rows(&l->box), C = (size_t)c->width;

    memset(kept, 0, rows * C * sizeof *kept);
    for (size_t r = 0; r < rows && c->quantizer == CV_QUANTIZER_COSINE; r++)
        if (!l->true_rows[r]) {
            memcpy(kept + r * C, dx + r * C, C * sizeof *dx);
            memset(dx + r * C, 0, C * sizeof *dx);
        }
    if (c->projected)
        multiply_backward(l, &l->network->project_out, &l->grads->project_out, l->through, false, dx, l->vectors, rows,
                          &l->arena);
    else
        memcpy(l->through, dx, rows * C * sizeof *dx);
}

/* From there to those of z, in dx: what is compared gets the gradients of the vectors as they are. */
static void compared_backward(cv_cvivit_learner *l, float *dx, const float *kept)
{
    const cv_cvivit_config *c = &l->network->config;
    const size_t rows = cv_cvivit_rows(&l->box), C = (size_t)c->width;

    cv_quantizer_backward(c, l->dy, l->through, l->y, rows);
    if (c->projected)
        multiply_backward(l, &l->network->project_in, &l->grads->project_in, dx, false, l->dy, l->z, rows, &l->arena);
    else
        memcpy(dx, l->dy, rows * C * sizeof *dx);
    for (size_t i = 0; i < rows * C; i++)
        dx[i] += kept[i];
}

static void embed_backward(cv_cvivit_learner *l, float *dx, bool first)
{
    const cv_cvivit_config *c = &l->network->config;
    const cv_patch_embedding *patch = &l->network->patches[!first], *grad = &l->grads->patches[!first];
    const patch_tape *tape = &l->patches[!first];
    const size_t rows = patch_rows(l, first), numbers = (size_t)cv_patch_numbers(c, first), C = (size_t)c->width;

    for (int item = 0; item < l->box.batch && rows > 0; item++) {
        const size_t at = (size_t)item * rows;
        float *tokens = tokens_of(l, dx, item, first), *dnormed = tape->made + at * numbers;

        if (c->patch_norm)
            cv_layer_norm_backward(l->exec, &patch->after, &grad->after, tokens, false, tokens,
                                   tape->projected + at * C, (int)rows, &l->arena);
        multiply_backward(l, &patch->projection, &grad->projection, c->patch_norm ? dnormed : NULL, false, tokens,
                          tape->normed + at * numbers, rows, &l->arena);
        if (c->patch_norm)
            cv_layer_norm_backward(l->exec, &patch->before, &grad->before, NULL, false, dnormed,
                                   tape->raw + at * numbers, (int)rows, &l->arena);
    }
}

static void stack_backward(cv_cvivit_learner *l, int stack, float *dx)
{
    const cv_blocks *const grads[STACKS] = { &l->grads->enc_spatial, &l->grads->enc_temporal, &l->grads->dec_temporal,
                                             &l->grads->dec_spatial };
    const bool space = stack == ENC_SPATIAL || stack == DEC_SPATIAL;
    const cv_blocks_grad grad = { grads[stack], space ? l->dbias : NULL, NULL };

    cv_blocks_pass_backward(&l->passes[stack], &grad, dx, &l->arena);
}

static void decoder_backward(cv_cvivit_learner *l)
{
    pixels_backward(l, l->turned, true);
    pixels_backward(l, l->turned, false);
    stack_backward(l, DEC_SPATIAL, l->turned);
    turn(l, l->x, l->turned, false);
    stack_backward(l, DEC_TEMPORAL, l->x);
    turn(l, l->turned, l->x, true);
    vectors_backward(l, l->turned, l->x);
}

static void encoder_backward(cv_cvivit_learner *l)
{
    compared_backward(l, l->turned, l->x);
    turn(l, l->x, l->turned, false);
    stack_backward(l, ENC_TEMPORAL, l->x);
    turn(l, l->turned, l->x, true);
    stack_backward(l, ENC_SPATIAL, l->turned);
    embed_backward(l, l->turned, true);
    embed_backward(l, l->turned, false);
}

static void backward(cv_cvivit_learner *l)
{
    const cv_cvivit_config *c = &l->network->config;

    memset(l->dbias, 0, (size_t)c->heads * plane_of(l) * plane_of(l) * sizeof *l->dbias);
    decoder_backward(l);
    if (l->options.decoder_only)
        return;
    encoder_backward(l);
    cv_position_bias_backward(l->exec, &l->network->bias, &l->grads->bias, l->dbias, 1, l->box.h, l->box.w, &l->arena);
}

void cv_cvivit_learner_quantize(cv_cvivit_learner *learner, bool quantize)
{
    learner->plain = !quantize;
}

void cv_cvivit_learner_run(cv_cvivit_learner *learner, cv_cvivit_losses *losses, const float *pixels, int T,
                           const int *true_T)
{
    forward(learner, losses, pixels, T, true_T);
    backward(learner);
}

void cv_cvivit_learner_measure(cv_cvivit_learner *learner, cv_cvivit_losses *losses, const float *pixels, int T,
                               const int *true_T)
{
    forward(learner, losses, pixels, T, true_T);
}

const float *cv_cvivit_learner_vectors(const cv_cvivit_learner *learner)
{
    return learner->compared;
}

const int32_t *cv_cvivit_learner_codes(const cv_cvivit_learner *learner)
{
    return learner->true_codes;
}

int cv_cvivit_learner_rows(const cv_cvivit_learner *learner)
{
    return learner->true_count;
}
