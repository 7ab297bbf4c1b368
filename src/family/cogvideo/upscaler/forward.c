#include "family/cogvideo/trunk/rows.h"
#include "family/cogvideo/upscaler/neighbours.h"
#include "family/cogvideo/upscaler/network.h"

/* Queries handed to attention at a time. */
#define QUERIES 512
/* Places whose logits exist at a time: enough that widening the word embeddings costs little beside the product. */
#define LOGIT_PLACES 240

/* Everything that a run keeps; floats are [places or rows, C] where nothing else is said. */
typedef struct buffers {
    float *context;   /* text and low codes */
    float *context_q; /* their queries, then what attention gives */
    cv_kv_cache base; /* keys and values of the context in this layer */
    float *places;    /* of the result */
    float *places_q;
    cv_kv_cache plus;            /* keys and values of the places in this layer */
    cv_attention_query *queries; /* [QUERIES] */
    cv_run *runs;                /* [QUERIES][runs_each] */
    float *logits;               /* [LOGIT_PLACES, image_codes] */
    cv_rows_scratch rows;
} buffers;

typedef struct pass {
    const cv_exec *exec;
    const cv_upscaler *upscaler;
    buffers buffers;
    int text_count;
    int context_count; /* text and low codes */
    int place_count;
} pass;

static int own_rows(const cv_upscaler_config *config)
{
    return 2 * config->own_kernel - 1;
}

static int runs_each(const cv_upscaler_config *config)
{
    return config->cross_kernel + own_rows(config);
}

/* The most keys that one query sees. */
static int max_keys(const cv_upscaler_config *config)
{
    int context = config->text_places + config->grid * config->grid;
    int around = config->cross_kernel * config->cross_kernel + own_rows(config) * config->own_kernel;

    return context > around ? context : around;
}

/* The same takes measure the scratch and carve it. */
static buffers take_buffers(cv_arena *arena, const cv_exec *exec, const cv_upscaler_config *config)
{
    int context = config->text_places + config->grid * config->grid;
    int places = config->upscaled_grid * config->upscaled_grid;
    size_t C = (size_t)config->hidden;
    buffers b;

    b.context = cv_arena_take(arena, (size_t)context * C, sizeof(float));
    b.context_q = cv_arena_take(arena, (size_t)context * C, sizeof(float));
    b.base = cv_kv_cache_take(arena, CV_WEIGHT_F32, 1, context, config->hidden, config->heads);
    b.places = cv_arena_take(arena, (size_t)places * C, sizeof(float));
    b.places_q = cv_arena_take(arena, (size_t)places * C, sizeof(float));
    b.plus = cv_kv_cache_take(arena, CV_WEIGHT_F32, 1, places, config->hidden, config->heads);
    b.queries = cv_arena_take(arena, QUERIES, sizeof(cv_attention_query));
    b.runs = cv_arena_take(arena, QUERIES * (size_t)runs_each(config), sizeof(cv_run));
    b.logits = cv_arena_take(arena, LOGIT_PLACES * (size_t)config->image_codes, sizeof(float));
    b.rows = cv_rows_take(arena, exec, config->hidden, config->mlp);
    cv_arena_reserve(arena, cv_attention_scratch(exec, max_keys(config), config->hidden / config->heads));
    return b;
}

size_t cv_upscaler_scratch(const cv_upscaler *upscaler, const cv_exec *exec)
{
    cv_arena measure = { 0 };

    take_buffers(&measure, exec, &upscaler->config);
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

/* out = the embedding of an id at a row of a position table. */
static void embed(float *out, const cv_trunk *trunk, int id, const cv_tensor *positions, int position)
{
    cv_weight_widen(out, &trunk->word_embeddings, id);
    cv_embedding_add(out, positions, position, trunk->hidden);
}

static void embed_all(const pass *run, const int32_t *text, const int32_t *low_codes)
{
    const cv_upscaler *upscaler = run->upscaler;
    const cv_trunk *trunk = &upscaler->trunk;
    size_t C = (size_t)trunk->hidden;
    float *low = run->buffers.context + (size_t)run->text_count * C;

    for (int t = 0; t < run->text_count; t++)
        embed(run->buffers.context + (size_t)t * C, trunk, text[t], trunk->positions, t);
    for (int i = 0; i < run->context_count - run->text_count; i++)
        embed(low + (size_t)i * C, trunk, low_codes[i], trunk->positions, upscaler->config.low_position + i);
    for (int i = 0; i < run->place_count; i++)
        embed(run->buffers.places + (size_t)i * C, trunk, upscaler->config.start_of_image, upscaler->extra_positions,
              i);
}

/* --- attention ------------------------------------------------------------------------------------------------ */

static void attend(const pass *run, int count)
{
    const cv_upscaler_config *config = &run->upscaler->config;

    cv_attention(run->exec, run->buffers.queries, count, config->heads, config->hidden / config->heads,
                 max_keys(config), run->buffers.rows.arena);
}

/* Text sees text; low codes see text and low codes. */
static void attend_context(const pass *run)
{
    const buffers *b = &run->buffers;
    size_t C = (size_t)run->upscaler->config.hidden;

    b->runs[0] = (cv_run){ .first = 0, .count = run->text_count };
    b->runs[1] = (cv_run){ .first = 0, .count = run->context_count };
    for (int first = 0; first < run->context_count; first += QUERIES) {
        int count = run->context_count - first < QUERIES ? run->context_count - first : QUERIES;

        for (int i = 0; i < count; i++) {
            float *q = b->context_q + (size_t)(first + i) * C;

            b->queries[i] = (cv_attention_query){ .q = q, .out = q, .source_count = 1 };
            b->queries[i].sources[0] = (cv_attention_source){
                .keys = cv_kv_cache_keys(&b->base, 0),
                .values = cv_kv_cache_values(&b->base, 0),
                .positions = b->base.positions,
                .runs = &b->runs[first + i < run->text_count ? 0 : 1],
                .run_count = 1,
            };
        }
        attend(run, count);
    }
}

/* What one place sees: the low codes around its own, and its neighbours. */
static cv_attention_query place_query(const pass *run, int place, cv_run *runs)
{
    const buffers *b = &run->buffers;
    const cv_upscaler_config *config = &run->upscaler->config;
    int factor = config->upscaled_grid / config->grid;
    int row = place / config->upscaled_grid, column = place % config->upscaled_grid;
    float *q = b->places_q + (size_t)place * (size_t)config->hidden;
    cv_run *own = runs + config->cross_kernel;
    cv_attention_query query = { .q = q, .out = q, .source_count = 2 };

    query.sources[0] = (cv_attention_source){
        .keys = cv_kv_cache_keys(&b->base, 0),
        .values = cv_kv_cache_values(&b->base, 0),
        .positions = b->base.positions,
        .runs = runs,
        .run_count = cv_neighbours(runs, config->grid, row / factor, column / factor, config->cross_kernel,
                                   config->cross_kernel),
    };
    for (int r = 0; r < query.sources[0].run_count; r++)
        runs[r].first += run->text_count; /* low codes stand behind the text */
    query.sources[1] = (cv_attention_source){
        .keys = cv_kv_cache_keys(&b->plus, 0),
        .values = cv_kv_cache_values(&b->plus, 0),
        .positions = b->plus.positions,
        .runs = own,
        .run_count = cv_neighbours(own, config->upscaled_grid, row, column, own_rows(config), config->own_kernel),
    };
    return query;
}

static void attend_places(const pass *run)
{
    int each = runs_each(&run->upscaler->config);

    for (int first = 0; first < run->place_count; first += QUERIES) {
        int count = run->place_count - first < QUERIES ? run->place_count - first : QUERIES;

        for (int i = 0; i < count; i++)
            run->buffers.queries[i] = place_query(run, first + i, run->buffers.runs + (size_t)i * (size_t)each);
        attend(run, count);
    }
}

/* --- layers --------------------------------------------------------------------------------------------------- */

static void context_layer(const pass *run, const cv_trunk_layer *layer)
{
    const buffers *b = &run->buffers;

    attend_context(run);
    cv_rows_add_dense(run->exec, &layer->dense, &layer->third_norm, b->context, b->context_q, run->context_count,
                      &b->rows);
    cv_rows_add_mlp(run->exec, layer, b->context, run->context_count, &b->rows);
}

static void places_layer(const pass *run, const cv_trunk_layer *layer, const cv_upscaler_plus *plus)
{
    const buffers *b = &run->buffers;

    cv_rows_project(run->exec, &layer->input_norm, &plus->qkv, b->places, run->place_count, b->places_q, &b->plus, 0,
                    &b->rows);
    attend_places(run);
    cv_rows_add_dense(run->exec, &plus->dense, &layer->third_norm, b->places, b->places_q, run->place_count, &b->rows);
    cv_rows_add_mlp(run->exec, layer, b->places, run->place_count, &b->rows);
}

/* The context goes ahead of the places, on which it does not depend; after the last layer nobody needs it. */
static void one_layer(const pass *run, int n)
{
    const buffers *b = &run->buffers;
    const cv_trunk_layer *layer = &run->upscaler->trunk.layers[n];

    cv_rows_project(run->exec, &layer->input_norm, &layer->qkv, b->context, run->context_count, b->context_q, &b->base,
                    0, &b->rows);
    if (n + 1 < run->upscaler->config.layers)
        context_layer(run, layer);
    places_layer(run, layer, &run->upscaler->plus[n]);
}

static void give_logits(const pass *run, const cv_upscaler_callbacks *callbacks)
{
    const buffers *b = &run->buffers;
    const cv_trunk *trunk = &run->upscaler->trunk;
    cv_linear head = cv_trunk_head(trunk, run->upscaler->config.image_codes);
    size_t C = (size_t)trunk->hidden;

    for (int first = 0; first < run->place_count; first += LOGIT_PLACES) {
        int count = run->place_count - first < LOGIT_PLACES ? run->place_count - first : LOGIT_PLACES;
        float *x = b->places + (size_t)first * C;

        cv_layer_norm_apply(run->exec, &trunk->final_norm, x, x, count);
        cv_linear_rows(run->exec, &head, b->logits, (size_t)head.weight.N, x, C, count, b->rows.arena);
        callbacks->logits(callbacks->user, first, count, b->logits);
    }
}

cogvideo_status cv_upscaler_run(const cv_exec *exec, const cv_upscaler *upscaler, const int32_t *text, int text_count,
                                const int32_t *low_codes, const cv_upscaler_callbacks *callbacks, cv_arena *arena,
                                cogvideo_error *err)
{
    cogvideo_status status;
    const cv_upscaler_config *config = &upscaler->config;
    size_t mark = cv_arena_mark(arena);
    pass run = { .exec = exec, .upscaler = upscaler, .text_count = text_count };

    CV_TRY(check_inputs(config, text, text_count, low_codes, err));
    run.buffers = take_buffers(arena, exec, config);
    run.context_count = text_count + config->grid * config->grid;
    run.place_count = config->upscaled_grid * config->upscaled_grid;
    embed_all(&run, text, low_codes);
    for (int n = 0; n < config->layers; n++) {
        one_layer(&run, n);
        if (callbacks->layer && callbacks->layer(callbacks->user, n + 1, config->layers) != 0) {
            status = cv_fail(err, COGVIDEO_ERROR_CANCELLED, "super-resolution was stopped after layer %d of %d", n + 1,
                             config->layers);
            goto done;
        }
    }
    give_logits(&run, callbacks);
done:
    cv_arena_rewind(arena, mark);
    return status;
}
