#include "family/metrics/network/convnet_blocks.h"

#include <stdio.h>
#include <string.h>

#define MOST_CHANNELS 8192
#define MOST_ROWS 65536

/* --- shapes --------------------------------------------------------------------------------------------------- */

void cv_convnet_name(char out[CV_CONVNET_NAME], const cv_convnet_block *block, const cv_convnet_step *step,
                     const char *tail)
{
    const char *own = step ? step->name : "";

    snprintf(out, CV_CONVNET_NAME, "%s%s%s%s", block->name, *own ? "." : "", own, tail);
}

cv_convnet_shape cv_convnet_shape_of(const cv_convnet_block *block, const int *widths, const cv_volume *in)
{
    cv_convnet_shape shape = { .fits = true };

    for (int s = 0; s < block->count; s++) {
        const cv_convnet_step *step = &block->steps[s];
        const cv_volume *source = cv_convnet_source(block, s, shape.steps, in);
        const cv_places places = cv_window_places(&step->window, source->size);
        cv_volume *result = &shape.steps[s];

        result->C = step->kind == CV_CONVNET_UNIT ? widths[shape.units++] : source->C;
        memcpy(result->size, places.out, sizeof result->size);
        shape.fits = shape.fits && cv_volume_count(places.out) > 0;
        shape.result.C += step->joins ? result->C : 0;
        memcpy(shape.result.size, places.out, sizeof places.out);
    }
    return shape;
}

/* The last block's result for what enters the network; false where a window does not fit. */
static bool last_shape(const cv_convnet *net, cv_volume *volume)
{
    const cv_convnet_table *table = net->config.table;
    bool fits = true;

    for (int b = 0, u = 0; b < table->count; b++) {
        cv_convnet_shape shape = cv_convnet_shape_of(&table->blocks[b], net->config.widths + u, volume);

        fits = fits && shape.fits;
        *volume = shape.result;
        u += shape.units;
    }
    return fits;
}

int cv_convnet_width(const cv_convnet *net)
{
    cv_volume volume = { .C = net->config.in };

    last_shape(net, &volume);
    return volume.C;
}

bool cv_convnet_places(const cv_convnet *net, const int size[3], int out[3])
{
    cv_volume volume = { .C = net->config.in, .size = { size[0], size[1], size[2] } };
    const bool fits = last_shape(net, &volume);

    memcpy(out, volume.size, sizeof volume.size);
    return fits;
}

/* --- tensors -------------------------------------------------------------------------------------------------- */

void cv_convnet_published(cv_convnet_config *out, const cv_convnet_table *table, int in)
{
    int units = 0;

    *out = (cv_convnet_config){ .table = table, .in = in, .scaled = true };
    for (int b = 0; b < table->count; b++) {
        const cv_convnet_block *block = &table->blocks[b];

        for (int s = 0, own = 0; s < block->count; s++)
            if (block->steps[s].kind == CV_CONVNET_UNIT)
                out->widths[units++] = block->widths[own++];
    }
}

cogvideo_status cv_convnet_measure(cv_convnet_config *out, const cv_convnet_table *table, int in, const cv_store *store,
                                   cogvideo_error *err)
{
    int units = 0;
    char name[CV_CONVNET_NAME];

    *out = (cv_convnet_config){ .table = table, .in = in };
    for (int b = 0; b < table->count; b++)
        for (int s = 0; s < table->blocks[b].count; s++) {
            const cv_convnet_step *step = &table->blocks[b].steps[s];
            const cv_tensor *tensor;

            if (step->kind != CV_CONVNET_UNIT)
                continue;
            cv_convnet_name(name, &table->blocks[b], step, table->weight);
            tensor = cv_store_find(store, name);
            if (!tensor)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has no tensor '%s', which %s has", cv_store_path(store),
                               name, table->network);
            if (tensor->rank != (table->flat ? 4 : 5) || tensor->shape[0] < 1 || tensor->shape[0] > MOST_CHANNELS)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' is no kernel of %d axes with 1 to %d channels",
                               cv_store_path(store), name, table->flat ? 4 : 5, MOST_CHANNELS);
            out->widths[units++] = (int)tensor->shape[0];
            if (table->norm) {
                cv_convnet_name(name, &table->blocks[b], step, table->norm);
                snprintf(name + strlen(name), sizeof name - strlen(name), ".weight");
                out->scaled = out->scaled || cv_store_find(store, name);
            }
        }
    return COGVIDEO_OK;
}

cogvideo_status cv_convnet_measure_rows(int *out, const cv_convnet_table *table, const char *name, int rank,
                                        const cv_store *store, cogvideo_error *err)
{
    const cv_tensor *tensor = cv_store_find(store, name);

    if (!tensor || tensor->rank != rank || tensor->shape[0] < 1 || tensor->shape[0] > MOST_ROWS)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has no '%s' of %d axes with 1 to %d rows, which %s has",
                       cv_store_path(store), name, rank, MOST_ROWS, table->network);
    *out = (int)tensor->shape[0];
    return COGVIDEO_OK;
}

static cogvideo_status bind_unit(cv_convnet_unit *out, cv_store *store, const cv_convnet_config *config,
                                 const cv_convnet_block *block, const cv_convnet_step *step, int in, int width,
                                 cogvideo_error *err)
{
    const cv_convnet_table *table = config->table;
    cogvideo_status status;
    char name[CV_CONVNET_NAME], bias[CV_CONVNET_NAME];

    cv_convnet_name(name, block, step, table->weight);
    cv_convnet_name(bias, block, step, table->bias ? table->bias : "");
    CV_TRY(cv_conv3d_claim(&out->conv, store, name, table->bias ? bias : NULL, in, width, &step->window, table->flat,
                           err));
    cv_convnet_name(name, block, step, table->norm ? table->norm : "");
    if (table->norm)
        CV_TRY(cv_batch_norm_bind(&out->norm, store, name, width, 0, config->scaled, err));
done:
    return status;
}

cogvideo_status cv_convnet_bind(cv_convnet *out, cv_store *store, const cv_convnet_config *config, cogvideo_error *err)
{
    const cv_convnet_table *table = config->table;
    cogvideo_status status = COGVIDEO_OK;
    cv_volume in = { .C = config->in };

    *out = (cv_convnet){ .config = *config };
    for (int b = 0; b < table->count; b++) {
        const cv_convnet_block *block = &table->blocks[b];
        const cv_convnet_shape shape = cv_convnet_shape_of(block, config->widths + out->unit_count, &in);

        for (int s = 0; s < block->count; s++)
            if (block->steps[s].kind == CV_CONVNET_UNIT)
                CV_TRY(bind_unit(&out->units[out->unit_count++], store, config, block, &block->steps[s],
                                 cv_convnet_source(block, s, shape.steps, &in)->C, shape.steps[s].C, err));
        in = shape.result;
    }
done:
    return status;
}

/* --- folding -------------------------------------------------------------------------------------------------- */

static size_t kernel_numbers(const cv_conv3d *conv)
{
    return (size_t)conv->out * (size_t)conv->in * (size_t)cv_volume_count(conv->window.kernel);
}

/* Numbers of a unit's folded weights and bias; 0 where it stays as it is. */
static size_t folded_numbers(const cv_convnet_unit *unit)
{
    return unit->norm.C > 0 ? kernel_numbers(&unit->conv) + (size_t)unit->conv.out : 0;
}

size_t cv_convnet_fold_bytes(const cv_convnet *bound)
{
    size_t numbers = 0;

    for (int u = 0; u < bound->unit_count; u++)
        numbers += folded_numbers(&bound->units[u]);
    return numbers * sizeof(float);
}

void cv_convnet_fold_shape(cv_convnet *out, const cv_convnet *bound)
{
    *out = *bound;
    for (int u = 0; u < bound->unit_count; u++)
        if (bound->units[u].norm.C > 0)
            out->units[u].conv.dtype = CV_F32;
}

cogvideo_status cv_convnet_fold(cv_convnet *out, const cv_convnet *bound, float epsilon, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    float *at;

    *out = *bound;
    CV_NEW(out->folded, cv_convnet_fold_bytes(bound) / sizeof(float), err);
    at = out->folded;
    for (int u = 0; u < out->unit_count; u++) {
        cv_convnet_unit *unit = &out->units[u];
        const size_t numbers = folded_numbers(unit), kernel = kernel_numbers(&unit->conv);

        if (numbers == 0)
            continue;
        unit->norm.eps = epsilon;
        cv_batch_norm_fold(&unit->norm, &unit->conv, at, at + kernel);
        unit->norm = (cv_batch_norm){ 0 };
        at += numbers;
    }
done:
    return status;
}

void cv_convnet_free(cv_convnet *folded)
{
    cv_free(folded->folded);
    *folded = (cv_convnet){ 0 };
}

/* --- a pass --------------------------------------------------------------------------------------------------- */

typedef struct pass {
    const cv_exec *exec;
    const cv_convnet_observer *observer;
    cv_arena *arena;
} pass;

static void show(const pass *p, const cv_convnet_block *block, const cv_convnet_step *step, const cv_volume *volume)
{
    char name[CV_CONVNET_NAME];

    if (!p->observer || !p->arena->base)
        return;
    cv_convnet_name(name, block, step, "");
    p->observer->seen(p->observer->user, name, volume);
}

static void run_step(const pass *p, const cv_convnet_step *step, const cv_convnet_unit *unit, const cv_volume *out,
                     const cv_volume *in)
{
    if (step->kind == CV_CONVNET_UNIT)
        cv_conv3d_apply(p->exec, &unit->conv, out->x, in->x, in->size, true, p->arena);
    else if (!p->arena->base)
        return;
    else if (step->kind == CV_CONVNET_MAX)
        cv_max_pool3d(p->exec, &step->window, out->x, in->x, in->C, in->size, true, NULL);
    else
        cv_mean_pool3d(p->exec, &step->window, out->x, in->x, in->C, in->size);
}

/* Results that join are written to their place in the block's; the others are gone after the block. */
static void run_block(const pass *p, const cv_convnet_block *block, const cv_convnet_unit *units,
                      cv_convnet_shape *shape, const cv_volume *in)
{
    const cv_volume *out = &shape->result;
    const size_t mark = cv_arena_mark(p->arena);
    int joined = 0;

    for (int s = 0; s < block->count; s++) {
        const cv_convnet_step *step = &block->steps[s];
        cv_volume *result = &shape->steps[s];

        if (!step->joins)
            result->x = cv_arena_take(p->arena, cv_volume_numbers(result), sizeof(float));
        else if (out->x)
            result->x = out->x + (size_t)joined * (size_t)cv_volume_count(out->size);
        joined += step->joins ? result->C : 0;
        run_step(p, step, units, result, cv_convnet_source(block, s, shape->steps, in));
        units += step->kind == CV_CONVNET_UNIT;
        if (*step->name)
            show(p, block, step, result);
    }
    cv_arena_rewind(p->arena, mark);
    show(p, block, NULL, out);
}

cv_volume cv_convnet_run(const cv_exec *exec, const cv_convnet *net, cv_volume in, const cv_convnet_observer *observer,
                         cv_arena *arena)
{
    const cv_convnet_table *table = net->config.table;
    const pass p = { exec, observer, arena };
    size_t room[2] = { 0, 0 };
    float *buffers[2];
    cv_volume volume = in;

    /* Blocks read from one buffer and write to the other. */
    for (int b = 0, u = 0; b < table->count; b++) {
        cv_convnet_shape shape = cv_convnet_shape_of(&table->blocks[b], net->config.widths + u, &volume);
        size_t numbers = cv_volume_numbers(&shape.result);

        room[b % 2] = numbers > room[b % 2] ? numbers : room[b % 2];
        volume = shape.result;
        u += shape.units;
    }
    for (int i = 0; i < 2; i++)
        buffers[i] = cv_arena_take(arena, room[i], sizeof(float));
    volume = in;
    for (int b = 0, u = 0; b < table->count; b++) {
        cv_convnet_shape shape = cv_convnet_shape_of(&table->blocks[b], net->config.widths + u, &volume);

        shape.result.x = buffers[b % 2];
        run_block(&p, &table->blocks[b], net->units + u, &shape, &volume);
        volume = shape.result;
        u += shape.units;
    }
    return volume;
}
