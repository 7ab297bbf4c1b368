#include "family/phenaki/network/masked_network.h"

#include "base/parallel.h"
#include "nn/embedding.h"

#include <stdio.h>

#define AXES 3 /* of a distance: time, row, column */

/* --- opening -------------------------------------------------------------------------------------------------- */

static cv_blocks_config blocks_of(const cv_masked_config *config)
{
    return (cv_blocks_config){ .layers = config->layers,
                               .width = config->width,
                               .heads = config->heads,
                               .head_width = config->head_width,
                               .inner = config->inner,
                               .text_width = config->text_width,
                               .peg = CV_PEG_TRUE,
                               .cosine = config->cosine };
}

cogvideo_status cv_masked_open(cv_masked **out, const cv_masked_config *config, cv_store *store, cogvideo_error *err)
{
    const cv_blocks_config blocks = blocks_of(config);
    cogvideo_status status;
    cv_masked *network = NULL;

    CV_NEW(network, 1, err);
    network->config = *config;
    CV_TRY(cv_embedding_bind(&network->tokens, store, "token_emb.weight", config->codes + 1, config->width, err));
    CV_TRY(cv_embedding_bind(&network->places, store, "pos_emb.weight", config->places, config->width, err));
    if (!config->critic)
        CV_TRY(cv_position_bias_bind(&network->bias, store, "continuous_pos_bias.", AXES, config->head_width,
                                     config->heads, err));
    CV_TRY(cv_blocks_bind(&network->blocks, &blocks, store, "transformer.", err));
    CV_TRY(config->critic ? cv_linear_bind(&network->top, store, "to_logits.0", 1, config->width, true, err)
                          : cv_linear_bind(&network->top, store, "to_logits", config->codes, config->width, true, err));
    *out = network;
    return COGVIDEO_OK;
done:
    cv_masked_close(&network);
    return status;
}

void cv_masked_close(cv_masked **network)
{
    if (!*network)
        return;
    cv_blocks_free(&(*network)->blocks);
    cv_free(*network);
    *network = NULL;
}

const cv_masked_config *cv_masked_config_of(const cv_masked *network)
{
    return &network->config;
}

cogvideo_status cv_self_critic_bind(cv_self_critic *out, cv_store *store, int width, cogvideo_error *err)
{
    return cv_linear_bind(&out->to_pred, store, "to_pred.0", 1, width, true, err);
}

/* --- boxes up to the last norm -------------------------------------------------------------------------------- */

size_t cv_masked_bias_numbers(const cv_masked *network, const cv_masked_input *input)
{
    const size_t places = (size_t)input->T * (size_t)input->h * (size_t)input->w;

    return network->config.critic ? 0 : (size_t)network->config.heads * places * places;
}

void cv_masked_pass_take(cv_masked_pass *pass, cv_arena *arena)
{
    const cv_masked *network = pass->network;
    const cv_masked_input *input = &pass->input;
    const size_t bias = cv_masked_bias_numbers(network, input);

    pass->x = cv_arena_take(arena, (size_t)cv_masked_rows(input), (size_t)network->config.width * sizeof *pass->x);
    pass->bias = bias > 0 ? cv_arena_take(arena, bias, sizeof *pass->bias) : NULL;
    pass->blocks = (cv_blocks_pass){ .exec = pass->exec,
                                     .blocks = &network->blocks,
                                     .axis = CV_OVER_ALL,
                                     .batch = input->batch,
                                     .T = input->T,
                                     .h = input->h,
                                     .w = input->w,
                                     .bias = pass->bias,
                                     .seen = input->seen,
                                     .text = network->config.text_width > 0 ? input->text : NULL,
                                     .text_mask = input->text_mask,
                                     .text_rows = input->text_rows,
                                     .training = pass->training,
                                     .q8_inputs = pass->exec->q8_inputs && !pass->training,
                                     .observer = pass->observer,
                                     .user = pass->user };
    cv_blocks_pass_take(&pass->blocks, arena);
    if (bias > 0)
        cv_arena_reserve(arena, cv_position_bias_scratch(pass->exec, &network->bias, input->T, input->h, input->w));
}

/* x = the vectors of ids and places. */
static void embed(const cv_masked_pass *pass)
{
    const cv_masked *network = pass->network;
    const int rows = cv_masked_rows(&pass->input), places = rows / pass->input.batch, C = network->config.width;

#pragma omp parallel for schedule(static) num_threads(pass->exec->threads) if ((long)rows * C > CV_PARALLEL_WORK)
    for (int r = 0; r < rows; r++) {
        float *x = pass->x + (size_t)r * (size_t)C;

        cv_embedding_row(x, network->tokens, pass->input.ids[r], C);
        cv_embedding_add(x, network->places, r % places, C);
    }
}

void cv_masked_pass_run(const cv_masked_pass *pass, cv_arena *arena)
{
    const cv_masked_input *input = &pass->input;

    if (pass->bias)
        cv_position_bias_apply(pass->exec, &pass->network->bias, pass->bias, input->T, input->h, input->w, arena);
    embed(pass);
    cv_blocks_pass_run(&pass->blocks, pass->x, arena);
}

/* --- forward -------------------------------------------------------------------------------------------------- */

/* Shows what the blocks show under the names of the whole network. */
typedef struct shown {
    cv_masked_observer *seen;
    void *user;
    size_t numbers;
} shown;

static void show(void *user, const char *name, const float *x)
{
    const shown *of = user;
    char text[60];

    snprintf(text, sizeof text, "layers.%s", name);
    of->seen(of->user, text, x, of->numbers);
}

size_t cv_masked_scratch(const cv_exec *exec, const cv_masked *network, const cv_masked_input *input)
{
    cv_masked_pass pass = { .exec = exec, .network = network, .input = *input };
    cv_arena measure = { 0 };

    cv_masked_pass_take(&pass, &measure);
    cv_arena_reserve(&measure, cv_linear_many_scratch(exec, network->config.width));
    return measure.peak;
}

/* Of what the last norm gives, the second half is mixed into the first. */
static void guide(const cv_masked_pass *pass)
{
    const float guidance = pass->input.guidance;
    const size_t rows = (size_t)cv_masked_rows(&pass->input) / 2, C = (size_t)pass->network->config.width;

#pragma omp parallel for schedule(static) num_threads(pass->exec->threads) if (rows * C > CV_PARALLEL_WORK)
    for (size_t r = 0; r < rows; r++) {
        float *x = pass->x + r * C;
        const float *null = x + rows * C;

        for (size_t c = 0; c < C; c++)
            x[c] = null[c] + guidance * (x[c] - null[c]);
    }
}

void cv_masked_run(const cv_exec *exec, const cv_masked *network, const cv_self_critic *self,
                   const cv_masked_input *input, float *out, cv_masked_observer *seen, void *user, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    const int C = network->config.width, all = cv_masked_rows(input),
              rows = all / input->batch * cv_masked_boxes(input);
    const cv_linear *top = self ? &self->to_pred : &network->top;
    const int N = top->weight.N;
    shown of = { seen, user, (size_t)all * (size_t)C };
    cv_masked_pass pass = { .exec = exec,
                            .network = network,
                            .input = *input,
                            .observer = seen ? show : NULL,
                            .user = &of };

    cv_masked_pass_take(&pass, arena);
    cv_masked_pass_run(&pass, arena);
    if (input->guidance != 0)
        guide(&pass);
    cv_linear_many(exec, top, out, (size_t)N, false, pass.x, (size_t)C, rows, arena);
    if (seen && pass.bias)
        seen(user, "bias", pass.bias, cv_masked_bias_numbers(network, input));
    if (seen)
        seen(user, N == 1 ? "scores" : "logits", out, (size_t)rows * (size_t)N);
    cv_arena_rewind(arena, mark);
}
