#include "family/phenaki/network/masked_network.h"

#include "nn/embedding.h"
#include "nn/loss.h"

#include <math.h>
#include <string.h>

struct cv_masked_learner {
    const cv_exec *exec;
    cv_masked *network, *grad;
    cv_self_critic self, self_grad; /* to_pred.weight.N 0 = none */
    cv_masked_learning options;
    cv_arena arena;
    float *logits; /* [rows][top], of the last run or measure; not of a critic */
};

/* What the two losses need besides the pass. */
typedef struct step {
    cv_masked_pass pass;
    float *dtop;     /* [rows][top]: gradients of logits or scores */
    float *dx;       /* [rows][width] */
    float *dbias;    /* as the bias */
    float *scale;    /* [rows]: the weight of each place's loss */
    double *losses;  /* [rows] */
    int32_t *places; /* [rows]: 0 .. T h w - 1, for each box */
} step;

static const cv_linear *top_of(const cv_masked_learner *l, bool self, bool grad)
{
    if (self)
        return grad ? &l->self_grad.to_pred : &l->self.to_pred;
    return grad ? &l->grad->top : &l->network->top;
}

/* --- memory --------------------------------------------------------------------------------------------------- */

/* Takes what a step over this input needs. Of its pointers only whether they are NULL matters here. */
static step take_step(const cv_masked_learner *l, const cv_masked_input *input, bool training, cv_arena *arena)
{
    const cv_masked_config *config = &l->network->config;
    const size_t rows = (size_t)cv_masked_rows(input), V = (size_t)l->network->top.weight.N, C = (size_t)config->width;
    step s = { .pass = { .exec = l->exec, .network = l->network, .input = *input, .training = training } };

    s.dtop = cv_arena_take(arena, rows, V * sizeof *s.dtop);
    s.dx = cv_arena_take(arena, rows, C * sizeof *s.dx);
    s.dbias = cv_arena_take(arena, cv_masked_bias_numbers(l->network, input), sizeof *s.dbias);
    s.scale = cv_arena_take(arena, rows, sizeof *s.scale);
    s.losses = cv_arena_take(arena, rows, sizeof *s.losses);
    s.places = cv_arena_take(arena, rows, sizeof *s.places);
    cv_masked_pass_take(&s.pass, arena);
    cv_arena_reserve(arena, cv_linear_many_scratch(l->exec, config->width));
    cv_arena_reserve(arena, cv_linear_backward_scratch(l->exec, V > C ? (int)V : (int)C));
    return s;
}

/* The largest batch, with pads and texts. */
static cv_masked_input largest(const cv_masked_learning *o)
{
    static const uint8_t some[1];
    static const float numbers[1];
    static const int32_t ids[1];

    return (cv_masked_input){ .batch = o->batch,
                              .T = o->T,
                              .h = o->h,
                              .w = o->w,
                              .ids = ids,
                              .seen = some,
                              .text = numbers,
                              .text_mask = some,
                              .text_rows = o->text_rows };
}

static void take_logits(cv_masked_learner *l, cv_arena *arena)
{
    const cv_masked_input input = largest(&l->options);

    l->logits = NULL;
    if (!l->network->config.critic)
        l->logits =
            cv_arena_take(arena, (size_t)cv_masked_rows(&input), (size_t)l->network->config.codes * sizeof *l->logits);
}

cogvideo_status cv_masked_learner_open(cv_masked_learner **out, const cv_exec *exec, cv_store *weights,
                                       cv_store *gradients, const cv_masked_config *config,
                                       const cv_masked_learning *options, cogvideo_error *err)
{
    const cv_masked_input input = largest(options);
    cogvideo_status status;
    cv_masked_learner *l = NULL;
    cv_arena measure = { 0 };

    CV_NEW(l, 1, err);
    l->exec = exec;
    l->options = *options;
    CV_TRY(cv_masked_open(&l->network, config, weights, err));
    CV_TRY(cv_masked_open(&l->grad, config, gradients, err));
    if (options->self) {
        CV_TRY(cv_self_critic_bind(&l->self, weights, config->width, err));
        CV_TRY(cv_self_critic_bind(&l->self_grad, gradients, config->width, err));
    }
    take_logits(l, &measure);
    take_step(l, &input, true, &measure);
    CV_TRY(cv_arena_create(&l->arena, measure.peak, err));
    take_logits(l, &l->arena);
    *out = l;
    return COGVIDEO_OK;
done:
    cv_masked_learner_close(&l);
    return status;
}

void cv_masked_learner_close(cv_masked_learner **learner)
{
    cv_masked_learner *l = *learner;

    if (!l)
        return;
    cv_masked_close(&l->network);
    cv_masked_close(&l->grad);
    cv_arena_free(&l->arena);
    cv_free(l);
    *learner = NULL;
}

size_t cv_masked_learner_bytes(const cv_masked_learner *learner)
{
    return learner->arena.capacity;
}

const float *cv_masked_learner_logits(const cv_masked_learner *learner)
{
    return learner->logits;
}

/* --- there and back ------------------------------------------------------------------------------------------- */

/* out = what the head on the last norm says of each place. */
static void forward(cv_masked_learner *l, const step *s, bool self, float *out)
{
    const cv_linear *top = top_of(l, self, false);

    cv_masked_pass_run(&s->pass, &l->arena);
    cv_linear_many(l->exec, top, out, (size_t)top->weight.N, false, s->pass.x, (size_t)top->weight.K,
                   cv_masked_rows(&s->pass.input), &l->arena);
}

/* Of dx, the gradient of the sum of both embeddings. */
static void embed_backward(const cv_masked_learner *l, const step *s)
{
    const cv_masked_input *input = &s->pass.input;
    const int rows = cv_masked_rows(input), places = rows / input->batch, C = l->network->config.width;
    const float factor = l->network->config.critic ? 1 : (float)l->options.embedding_gradient;

    for (size_t i = 0; i < (size_t)rows * (size_t)C && factor != 1; i++)
        s->dx[i] *= factor;
    for (int r = 0; r < rows; r++)
        s->places[r] = r % places;
    cv_embedding_backward(l->exec, cv_tensor_values(l->grad->tokens), s->dx, (size_t)C, input->ids, rows, C);
    cv_embedding_backward(l->exec, cv_tensor_values(l->grad->places), s->dx, (size_t)C, s->places, rows, C);
}

/* Adds all gradients, from those of the head's results in dtop. */
static void backward(cv_masked_learner *l, const step *s, bool self, float *dtext)
{
    const cv_masked_input *input = &s->pass.input;
    const cv_linear *top = top_of(l, self, false);
    const cv_blocks_grad grad = { .blocks = &l->grad->blocks, .bias = s->pass.bias ? s->dbias : NULL, .text = dtext };
    const size_t N = (size_t)top->weight.N, C = (size_t)top->weight.K;

    cv_linear_backward(l->exec, top, top_of(l, self, true), s->dx, C, false, s->dtop, N, s->pass.x, C,
                       cv_masked_rows(input), &l->arena);
    memset(s->dbias, 0, cv_masked_bias_numbers(l->network, input) * sizeof *s->dbias);
    cv_blocks_pass_backward(&s->pass.blocks, &grad, s->dx, &l->arena);
    if (s->pass.bias)
        cv_position_bias_backward(l->exec, &l->network->bias, &l->grad->bias, s->dbias, input->T, input->h, input->w,
                                  &l->arena);
    embed_backward(l, s);
}

static double sum_of(const double *values, int count)
{
    double sum = 0;

    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* --- the loss over masks -------------------------------------------------------------------------------------- */

/* Cross-entropies of the places that have labels, in losses, and the gradients of their mean in dtop. Returns the
 * mean. */
static double cross_entropy(cv_masked_learner *l, const step *s, const int32_t *labels)
{
    const int rows = cv_masked_rows(&s->pass.input), V = l->network->config.codes;
    int count = 0;

    for (int r = 0; r < rows; r++)
        count += labels[r] >= 0;
    for (int r = 0; r < rows; r++)
        s->scale[r] = count > 0 ? 1 / (float)count : 0;
    memcpy(s->dtop, l->logits, (size_t)rows * (size_t)V * sizeof *s->dtop);
    cv_cross_entropy(l->exec, s->dtop, s->losses, labels, s->scale, rows, V);
    return count > 0 ? sum_of(s->losses, rows) / count : 0;
}

double cv_masked_learner_run(cv_masked_learner *learner, const cv_masked_input *input, const int32_t *labels,
                             float *dtext)
{
    const size_t mark = cv_arena_mark(&learner->arena);
    const step s = take_step(learner, input, true, &learner->arena);
    double loss;

    forward(learner, &s, false, learner->logits);
    loss = cross_entropy(learner, &s, labels);
    backward(learner, &s, false, dtext);
    cv_arena_rewind(&learner->arena, mark);
    return loss;
}

double cv_masked_learner_measure(cv_masked_learner *learner, const cv_masked_input *input, const int32_t *labels,
                                 float *logprob)
{
    const size_t mark = cv_arena_mark(&learner->arena);
    const step s = take_step(learner, input, false, &learner->arena);
    double loss;

    forward(learner, &s, false, learner->logits);
    loss = cross_entropy(learner, &s, labels);
    for (int r = 0; r < cv_masked_rows(input) && logprob; r++)
        logprob[r] = (float)-s.losses[r];
    cv_arena_rewind(&learner->arena, mark);
    return loss;
}

/* --- the loss of a critic ------------------------------------------------------------------------------------- */

/* Binary cross-entropies of scores that say how surely a label is 1, in losses; the scores become gradients of their
 * mean over true places, which is returned. */
static double binary_cross_entropy(const step *s, const uint8_t *labels)
{
    const uint8_t *seen = s->pass.input.seen;
    const int rows = cv_masked_rows(&s->pass.input);
    int count = 0;

    for (int r = 0; r < rows; r++)
        count += !seen || seen[r];
    for (int r = 0; r < rows; r++) {
        const double score = (double)s->dtop[r], label = labels[r] ? 1 : 0;
        const bool counts = !seen || seen[r];

        s->losses[r] = counts ? fmax(score, 0) - score * label + log1p(exp(-fabs(score))) : 0;
        s->dtop[r] = counts ? (float)((1 / (1 + exp(-score)) - label) / count) : 0;
    }
    return count > 0 ? sum_of(s->losses, rows) / count : 0;
}

double cv_masked_learner_run_critic(cv_masked_learner *learner, const cv_masked_input *input, const uint8_t *labels,
                                    float *dtext)
{
    const size_t mark = cv_arena_mark(&learner->arena);
    const step s = take_step(learner, input, true, &learner->arena);
    const bool self = !learner->network->config.critic;
    double loss;

    forward(learner, &s, self, s.dtop);
    loss = binary_cross_entropy(&s, labels);
    backward(learner, &s, self, dtext);
    cv_arena_rewind(&learner->arena, mark);
    return loss;
}

double cv_masked_learner_measure_critic(cv_masked_learner *learner, const cv_masked_input *input, const uint8_t *labels)
{
    const size_t mark = cv_arena_mark(&learner->arena);
    const step s = take_step(learner, input, false, &learner->arena);
    double loss;

    forward(learner, &s, !learner->network->config.critic, s.dtop);
    loss = binary_cross_entropy(&s, labels);
    cv_arena_rewind(&learner->arena, mark);
    return loss;
}
