#include "model/t5/t5_network.h"

#include "model/t5/t5_bias.h"
#include "nn/embedding.h"
#include "nn/gated.h"

#include <string.h>

/* Gradients on the way back through the blocks. */
typedef struct gradients {
    float *normed;       /* [rows][width] */
    float *q, *kv;       /* [rows][heads * head_width], and twice that */
    float *active;       /* [rows][inner] */
    float *bias;         /* [heads][longest][longest], or less */
    double *by_distance; /* as the biases, of all blocks and texts together */
} gradients;

static gradients take_gradients(const cv_t5_config *c, int longest, int rows, cv_arena *arena)
{
    const size_t inside = (size_t)c->heads * (size_t)c->head_width, heads = (size_t)c->heads, most = (size_t)longest,
                 R = (size_t)rows;
    gradients g = { .normed = cv_arena_take(arena, R, (size_t)c->width * sizeof(float)) };

    g.q = cv_arena_take(arena, R, inside * sizeof(float));
    g.kv = cv_arena_take(arena, R, 2 * inside * sizeof(float));
    g.active = cv_arena_take(arena, R, (size_t)c->inner * sizeof(float));
    g.bias = cv_arena_take(arena, heads * most * most, sizeof(float));
    g.by_distance = cv_arena_take(arena, heads * cv_t5_distances(longest), sizeof(double));
    return g;
}

cv_t5_tape *cv_t5_tape_take(const cv_exec *exec, const cv_t5 *t5, int texts, int longest, cv_arena *arena)
{
    const cv_t5_config *c = &t5->config;
    const cv_cosine_attention attention = cv_t5_attention(c, longest, NULL);
    const int rows = texts * longest;
    cv_t5_tape *tape = cv_arena_take(arena, 1, sizeof *tape), fields = { .training = true };
    size_t mark;

    cv_t5_tape_lay_out(&fields, exec, t5, texts, longest, rows, arena);
    mark = cv_arena_mark(arena);
    take_gradients(c, longest, rows, arena);
    cv_arena_reserve(arena, cv_linear_backward_scratch(exec, cv_t5_widest(c)));
    cv_arena_reserve(arena, cv_rms_norm_backward_scratch(rows, c->width));
    if (c->layers > 0)
        cv_arena_reserve(arena, cv_cosine_attention_backward_scratch(exec, &attention));
    cv_arena_rewind(arena, mark);
    if (tape)
        *tape = fields;
    return tape;
}

void cv_t5_forward(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, float *out, cv_t5_tape *tape,
                   cv_arena *arena)
{
    cv_t5_pass(exec, t5, batch, out, NULL, NULL, tape, arena);
}

/* --- backward ------------------------------------------------------------------------------------------------- */

typedef struct backward {
    const cv_exec *exec;
    const cv_t5 *t5;
    const cv_t5_batch *batch;
    const cv_t5_tape *tape;
    int rows;
    gradients g;
    float *dx; /* [rows][width] */
    cv_arena *arena;
} backward;

static void linear_backward(const backward *b, const cv_linear *linear, const cv_linear *grad, float *dx, bool add,
                            const float *dy, size_t dy_stride, const float *x)
{
    const size_t K = (size_t)linear->weight.K;

    cv_linear_backward(b->exec, linear, grad, dx, K, add, dy, dy_stride, x, K, b->rows, b->arena);
}

/* `active` is the gradient of what wo takes; the tape's gate and value become their gradients. */
static void dense_backward(const backward *b, const cv_t5_block *block, const cv_t5_block *grad,
                           const cv_t5_block_tape *own)
{
    const cv_t5_config *c = &b->t5->config;
    const size_t m = (size_t)c->inner;
    float *active = b->g.active, *normed = b->g.normed;

    linear_backward(b, &block->wo, &grad->wo, active, false, b->dx, (size_t)c->width, own->active);
    if (c->gated) {
        cv_gated_gelu_backward(b->exec, CV_GELU_TANH, own->value, own->gate, active, own->value, own->gate, m, c->inner,
                               b->rows);
        linear_backward(b, &block->value, &grad->value, normed, false, own->value, m, own->dense_normed);
    } else {
        for (size_t i = 0; i < (size_t)b->rows * m; i++)
            own->gate[i] = own->gate[i] > 0 ? active[i] : 0;
    }
    linear_backward(b, &block->gate, &grad->gate, normed, c->gated, own->gate, m, own->dense_normed);
    cv_rms_norm_backward(b->exec, &block->dense_norm, &grad->dense_norm, b->dx, true, normed, own->x_mid, b->rows,
                         b->arena);
}

/* g.q, the gradient of the context, becomes that of the queries. */
static void attend_backward(const backward *b, const cv_t5_block_tape *own)
{
    const cv_t5_config *c = &b->t5->config;
    const size_t inside = (size_t)c->heads * (size_t)c->head_width;
    const cv_cosine_attention_grad grad = { .bias = b->g.bias };
    float *bias = b->tape->bias;

    for (int t = 0; t < b->batch->texts; t++) {
        const int rows = b->batch->counts[t], longest = b->batch->longest;
        const size_t first = (size_t)b->tape->firsts[t] * inside;
        const cv_cosine_attention attention = cv_t5_attention(c, rows, bias);

        if (rows == 0)
            continue;
        cv_t5_bias_of_rows(b->exec, bias, b->tape->by_distance, c->heads, longest, rows);
        memset(b->g.bias, 0, (size_t)c->heads * (size_t)rows * (size_t)rows * sizeof *b->g.bias);
        cv_cosine_attention_backward(b->exec, &attention, &grad, b->g.q + first, b->g.kv + 2 * first, b->g.q + first,
                                     own->q + first, own->kv + 2 * first, b->arena);
        cv_t5_bias_of_rows_backward(b->exec, b->g.by_distance, b->g.bias, c->heads, longest, rows);
    }
}

static void attention_backward(const backward *b, const cv_t5_block *block, const cv_t5_block *grad,
                               const cv_t5_block_tape *own)
{
    const cv_t5_config *c = &b->t5->config;
    const size_t inside = (size_t)c->heads * (size_t)c->head_width;
    float *normed = b->g.normed;

    linear_backward(b, &block->o, &grad->o, b->g.q, false, b->dx, (size_t)c->width, own->context);
    attend_backward(b, own);
    linear_backward(b, &block->q, &grad->q, normed, false, b->g.q, inside, own->normed);
    linear_backward(b, &block->k, &grad->k, normed, true, b->g.kv, 2 * inside, own->normed);
    linear_backward(b, &block->v, &grad->v, normed, true, b->g.kv + inside, 2 * inside, own->normed);
    cv_rms_norm_backward(b->exec, &block->norm, &grad->norm, b->dx, true, normed, own->x_in, b->rows, b->arena);
}

/* Rows of pads are left out: those of the texts move together, to where they were read or before it. */
static void gather(const cv_t5_batch *batch, const cv_t5_tape *tape, int width, float *dout)
{
    for (int t = 0; t < batch->texts; t++)
        memmove(dout + (size_t)tape->firsts[t] * (size_t)width,
                dout + (size_t)t * (size_t)batch->longest * (size_t)width,
                (size_t)batch->counts[t] * (size_t)width * sizeof *dout);
}

void cv_t5_backward(const cv_exec *exec, const cv_t5 *t5, const cv_t5 *grad, const cv_t5_batch *batch, float *dout,
                    cv_t5_tape *tape, cv_arena *arena)
{
    const cv_t5_config *c = &t5->config;
    const size_t mark = cv_arena_mark(arena);
    backward b = { .exec = exec,
                   .t5 = t5,
                   .batch = batch,
                   .tape = tape,
                   .rows = tape->firsts[batch->texts],
                   .dx = dout,
                   .arena = arena };

    b.g = take_gradients(c, batch->longest, b.rows, arena);
    memset(b.g.by_distance, 0, (size_t)c->heads * cv_t5_distances(batch->longest) * sizeof *b.g.by_distance);
    gather(batch, tape, c->width, dout);
    cv_rms_norm_backward(exec, &t5->norm, &grad->norm, dout, false, dout, tape->x, b.rows, arena);
    for (int n = c->layers - 1; n >= 0; n--) {
        dense_backward(&b, &t5->blocks[n], &grad->blocks[n], &tape->blocks[n]);
        attention_backward(&b, &t5->blocks[n], &grad->blocks[n], &tape->blocks[n]);
    }
    if (c->layers > 0)
        cv_t5_bias_by_distance_backward((float *)grad->bias_of_distance.data, b.g.by_distance, c->heads,
                                        batch->longest);
    cv_embedding_backward(exec, (float *)grad->shared.data, dout, (size_t)c->width, tape->ids, b.rows, c->width);
    cv_arena_rewind(arena, mark);
}
