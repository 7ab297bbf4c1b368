#include "family/cogvideo/refiner/network.h"

/* --- the text ------------------------------------------------------------------------------------------------- */

/* The text's rows: [text_places, C]. */
typedef struct text_rows {
    float *x, *q;
    cv_attention_query *queries; /* [text_places] */
    cv_rows_scratch rows;
} text_rows;

static text_rows take_rows(cv_arena *arena, const cv_exec *exec, const cv_refiner_config *config)
{
    const size_t places = (size_t)config->text_places, C = (size_t)config->hidden;
    text_rows t;

    t.x = cv_arena_take(arena, places * C, sizeof(float));
    t.q = cv_arena_take(arena, places * C, sizeof(float));
    t.queries = cv_arena_take(arena, places, sizeof(cv_attention_query));
    t.rows = cv_rows_take(arena, exec, config->hidden, config->mlp);
    cv_arena_reserve(arena, cv_attention_scratch(exec, config->text_places, config->hidden / config->heads));
    return t;
}

static cv_kv_cache take_cache(cv_arena *arena, const cv_refiner_config *config)
{
    return cv_kv_cache_take(arena, CV_WEIGHT_F32, config->layers, config->text_places, config->hidden, config->heads);
}

static cv_attention_source all_text(const cv_refiner_text *text, int layer, cv_key_run *run)
{
    *run = (cv_key_run){ 0, text->count };
    return (cv_attention_source){
        .keys = cv_kv_cache_keys(&text->cache, layer),
        .values = cv_kv_cache_values(&text->cache, layer),
        .positions = text->cache.positions,
        .runs = run,
        .run_count = text->count > 0,
    };
}

static void text_layer(const cv_exec *exec, const cv_refiner *refiner, const cv_refiner_text *text, const text_rows *t,
                       int n)
{
    const cv_refiner_config *config = &refiner->config;
    const cv_trunk_layer *layer = &refiner->trunk.layers[n];
    const size_t C = (size_t)config->hidden;
    cv_key_run run;

    cv_rows_project(exec, &layer->input_norm, &layer->qkv, t->x, text->count, t->q, &text->cache, n, 0, &t->rows);
    for (int i = 0; i < text->count; i++) {
        float *q = t->q + (size_t)i * C;

        t->queries[i] =
            (cv_attention_query){ .q = q, .out = q, .sources = { all_text(text, n, &run) }, .source_count = 1 };
    }
    cv_attention(exec, t->queries, text->count, config->heads, config->hidden / config->heads, config->text_places,
                 t->rows.arena);
    cv_rows_add_dense(exec, &layer->dense, &layer->third_norm, t->x, t->q, text->count, &t->rows);
    cv_rows_add_mlp(exec, layer, t->x, text->count, &t->rows);
}

cogvideo_status cv_refiner_read(cv_refiner_text *out, const cv_exec *exec, const cv_refiner *refiner,
                                const int32_t *text, int count, cv_arena *arena, cogvideo_error *err)
{
    const cv_refiner_config *config = &refiner->config;
    const cv_refiner_text read = { .cache = take_cache(arena, config),
                                   .count = count < config->text_places ? count : config->text_places };
    const size_t mark = cv_arena_mark(arena);
    const text_rows t = take_rows(arena, exec, config);
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < read.count; i++) {
        if (text[i] < 0 || text[i] >= config->vocabulary) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "text id %d is %d, a number from 0 to %d was expected", i,
                             (int)text[i], config->vocabulary - 1);
            goto done;
        }
        cv_trunk_embed(&refiner->trunk, t.x + (size_t)i * (size_t)config->hidden, text[i], refiner->trunk.positions, i);
    }
    for (int n = 0; n < config->layers && read.count > 0; n++)
        text_layer(exec, refiner, &read, &t, n);
    *out = read;
done:
    cv_arena_rewind(arena, mark);
    return status;
}

/* --- the picture ---------------------------------------------------------------------------------------------- */

static cv_attention_source context(void *user, int layer, int place, cv_key_run *runs)
{
    (void)place; /* all see the whole text */
    return all_text(user, layer, runs);
}

static cv_local local_of(const cv_exec *exec, const cv_refiner *refiner, cv_refiner_text *text)
{
    const cv_refiner_config *config = &refiner->config;

    return (cv_local){ .exec = exec,
                       .trunk = &refiner->trunk,
                       .heads = config->heads,
                       .mlp = config->mlp,
                       .image_codes = config->image_codes,
                       .side = config->upscaled_grid,
                       .kernel = config->own_kernel,
                       .context = context,
                       .context_runs = 1,
                       .context_keys = config->text_places,
                       .user = text };
}

size_t cv_refiner_text_bytes(const cv_refiner *refiner)
{
    cv_arena measure = { 0 };

    take_cache(&measure, &refiner->config);
    return measure.peak;
}

size_t cv_refiner_scratch(const cv_refiner *refiner, const cv_exec *exec)
{
    cv_local local = local_of(exec, refiner, NULL);
    cv_arena measure = { 0 };
    size_t text;

    take_rows(&measure, exec, &refiner->config);
    text = measure.peak;
    measure = (cv_arena){ 0 };
    cv_local_take(&local, &measure);
    return text > measure.peak ? text : measure.peak;
}

static cogvideo_status embed(const cv_local *local, const cv_refiner *refiner, const int32_t *codes, const int *places,
                             int count, cogvideo_error *err)
{
    const cv_refiner_config *config = &refiner->config;

    for (int i = 0, next = 0; i < config->upscaled_grid * config->upscaled_grid; i++) {
        const bool drawn = next < count && places[next] == i;

        next += drawn;
        if (!drawn && (codes[i] < 0 || codes[i] >= config->image_codes))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "code %d of the picture is %d, a number from 0 to %d was expected", i, (int)codes[i],
                           config->image_codes - 1);
        cv_local_embed(local, i, drawn ? config->start_of_image : codes[i], refiner->extra_positions, i);
    }
    return COGVIDEO_OK;
}

cogvideo_status cv_refiner_run(const cv_exec *exec, const cv_refiner *refiner, const cv_refiner_text *text,
                               const int32_t *codes, const int *places, int count,
                               const cv_refiner_callbacks *callbacks, cv_arena *arena, cogvideo_error *err)
{
    const int layers = refiner->config.layers;
    const size_t mark = cv_arena_mark(arena);
    cv_refiner_text seen = *text;
    cv_local local = local_of(exec, refiner, &seen);
    cogvideo_status status;

    cv_local_take(&local, arena);
    CV_TRY(embed(&local, refiner, codes, places, count, err));
    for (int n = 0; n < layers; n++) {
        cv_local_layer(&local, n, &refiner->trunk.layers[n].qkv, &refiner->trunk.layers[n].dense);
        if (callbacks->layer && callbacks->layer(callbacks->user, n + 1, layers) != 0) {
            status =
                cv_fail(err, COGVIDEO_ERROR_CANCELLED, "the refiner was stopped after layer %d of %d", n + 1, layers);
            goto done;
        }
    }
    cv_local_logits(&local, places, count, callbacks->logits, callbacks->user);
done:
    cv_arena_rewind(arena, mark);
    return status;
}
