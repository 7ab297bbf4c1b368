#include "family/metrics/network/clip_block.h"

#include "nn/activation.h"

#include <stdio.h>
#include <string.h>

static cogvideo_status bind_block(cv_clip_block *out, cv_store *store, const char *prefix, int layer,
                                  const cv_clip_tower *sizes, cogvideo_error *err)
{
    const int D = sizes->width, mlp = sizes->mlp;
    cogvideo_status status;
    char base[128], name[160];

    snprintf(base, sizeof base, "%s.resblocks.%d", prefix, layer);
    snprintf(name, sizeof name, "%s.ln_1", base);
    CV_TRY(cv_layer_norm_bind(&out->ln_1, store, name, D, CV_CLIP_EPSILON, err));
    snprintf(name, sizeof name, "%s.attn.in_proj_weight", base);
    CV_TRY(cv_store_claim_weight(store, &out->in_proj.weight, name, 3 * D, D, err));
    snprintf(name, sizeof name, "%s.attn.in_proj_bias", base);
    CV_TRY(cv_store_claim_vector(store, &out->in_proj.bias, name, 3 * (size_t)D, err));
    snprintf(name, sizeof name, "%s.attn.out_proj", base);
    CV_TRY(cv_linear_bind(&out->out_proj, store, name, D, D, true, err));
    snprintf(name, sizeof name, "%s.ln_2", base);
    CV_TRY(cv_layer_norm_bind(&out->ln_2, store, name, D, CV_CLIP_EPSILON, err));
    snprintf(name, sizeof name, "%s.mlp.c_fc", base);
    CV_TRY(cv_linear_bind(&out->c_fc, store, name, mlp, D, true, err));
    snprintf(name, sizeof name, "%s.mlp.c_proj", base);
    CV_TRY(cv_linear_bind(&out->c_proj, store, name, D, mlp, true, err));
done:
    return status;
}

cogvideo_status cv_clip_blocks_bind(cv_clip_blocks *blocks, cv_store *store, const char *prefix, cogvideo_error *err)
{
    cogvideo_status status;

    CV_NEW(blocks->layers, blocks->sizes.layers, err);
    for (int n = 0; n < blocks->sizes.layers; n++)
        CV_TRY(bind_block(&blocks->layers[n], store, prefix, n, &blocks->sizes, err));
done:
    return status;
}

void cv_clip_blocks_free(cv_clip_blocks *blocks)
{
    cv_free(blocks->layers);
    blocks->layers = NULL;
}

size_t cv_clip_blocks_floats(const cv_exec *exec, const cv_clip_blocks *blocks)
{
    const int D = blocks->sizes.width, mlp = blocks->sizes.mlp;

    return (size_t)blocks->sizes.layers * (cv_linear_panel_floats(exec, 3 * D, D) + cv_linear_panel_floats(exec, D, D) +
                                           cv_linear_panel_floats(exec, mlp, D) + cv_linear_panel_floats(exec, D, mlp));
}

cogvideo_status cv_clip_blocks_pack(cv_clip_blocks *out, const cv_exec *exec, const cv_clip_blocks *bound,
                                    float *panels, cv_arena *arena, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    *out = *bound;
    CV_NEW(out->layers, bound->sizes.layers, err);
    for (int n = 0; n < bound->sizes.layers; n++) {
        cv_clip_block *block = &out->layers[n];
        cv_linear *const linears[] = { &block->in_proj, &block->out_proj, &block->c_fc, &block->c_proj };

        *block = bound->layers[n];
        for (size_t i = 0; i < sizeof linears / sizeof *linears; i++) {
            cv_linear_pack(exec, linears[i], panels, arena);
            linears[i]->panels = panels;
            panels += cv_linear_panel_floats(exec, linears[i]->weight.N, linears[i]->weight.K);
        }
    }
done:
    return status;
}

/* --- passes --------------------------------------------------------------------------------------------------- */

static size_t rows_of(const cv_clip_pass *pass)
{
    return (size_t)pass->items * (size_t)pass->rows;
}

static float *take(cv_arena *arena, size_t rows, int width)
{
    return cv_arena_take(arena, rows, (size_t)width * sizeof(float));
}

static cv_clip_tape take_tape(const cv_clip_pass *pass, cv_arena *arena)
{
    const cv_clip_tower *sizes = &pass->blocks->sizes;
    const size_t rows = rows_of(pass);
    const int D = sizes->width, mlp = sizes->mlp;
    cv_clip_tape tape = { .normed = take(arena, rows, D) };

    tape.context = take(arena, rows, D);
    if (!pass->training) {
        tape.normed_mid = tape.normed;
        tape.qkv = take(arena, rows, 3 * D > mlp ? 3 * D : mlp);
        tape.inner = tape.active = tape.qkv;
        return tape;
    }
    tape.x_in = take(arena, rows, D);
    tape.x_mid = take(arena, rows, D);
    tape.normed_mid = take(arena, rows, D);
    tape.qkv = take(arena, rows, 3 * D);
    tape.inner = take(arena, rows, mlp);
    tape.active = take(arena, rows, mlp);
    return tape;
}

void cv_clip_pass_take(cv_clip_pass *pass, cv_arena *arena)
{
    const int layers = pass->blocks->sizes.layers;
    cv_clip_tape tape = { 0 };

    pass->tapes = cv_arena_take(arena, (size_t)layers, sizeof *pass->tapes);
    for (int n = 0; n < layers; n++) {
        if (n == 0 || pass->training)
            tape = take_tape(pass, arena);
        if (pass->tapes)
            pass->tapes[n] = tape;
    }
}

void cv_clip_pass_reserve(const cv_clip_pass *pass, cv_arena *arena)
{
    const cv_clip_tower *sizes = &pass->blocks->sizes;
    const cv_self_attention attention = cv_clip_pass_attention(pass);

    cv_arena_reserve(arena, cv_linear_many_scratch(pass->exec, sizes->width > sizes->mlp ? sizes->width : sizes->mlp));
    cv_arena_reserve(arena, cv_self_attention_scratch(pass->exec, &attention));
    if (pass->training)
        cv_clip_pass_reserve_backward(pass, arena);
}

static void multiply(const cv_clip_pass *pass, const cv_linear *linear, float *out, bool add, const float *x,
                     cv_arena *arena)
{
    cv_linear_many(pass->exec, linear, out, (size_t)linear->weight.N, add, x, (size_t)linear->weight.K,
                   pass->items * pass->rows, arena);
}

void cv_clip_block_run(const cv_clip_pass *pass, int layer, float *x, cv_arena *arena)
{
    const cv_clip_block *block = &pass->blocks->layers[layer];
    const cv_clip_tape *tape = &pass->tapes[layer];
    const cv_self_attention attention = cv_clip_pass_attention(pass);
    const size_t rows = rows_of(pass), numbers = rows * (size_t)pass->blocks->sizes.width,
                 inner = rows * (size_t)pass->blocks->sizes.mlp;

    if (tape->x_in)
        memcpy(tape->x_in, x, numbers * sizeof *x);
    cv_layer_norm_apply(pass->exec, &block->ln_1, tape->normed, x, (int)rows);
    multiply(pass, &block->in_proj, tape->qkv, false, tape->normed, arena);
    cv_self_attention_apply(pass->exec, &attention, tape->context, tape->qkv, arena);
    multiply(pass, &block->out_proj, x, true, tape->context, arena);
    if (tape->x_mid)
        memcpy(tape->x_mid, x, numbers * sizeof *x);
    cv_layer_norm_apply(pass->exec, &block->ln_2, tape->normed_mid, x, (int)rows);
    multiply(pass, &block->c_fc, tape->inner, false, tape->normed_mid, arena);
    if (tape->active != tape->inner)
        memcpy(tape->active, tape->inner, inner * sizeof *tape->active);
    cv_gelu(pass->exec, pass->blocks->gelu, tape->active, inner);
    multiply(pass, &block->c_proj, x, true, tape->active, arena);
}

void cv_clip_pass_run(const cv_clip_pass *pass, float *x, cv_arena *arena)
{
    for (int n = 0; n < pass->blocks->sizes.layers; n++)
        cv_clip_block_run(pass, n, x, arena);
}
