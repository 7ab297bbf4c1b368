#include "family/phenaki/network/cvivit_network.h"

#include <stdio.h>
#include <string.h>

/* --- binding ------------------------------------------------------------------------------------------------------ */

static cogvideo_status bind_patches(cv_cvivit *n, cv_store *store, bool first, cogvideo_error *err)
{
    const char *base = first ? "to_patch_emb_first_frame" : "to_patch_emb";
    const int numbers = cv_patch_numbers(&n->config, first), C = n->config.width;
    cv_patch_embedding *out = &n->patches[!first];
    cogvideo_status status;
    char name[64];

    if (n->config.patch_norm) {
        snprintf(name, sizeof name, "%s.1", base);
        CV_TRY(cv_layer_norm_bind(&out->before, store, name, numbers, CV_BLOCKS_EPSILON, err));
        snprintf(name, sizeof name, "%s.3", base);
        CV_TRY(cv_layer_norm_bind(&out->after, store, name, C, CV_BLOCKS_EPSILON, err));
    }
    snprintf(name, sizeof name, "%s.%d", base, n->config.patch_norm ? 2 : 1);
    CV_TRY(cv_linear_bind(&out->projection, store, name, C, numbers, true, err));
    CV_TRY(cv_linear_bind(&n->pixels[!first], store, first ? "to_pixels_first_frame.0" : "to_pixels.0", numbers, C,
                          true, err));
done:
    return status;
}

static cogvideo_status bind_stacks(cv_cvivit *n, cv_store *store, cogvideo_error *err)
{
    const cv_cvivit_config *c = &n->config;
    const cv_blocks_config space = { .layers = c->spatial_layers,
                                     .width = c->width,
                                     .heads = c->heads,
                                     .head_width = c->head_width,
                                     .inner = cv_blocks_inner(c->width),
                                     .peg = c->spatial_peg,
                                     .peg_causal = c->peg_causal,
                                     .cosine = c->cosine };
    cv_blocks_config time = space;
    cogvideo_status status;

    time.layers = c->temporal_layers;
    time.peg = c->temporal_peg;
    time.causal = c->causal;
    CV_TRY(cv_blocks_bind(&n->enc_spatial, &space, store, "enc_spatial_transformer.", err));
    CV_TRY(cv_blocks_bind(&n->enc_temporal, &time, store, "enc_temporal_transformer.", err));
    CV_TRY(cv_blocks_bind(&n->dec_temporal, &time, store, "dec_temporal_transformer.", err));
    CV_TRY(cv_blocks_bind(&n->dec_spatial, &space, store, "dec_spatial_transformer.", err));
done:
    return status;
}

static cogvideo_status bind(cv_cvivit *n, cv_store *store, cogvideo_error *err)
{
    const cv_cvivit_config *c = &n->config;
    const size_t codebook[] = { 1, (size_t)c->codes, (size_t)c->code_width };
    cogvideo_status status;

    CV_TRY(bind_patches(n, store, true, err));
    CV_TRY(bind_patches(n, store, false, err));
    CV_TRY(cv_position_bias_bind(&n->bias, store, "spatial_rel_pos_bias.", 2, c->width, c->heads, err));
    CV_TRY(bind_stacks(n, store, err));
    if (c->projected) {
        CV_TRY(cv_linear_bind(&n->project_in, store, "vq.project_in", c->code_width, c->width, true, err));
        CV_TRY(cv_linear_bind(&n->project_out, store, "vq.project_out", c->width, c->code_width, true, err));
    }
    if (c->quantizer == CV_QUANTIZER_COSINE)
        CV_TRY(cv_store_claim_numbers(store, &n->embed, "vq._codebook.embed", 3, codebook, err));
done:
    return status;
}

cogvideo_status cv_cvivit_open(cv_cvivit **out, const cv_cvivit_config *config, cv_store *store, cogvideo_error *err)
{
    cogvideo_status status;
    cv_cvivit *n;

    CV_NEW(n, 1, err);
    n->config = *config;
    status = bind(n, store, err);
    if (status != COGVIDEO_OK)
        cv_cvivit_close(&n);
    else
        *out = n;
done:
    return status;
}

void cv_cvivit_close(cv_cvivit **network)
{
    cv_cvivit *n = *network;

    if (!n)
        return;
    cv_blocks_free(&n->enc_spatial);
    cv_blocks_free(&n->enc_temporal);
    cv_blocks_free(&n->dec_temporal);
    cv_blocks_free(&n->dec_spatial);
    cv_free(n);
    *network = NULL;
}

const cv_cvivit_config *cv_cvivit_config_of(const cv_cvivit *network)
{
    return &network->config;
}

/* --- passes ------------------------------------------------------------------------------------------------------- */

cv_blocks_pass cv_cvivit_pass(const cv_exec *exec, const cv_cvivit *network, const cv_blocks *blocks,
                              const cv_cvivit_box *box, const float *bias)
{
    const bool space = blocks == &network->enc_spatial || blocks == &network->dec_spatial;

    return (cv_blocks_pass){ .exec = exec,
                             .blocks = blocks,
                             .axis = space ? CV_OVER_SPACE : CV_OVER_TIME,
                             .batch = box->batch,
                             .T = box->T,
                             .h = box->h,
                             .w = box->w,
                             .bias = space ? bias : NULL };
}

/* A pass through the network, one way or the other. */
typedef struct run {
    const cv_exec *exec;
    const cv_cvivit *network;
    cv_cvivit_box box;
    cv_cvivit_observer *seen;
    void *user;
    const char *stack; /* whose sublayers are shown */
    bool turned;       /* and whether their rows lie in the order of time */
    float *x, *other;  /* [rows, C]: tokens; the same in the other order, and what an observer is shown */
    float *bias;       /* [heads][h w][h w] */
    float *patches;    /* of one clip; and vectors of codes */
} run;

static void show(void *user, const char *sublayer, const float *x)
{
    const run *r = user;
    const size_t numbers = cv_cvivit_rows(&r->box) * (size_t)r->network->config.width;
    char name[64];

    snprintf(name, sizeof name, "%s.%s", r->stack, sublayer);
    if (r->turned) { /* x is not `other` then: the pass works on that, and gives back in `x` what it had */
        cv_box_turn(r->exec, r->x, x, r->box.batch, r->box.T, r->box.h, r->box.w, r->network->config.width, true);
        x = r->x;
    }
    r->seen(r->user, name, x, numbers);
}

/* Numbers of the largest rows that `patches` has to hold. */
static size_t patch_floats(const run *r)
{
    const cv_cvivit_config *c = &r->network->config;
    const size_t plane = (size_t)r->box.h * (size_t)r->box.w, first = plane * (size_t)cv_patch_numbers(c, true),
                 others = plane * (size_t)(r->box.T - 1) * (size_t)cv_patch_numbers(c, false),
                 vectors = cv_cvivit_rows(&r->box) * (size_t)c->code_width;
    const size_t most = first > others ? first : others;

    return most > vectors ? most : vectors;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* Takes what a run holds from its beginning to its end, and reserves what its layers outside of the stacks take. */
static void take(run *r, cv_arena *arena)
{
    const cv_cvivit_config *c = &r->network->config;
    const size_t rows = cv_cvivit_rows(&r->box), plane = (size_t)r->box.h * (size_t)r->box.w;
    const int first = cv_patch_numbers(c, true), others = cv_patch_numbers(c, false);

    r->x = cv_arena_take(arena, rows, (size_t)c->width * sizeof *r->x);
    r->other = cv_arena_take(arena, rows, (size_t)c->width * sizeof *r->other);
    r->bias = cv_arena_take(arena, (size_t)c->heads * plane, plane * sizeof *r->bias);
    r->patches = cv_arena_take(arena, patch_floats(r), sizeof *r->patches);
    cv_arena_reserve(arena, cv_position_bias_scratch(r->exec, &r->network->bias, 1, r->box.h, r->box.w));
    cv_arena_reserve(arena, cv_linear_many_scratch(r->exec, max(max(first, others), max(c->width, c->code_width))));
    cv_arena_reserve(arena, cv_quantize_scratch(r->exec, r->network));
}

size_t cv_cvivit_scratch(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_box *box)
{
    const cv_blocks *const stacks[] = { &network->enc_spatial, &network->enc_temporal };
    run r = { .exec = exec, .network = network, .box = *box };
    cv_arena arena = { 0 };

    take(&r, &arena);
    for (int i = 0; i < 2; i++) {
        static const float bias; /* of which only the address matters */
        const size_t mark = cv_arena_mark(&arena);
        cv_blocks_pass pass = cv_cvivit_pass(exec, network, stacks[i], box, &bias);

        cv_blocks_pass_take(&pass, &arena);
        cv_arena_rewind(&arena, mark);
    }
    return arena.peak;
}

/* The bias by distance, for both spatial stacks. */
static void make_bias(const run *r, cv_arena *arena)
{
    const size_t plane = (size_t)r->box.h * (size_t)r->box.w;

    cv_position_bias_apply(r->exec, &r->network->bias, r->bias, 1, r->box.h, r->box.w, arena);
    if (r->seen)
        r->seen(r->user, "bias", r->bias, (size_t)r->network->config.heads * plane * plane);
}

static void run_stack(run *r, const cv_blocks *blocks, const char *name, float *x, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    cv_blocks_pass pass = cv_cvivit_pass(r->exec, r->network, blocks, &r->box, r->bias);

    r->stack = name;
    r->turned = pass.axis == CV_OVER_TIME;
    pass.observer = r->seen ? show : NULL;
    pass.user = r;
    cv_blocks_pass_take(&pass, arena);
    cv_blocks_pass_run(&pass, x, arena);
    cv_arena_rewind(arena, mark);
}

/* The rows of x through a stack over time, which works on `other`. */
static void run_over_time(run *r, const cv_blocks *blocks, const char *name, cv_arena *arena)
{
    const cv_cvivit_box *b = &r->box;
    const int C = r->network->config.width;

    cv_box_turn(r->exec, r->other, r->x, b->batch, b->T, b->h, b->w, C, false);
    run_stack(r, blocks, name, r->other, arena);
    cv_box_turn(r->exec, r->x, r->other, b->batch, b->T, b->h, b->w, C, true);
}

static void multiply(const run *r, const cv_linear *linear, float *out, const float *x, size_t rows, cv_arena *arena)
{
    cv_linear_many(r->exec, linear, out, (size_t)linear->weight.N, false, x, (size_t)linear->weight.K, (int)rows,
                   arena);
}

/* The tokens of one clip's first latent frame, or of its others. */
static void embed_patches(const run *r, int item, bool first, const float *pixels, cv_arena *arena)
{
    const cv_cvivit_config *c = &r->network->config;
    const cv_patch_embedding *patch = &r->network->patches[!first];
    const size_t plane = (size_t)r->box.h * (size_t)r->box.w, rows = first ? plane : plane * (size_t)(r->box.T - 1);
    float *tokens = r->x + ((size_t)item * (size_t)r->box.T + !first) * plane * (size_t)c->width;

    cv_patches_gather(c, &r->box, item, first, r->patches, pixels);
    if (c->patch_norm)
        cv_layer_norm_apply(r->exec, &patch->before, r->patches, r->patches, (int)rows);
    multiply(r, &patch->projection, tokens, r->patches, rows, arena);
    if (c->patch_norm)
        cv_layer_norm_apply(r->exec, &patch->after, tokens, tokens, (int)rows);
}

void cv_cvivit_encode(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_box *box, int32_t *codes,
                      float *margins, const float *pixels, cv_cvivit_observer *seen, void *user, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), rows = cv_cvivit_rows(box);
    const cv_cvivit_config *c = &network->config;
    run r = { .exec = exec, .network = network, .box = *box, .seen = seen, .user = user };
    const float *y;

    take(&r, arena);
    make_bias(&r, arena);
    for (int item = 0; item < box->batch; item++) {
        embed_patches(&r, item, true, pixels, arena);
        if (box->T > 1)
            embed_patches(&r, item, false, pixels, arena);
    }
    run_stack(&r, &network->enc_spatial, "enc_spatial", r.x, arena);
    run_over_time(&r, &network->enc_temporal, "enc_temporal", arena);
    y = r.x;
    if (c->projected) {
        multiply(&r, &network->project_in, r.patches, r.x, rows, arena);
        y = r.patches;
    }
    if (seen)
        seen(user, "z", y, rows * (size_t)c->code_width);
    cv_quantize_codes(exec, network, codes, margins, y, rows, arena);
    cv_arena_rewind(arena, mark);
}

static void make_pixels(const run *r, int item, bool first, float *pixels, cv_arena *arena)
{
    const size_t plane = (size_t)r->box.h * (size_t)r->box.w, rows = first ? plane : plane * (size_t)(r->box.T - 1);
    const float *tokens = r->x + ((size_t)item * (size_t)r->box.T + !first) * plane * (size_t)r->network->config.width;

    multiply(r, &r->network->pixels[!first], r->patches, tokens, rows, arena);
    cv_patches_scatter(&r->network->config, &r->box, item, first, r->patches, pixels);
}

void cv_cvivit_decode(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_box *box, float *pixels,
                      const int32_t *codes, cv_cvivit_observer *seen, void *user, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), rows = cv_cvivit_rows(box);
    const cv_cvivit_config *c = &network->config;
    run r = { .exec = exec, .network = network, .box = *box, .seen = seen, .user = user };
    float *vectors;

    take(&r, arena);
    make_bias(&r, arena);
    vectors = c->projected ? r.patches : r.x;
    for (size_t i = 0; i < rows; i++)
        cv_quantize_vector(network, vectors + i * (size_t)c->code_width, codes[i]);
    if (c->projected)
        multiply(&r, &network->project_out, r.x, vectors, rows, arena);
    run_over_time(&r, &network->dec_temporal, "dec_temporal", arena);
    run_stack(&r, &network->dec_spatial, "dec_spatial", r.x, arena);
    for (int item = 0; item < box->batch; item++) {
        make_pixels(&r, item, true, pixels, arena);
        if (box->T > 1)
            make_pixels(&r, item, false, pixels, arena);
    }
    cv_arena_rewind(arena, mark);
}
