#include "family/cogvideo/network/backward.h"

#include "nn/activation.h"
#include "nn/embedding.h"

#include <string.h>

static float *take(cv_arena *arena, size_t rows, size_t width)
{
    return cv_arena_take(arena, rows * width, sizeof(float));
}

void cv_backward_carve(cv_backward *back, const cv_pass *p, int sequences, cv_arena *arena)
{
    const cv_cogvideo_config *config = p->stage->config;
    size_t n = (size_t)p->count, C = (size_t)config->hidden;
    int widest = config->mlp > config->hidden ? config->mlp : config->hidden;

    back->sequences = sequences;
    back->dx = take(arena, n, C);
    back->da = take(arena, n, C);
    back->dcontext = take(arena, n, C);
    back->dmixed = take(arena, n, C);
    back->dplus = take(arena, n, C);
    back->dqkv = take(arena, n, 3 * C);
    back->dinner = take(arena, (size_t)p->block, (size_t)config->mlp);
    back->dmix = take(arena, 1, C);
    back->queries = cv_arena_take(arena, n, sizeof *back->queries);
    back->ids = cv_arena_take(arena, n, sizeof *back->ids);
    back->groups = cv_arena_take(arena, (size_t)sequences + 1, sizeof(int));
    cv_arena_reserve(arena, cv_attention_backward_scratch(p->exec, p->max_keys, config->hidden / config->heads));
    cv_arena_reserve(arena, cv_linear_backward_scratch(p->exec, widest));
    cv_arena_reserve(arena, cv_layer_norm_backward_scratch(p->count, config->hidden));
}

static void linear(const cv_pass *p, const cv_linear *weights, const cv_linear *grad, float *dx, bool add,
                   const float *dy, const float *x, int rows)
{
    size_t N = (size_t)weights->weight.N, K = (size_t)weights->weight.K;

    cv_linear_backward(p->exec, weights, grad, dx, K, add, dy, N, x, K, rows, p->arena);
}

static void norm(const cv_pass *p, const cv_layer_norm *weights, const cv_layer_norm *grad, float *dx, bool add,
                 const float *dy, const float *x, int rows)
{
    cv_layer_norm_backward(p->exec, weights, grad, dx, add, dy, x, rows, p->arena);
}

void cv_backward_head(const cv_pass *p, const cv_stage *grads, float *dhidden, const float *dlogits,
                      const float *hidden, const float *x, int rows)
{
    const cv_trunk *trunk = grads->trunk;

    linear(p, &p->stage->head, trunk ? &grads->head : NULL, dhidden, false, dlogits, hidden, rows);
    norm(p, &p->stage->trunk->final_norm, trunk ? &trunk->final_norm : NULL, dhidden, false, dhidden, x, rows);
}

/* x = x_mid + fourth_norm(W2 gelu(W1 post_attention_norm(x_mid))): dx becomes that of x_mid. */
static void mlp(const cv_backward *back, const cv_pass *p, const cv_trunk_layer *layer, const cv_trunk_layer *grad,
                const cv_layer_buffers *b, int n)
{
    const cv_cogvideo_config *config = p->stage->config;
    size_t C = (size_t)config->hidden, inner = (size_t)config->mlp;

    norm(p, &layer->fourth_norm, grad ? &grad->fourth_norm : NULL, back->dmixed, false, back->dx, b->out, p->count);
    cv_pass_dropout(p, n, 1, back->dmixed);
    for (int first = 0; first < p->count; first += p->block) {
        int rows = p->count - first < p->block ? p->count - first : p->block;
        const float *before = b->inner + (size_t)first * inner;

        memcpy(p->gelu, before, (size_t)rows * inner * sizeof *p->gelu);
        cv_gelu(p->exec, CV_GELU_TANH, p->gelu, (size_t)rows * inner);
        linear(p, &layer->mlp_out, grad ? &grad->mlp_out : NULL, back->dinner, false, back->dmixed + (size_t)first * C,
               p->gelu, rows);
        cv_gelu_backward(p->exec, CV_GELU_TANH, back->dinner, back->dinner, before, (size_t)rows * inner);
        linear(p, &layer->mlp_in, grad ? &grad->mlp_in : NULL, back->da + (size_t)first * C, false, back->dinner,
               b->m + (size_t)first * C, rows);
    }
    norm(p, &layer->post_attention_norm, grad ? &grad->post_attention_norm : NULL, back->dx, true, back->da, b->x_mid,
         p->count);
}

/* mixed = alpha base + (1 - alpha) plus in frame rows, base in text rows: dmixed becomes that of base. */
static void mix(const cv_backward *back, const cv_pass *p, const float *logits, float *grad, const cv_layer_buffers *b)
{
    int C = p->stage->config->hidden;

    memset(back->dmix, 0, (size_t)C * sizeof *back->dmix);
    cv_pass_alpha(p, logits);
    for (int r = 0; r < p->count; r++) {
        size_t at = (size_t)r * (size_t)C;

        for (int i = 0; i < C; i++) {
            float d = back->dmixed[at + (size_t)i], alpha = p->alpha[i];
            bool text = p->rows[r].place.slot == CV_TEXT_SLOT;

            back->dplus[at + (size_t)i] = text ? 0 : (1.0f - alpha) * d;
            back->dmixed[at + (size_t)i] = text ? d : alpha * d;
            back->dmix[i] += text ? 0 : d * (b->base[at + (size_t)i] - b->plus[at + (size_t)i]);
        }
    }
    for (int i = 0; grad && i < C; i++)
        grad[i] += back->dmix[i] * p->alpha[i] * (1.0f - p->alpha[i]);
}

static cv_attention_grad gradient_of(const cv_kv_cache *cache)
{
    return (cv_attention_grad){ cache->keys, cache->values };
}

/* The rows of the sequences that attend in a channel, packed: queries, their gradients, and the sequences as groups. */
static int pack_queries(const cv_backward *back, const cv_pass *p, int layer, bool plus)
{
    size_t C = (size_t)p->stage->config->hidden;
    int count = 0;

    for (int s = 0; s < back->sequences; s++) {
        int skip = plus ? back->spans[s].text : 0, first = back->spans[s].first + skip;
        int rows = back->spans[s].text + back->spans[s].frames - skip;

        back->groups[s] = count;
        cv_pass_queries(p, layer, plus, first, rows, p->queries + count);
        for (int i = 0; i < rows; i++, count++) {
            const cv_text_cache *text = &back->texts[s];
            const cv_frames_cache *frames = &back->frames[s];

            back->queries[count] = (cv_attention_query_grad){
                .dout = back->dcontext + (size_t)(first + i) * C,
                .dq = back->dqkv + (size_t)(first + i) * 3 * C,
                .sources = { gradient_of(plus ? &text->plus : &text->base),
                             gradient_of(plus ? &frames->plus : &frames->base) },
            };
        }
    }
    back->groups[back->sequences] = count;
    return count;
}

/* dcontext to dqkv in one channel: queries row by row, keys and values gathered from the caches' gradients. */
static void attention(const cv_backward *back, const cv_pass *p, int layer, bool plus)
{
    const cv_cogvideo_config *config = p->stage->config;
    int C = config->hidden, H = config->heads, D = C / H;

    for (int s = 0; s < back->sequences; s++) {
        cv_kv_cache_clear(plus ? &back->texts[s].plus : &back->texts[s].base, 1);
        cv_kv_cache_clear(plus ? &back->frames[s].plus : &back->frames[s].base, 1);
    }
    pack_queries(back, p, layer, plus);
    cv_attention_backward(p->exec, p->queries, back->queries, back->groups, back->sequences, H, D, p->max_keys,
                          p->arena);
#pragma omp parallel for num_threads(p->exec->threads) schedule(static)
    for (int s = 0; s < back->sequences; s++) {
        const cv_span *span = &back->spans[s];
        const cv_kv_cache *text = plus ? &back->texts[s].plus : &back->texts[s].base;
        const cv_kv_cache *frames = plus ? &back->frames[s].plus : &back->frames[s].base;

        for (int i = 0; i < span->text + span->frames; i++) {
            float *row = back->dqkv + (size_t)(span->first + i) * 3 * (size_t)C;
            bool of_text = i < span->text;

            if (plus && of_text)
                memset(row, 0, (size_t)C * sizeof *row); /* text asks nothing in the plus channel */
            cv_kv_cache_get(of_text ? text : frames, 0, of_text ? i : i - span->text, row + C, row + 2 * C);
        }
    }
}

static void layer_backward(const cv_backward *back, const cv_pass *p, const cv_stage *grads, int n)
{
    const cv_trunk_layer *layer = &p->stage->trunk->layers[n];
    const cv_trunk_layer *grad = grads->trunk ? &grads->trunk->layers[n] : NULL;
    const cv_layer_buffers *b = cv_pass_layer(p, n);

    mlp(back, p, layer, grad, b, n);
    norm(p, &layer->third_norm, grad ? &grad->third_norm : NULL, back->dmixed, false, back->dx, b->mixed, p->count);
    cv_pass_dropout(p, n, 0, back->dmixed);
    if (p->plus) {
        const cv_plus_layer *plus = &p->stage->plus[n], *plus_grad = grads->plus ? &grads->plus[n] : NULL;

        mix(back, p, plus->mix, plus_grad ? (float *)plus_grad->mix : NULL, b);
        linear(p, &plus->dense, plus_grad ? &plus_grad->dense : NULL, back->dcontext, false, back->dplus,
               b->plus_context, p->count);
        attention(back, p, n, true);
        linear(p, &plus->qkv, plus_grad ? &plus_grad->qkv : NULL, back->da, false, back->dqkv, b->a, p->count);
    }
    linear(p, &layer->dense, grad ? &grad->dense : NULL, back->dcontext, false, back->dmixed, b->context, p->count);
    attention(back, p, n, false);
    linear(p, &layer->qkv, grad ? &grad->qkv : NULL, back->da, p->plus, back->dqkv, b->a, p->count);
    norm(p, &layer->input_norm, grad ? &grad->input_norm : NULL, back->dx, true, back->da, b->x_in, p->count);
}

/* One table of gradients at a time; ids[r] < 0 leaves a row out. */
static void embedding(const cv_backward *back, const cv_pass *p, float *table)
{
    size_t C = (size_t)p->stage->config->hidden;

    cv_embedding_backward(p->exec, table, back->dx, C, back->ids, p->count, (int)C);
}

static void embeddings(const cv_backward *back, const cv_pass *p, const cv_stage *grads)
{
    if (grads->trunk) {
        for (int r = 0; r < p->count; r++)
            back->ids[r] = p->rows[r].input;
        embedding(back, p, (float *)grads->trunk->word_embeddings.data);
        for (int r = 0; r < p->count; r++) {
            cv_position position = p->rows[r].position;

            back->ids[r] = position.table == p->stage->trunk->positions ? position.row : -1;
        }
        embedding(back, p, cv_tensor_values(grads->trunk->positions));
    }
    if (grads->extra_positions) {
        for (int r = 0; r < p->count; r++) {
            cv_position position = p->rows[r].position;

            back->ids[r] = position.table == p->stage->extra_positions ? position.row : -1;
        }
        embedding(back, p, cv_tensor_values(grads->extra_positions));
    }
}

void cv_backward_run(const cv_backward *back, const cv_pass *p, const cv_stage *grads)
{
    for (int n = p->stage->config->layers - 1; n >= 0; n--)
        layer_backward(back, p, grads, n);
    embeddings(back, p, grads);
}
