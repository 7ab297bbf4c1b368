#include "family/cogvideo/trunk/local.h"
#include "family/cogvideo/trunk/neighbours.h"
#include "family/cogvideo/upscaler/network.h"

/* The text and the low codes: [rows, C] where nothing else is said. */
typedef struct context {
    float *x, *q;       /* the residual stream; queries, then what attention gives */
    cv_kv_cache base;   /* keys and values in the layer at work */
    cv_key_run seen[2]; /* by text, by low codes */
    int text, count;    /* text places; text and low codes */
} context;

typedef struct pass {
    const cv_exec *exec;
    const cv_upscaler *upscaler;
    context context;
    cv_local local; /* the places of the result */
} pass;

static int max_context(const cv_upscaler_config *config)
{
    return config->text_places + config->grid * config->grid;
}

/* What one place sees of the context: the low codes around its own. */
static cv_attention_source around(void *user, int layer, int place, cv_key_run *runs)
{
    const pass *run = user;
    const cv_upscaler_config *config = &run->upscaler->config;
    const int factor = config->upscaled_grid / config->grid;
    const int row = place / config->upscaled_grid / factor, column = place % config->upscaled_grid / factor;
    const int count = cv_neighbours(runs, config->grid, row, column, config->cross_kernel, config->cross_kernel);

    (void)layer; /* the context keeps one layer's keys at a time */
    for (int r = 0; r < count; r++)
        runs[r].first += run->context.text; /* low codes stand behind the text */
    return (cv_attention_source){
        .keys = cv_kv_cache_keys(&run->context.base, 0),
        .values = cv_kv_cache_values(&run->context.base, 0),
        .positions = run->context.base.positions,
        .runs = runs,
        .run_count = count,
    };
}

/* The same takes measure the scratch and carve it. */
static void take_buffers(pass *run, cv_arena *arena)
{
    const cv_upscaler_config *config = &run->upscaler->config;
    const int rows = max_context(config);
    const size_t C = (size_t)config->hidden;

    run->context.x = cv_arena_take(arena, (size_t)rows * C, sizeof(float));
    run->context.q = cv_arena_take(arena, (size_t)rows * C, sizeof(float));
    run->context.base = cv_kv_cache_take(arena, CV_WEIGHT_F32, 1, rows, config->hidden, config->heads);
    run->local = (cv_local){ .exec = run->exec,
                             .trunk = &run->upscaler->trunk,
                             .heads = config->heads,
                             .mlp = config->mlp,
                             .image_codes = config->image_codes,
                             .side = config->upscaled_grid,
                             .kernel = config->own_kernel,
                             .context = around,
                             .context_runs = config->cross_kernel,
                             .context_keys = config->cross_kernel * config->cross_kernel,
                             .user = run };
    cv_local_take(&run->local, arena);
    cv_arena_reserve(arena, cv_attention_scratch(run->exec, rows, config->hidden / config->heads));
}

size_t cv_upscaler_scratch(const cv_upscaler *upscaler, const cv_exec *exec)
{
    pass run = { .exec = exec, .upscaler = upscaler };
    cv_arena measure = { 0 };

    take_buffers(&run, &measure);
    return measure.peak;
}

/* --- inputs --------------------------------------------------------------------------------------------------- */

static cogvideo_status check_inputs(const cv_upscaler_config *config, const int32_t *text, int text_count,
                                    const int32_t *low_codes, cogvideo_error *err)
{
    if (text_count < 0 || text_count > config->text_places)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the text for super-resolution has %d ids, there is room for %d",
                       text_count, config->text_places);
    for (int t = 0; t < text_count; t++)
        if (text[t] < 0 || text[t] >= config->vocabulary)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "text id %d is %d, a number from 0 to %d was expected", t,
                           (int)text[t], config->vocabulary - 1);
    for (int i = 0; i < config->grid * config->grid; i++)
        if (low_codes[i] < 0 || low_codes[i] >= config->image_codes)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "code %d of the picture is %d, a number from 0 to %d was expected", i, (int)low_codes[i],
                           config->image_codes - 1);
    return COGVIDEO_OK;
}

static void embed_all(const pass *run, const int32_t *text, const int32_t *low_codes)
{
    const cv_upscaler *upscaler = run->upscaler;
    const cv_trunk *trunk = &upscaler->trunk;
    const int places = upscaler->config.upscaled_grid * upscaler->config.upscaled_grid;
    const size_t C = (size_t)trunk->hidden;
    float *low = run->context.x + (size_t)run->context.text * C;

    for (int t = 0; t < run->context.text; t++)
        cv_trunk_embed(trunk, run->context.x + (size_t)t * C, text[t], trunk->positions, t);
    for (int i = 0; i < run->context.count - run->context.text; i++)
        cv_trunk_embed(trunk, low + (size_t)i * C, low_codes[i], trunk->positions, upscaler->config.low_position + i);
    for (int i = 0; i < places; i++)
        cv_local_embed(&run->local, i, upscaler->config.start_of_image, upscaler->extra_positions, i);
}

/* --- layers --------------------------------------------------------------------------------------------------- */

/* Text sees text; low codes see text and low codes. */
static void attend_context(const pass *run)
{
    const cv_upscaler_config *config = &run->upscaler->config;
    const context *c = &run->context;
    const size_t C = (size_t)config->hidden;

    for (int first = 0; first < c->count; first += CV_LOCAL_QUERIES) {
        const int count = c->count - first < CV_LOCAL_QUERIES ? c->count - first : CV_LOCAL_QUERIES;

        for (int i = 0; i < count; i++) {
            float *q = c->q + (size_t)(first + i) * C;

            run->local.queries[i] = (cv_attention_query){ .q = q, .out = q, .source_count = 1 };
            run->local.queries[i].sources[0] = (cv_attention_source){
                .keys = cv_kv_cache_keys(&c->base, 0),
                .values = cv_kv_cache_values(&c->base, 0),
                .positions = c->base.positions,
                .runs = &c->seen[first + i < c->text ? 0 : 1],
                .run_count = 1,
            };
        }
        cv_attention(run->exec, run->local.queries, count, config->heads, config->hidden / config->heads,
                     max_context(config), run->local.rows.arena);
    }
}

static void context_layer(const pass *run, const cv_trunk_layer *layer)
{
    const context *c = &run->context;

    attend_context(run);
    cv_rows_add_dense(run->exec, &layer->dense, &layer->third_norm, c->x, c->q, c->count, &run->local.rows);
    cv_rows_add_mlp(run->exec, layer, c->x, c->count, &run->local.rows);
}

/* The context goes ahead of the places, on which it does not depend; after the last layer nobody needs it. */
static void one_layer(const pass *run, int n)
{
    const context *c = &run->context;
    const cv_trunk_layer *layer = &run->upscaler->trunk.layers[n];

    cv_rows_project(run->exec, &layer->input_norm, &layer->qkv, c->x, c->count, c->q, &c->base, 0, 0, &run->local.rows);
    if (n + 1 < run->upscaler->config.layers)
        context_layer(run, layer);
    cv_local_layer(&run->local, n, &run->upscaler->plus[n].qkv, &run->upscaler->plus[n].dense);
}

cogvideo_status cv_upscaler_run(const cv_exec *exec, const cv_upscaler *upscaler, const int32_t *text, int text_count,
                                const int32_t *low_codes, const cv_upscaler_callbacks *callbacks, cv_arena *arena,
                                cogvideo_error *err)
{
    cogvideo_status status;
    const cv_upscaler_config *config = &upscaler->config;
    size_t mark = cv_arena_mark(arena);
    pass run = { .exec = exec, .upscaler = upscaler };

    CV_TRY(check_inputs(config, text, text_count, low_codes, err));
    run.context.text = text_count;
    run.context.count = text_count + config->grid * config->grid;
    run.context.seen[0] = (cv_key_run){ 0, text_count };
    run.context.seen[1] = (cv_key_run){ 0, run.context.count };
    take_buffers(&run, arena);
    embed_all(&run, text, low_codes);
    for (int n = 0; n < config->layers; n++) {
        one_layer(&run, n);
        if (callbacks->layer && callbacks->layer(callbacks->user, n + 1, config->layers) != 0) {
            status = cv_fail(err, COGVIDEO_ERROR_CANCELLED, "super-resolution was stopped after layer %d of %d", n + 1,
                             config->layers);
            goto done;
        }
    }
    cv_local_logits(&run.local, NULL, config->upscaled_grid * config->upscaled_grid, callbacks->logits,
                    callbacks->user);
done:
    cv_arena_rewind(arena, mark);
    return status;
}
