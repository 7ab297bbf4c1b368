#include "family/cogvideo/trunk/local.h"

#include "family/cogvideo/trunk/neighbours.h"

#include <string.h>

/* Places whose logits exist at a time: enough that widening the word embeddings costs little beside the product. */
#define LOGIT_PLACES 240

static int own_rows(const cv_local *local)
{
    return 2 * local->kernel - 1;
}

/* The most keys that a place sees. */
static int max_keys(const cv_local *local)
{
    return local->context_keys + own_rows(local) * local->kernel;
}

void cv_local_take(cv_local *local, cv_arena *arena)
{
    const size_t places = (size_t)local->side * (size_t)local->side, C = (size_t)local->trunk->hidden;
    const size_t runs = (size_t)(local->context_runs + own_rows(local));

    local->x = cv_arena_take(arena, places * C, sizeof(float));
    local->q = cv_arena_take(arena, places * C, sizeof(float));
    local->own = cv_kv_cache_take(arena, CV_WEIGHT_F32, 1, (int)places, (int)C, local->heads);
    local->queries = cv_arena_take(arena, CV_LOCAL_QUERIES, sizeof(cv_attention_query));
    local->runs = cv_arena_take(arena, CV_LOCAL_QUERIES * runs, sizeof(cv_key_run));
    local->normed = cv_arena_take(arena, LOGIT_PLACES * C, sizeof(float));
    local->logits = cv_arena_take(arena, LOGIT_PLACES * (size_t)local->image_codes, sizeof(float));
    local->rows = cv_rows_take(arena, local->exec, (int)C, local->mlp);
    cv_arena_reserve(arena, cv_attention_scratch(local->exec, max_keys(local), (int)C / local->heads));
}

void cv_local_embed(const cv_local *local, int place, int32_t id, const cv_tensor *positions, int position)
{
    cv_trunk_embed(local->trunk, local->x + (size_t)place * (size_t)local->trunk->hidden, id, positions, position);
}

static cv_attention_query query_of(const cv_local *local, int layer, int place, cv_key_run *runs)
{
    float *q = local->q + (size_t)place * (size_t)local->trunk->hidden;
    cv_key_run *own = runs + local->context_runs;
    cv_attention_query query = { .q = q, .out = q, .source_count = 2 };

    query.sources[0] = local->context(local->user, layer, place, runs);
    query.sources[1] = (cv_attention_source){
        .keys = cv_kv_cache_keys(&local->own, 0),
        .values = cv_kv_cache_values(&local->own, 0),
        .positions = local->own.positions,
        .runs = own,
        .run_count =
            cv_neighbours(own, local->side, place / local->side, place % local->side, own_rows(local), local->kernel),
    };
    return query;
}

static void attend(const cv_local *local, int layer)
{
    const int places = local->side * local->side, runs = local->context_runs + own_rows(local);

    for (int first = 0; first < places; first += CV_LOCAL_QUERIES) {
        const int count = places - first < CV_LOCAL_QUERIES ? places - first : CV_LOCAL_QUERIES;

        for (int i = 0; i < count; i++)
            local->queries[i] = query_of(local, layer, first + i, local->runs + (size_t)i * (size_t)runs);
        cv_attention(local->exec, local->queries, count, local->heads, local->trunk->hidden / local->heads,
                     max_keys(local), local->rows.arena);
    }
}

void cv_local_layer(const cv_local *local, int n, const cv_linear *qkv, const cv_linear *dense)
{
    const cv_trunk_layer *layer = &local->trunk->layers[n];
    const int places = local->side * local->side;

    cv_rows_project(local->exec, &layer->input_norm, qkv, local->x, places, local->q, &local->own, 0, 0, &local->rows);
    attend(local, n);
    cv_rows_add_dense(local->exec, dense, &layer->third_norm, local->x, local->q, places, &local->rows);
    cv_rows_add_mlp(local->exec, layer, local->x, places, &local->rows);
}

void cv_local_logits(const cv_local *local, const int *places, int count, cv_local_logits_fn *give, void *user)
{
    const cv_linear head = cv_trunk_head(local->trunk, local->image_codes);
    const size_t C = (size_t)local->trunk->hidden;

    for (int first = 0; first < count; first += LOGIT_PLACES) {
        const int some = count - first < LOGIT_PLACES ? count - first : LOGIT_PLACES;

        for (int i = 0; i < some; i++)
            memcpy(local->normed + (size_t)i * C, local->x + (size_t)(places ? places[first + i] : first + i) * C,
                   C * sizeof *local->normed);
        cv_layer_norm_apply(local->exec, &local->trunk->final_norm, local->normed, local->normed, some);
        cv_linear_rows(local->exec, &head, local->logits, (size_t)head.weight.N, local->normed, C, some,
                       local->rows.arena);
        give(user, first, some, local->logits);
    }
}
