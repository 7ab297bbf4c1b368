#include "family/metrics/network/convnet.h"

#include <stdio.h>
#include <string.h>

#define NAME 128
#define MOST_CHANNELS 8192

/* "BLOCK.STEP", or the block's name alone; then `tail`. */
static void step_name(char out[NAME], const cv_convnet_block *block, const cv_convnet_step *step, const char *tail)
{
    snprintf(out, NAME, "%s%s%s%s", block->name, *step->name ? "." : "", step->name, tail);
}

/* --- sizes ---------------------------------------------------------------------------------------------------- */

/* Walks through the steps of one block: channels of the results, and of all that join. */
typedef struct channels {
    int of[CV_CONVNET_STEPS], joined;
} channels;

static int read_from(const channels *c, int s, int back, int in)
{
    return back > 0 ? c->of[s - back] : in;
}

static channels channels_of(const cv_convnet_block *block, int in, const int *widths)
{
    channels c = { .joined = 0 };

    for (int s = 0; s < block->count; s++) {
        const cv_convnet_step *step = &block->steps[s];

        c.of[s] = step->kind == CV_CONVNET_UNIT ? *widths++ : read_from(&c, s, step->back, in);
        c.joined += step->joins ? c.of[s] : 0;
    }
    return c;
}

static int units_of(const cv_convnet_block *block)
{
    int units = 0;

    for (int s = 0; s < block->count; s++)
        units += block->steps[s].kind == CV_CONVNET_UNIT;
    return units;
}

int cv_convnet_width(const cv_convnet *net)
{
    const cv_convnet_table *table = net->config.table;
    const int *widths = net->config.widths;
    int width = net->config.in;

    for (int b = 0; b < table->count; b++) {
        width = channels_of(&table->blocks[b], width, widths).joined;
        widths += units_of(&table->blocks[b]);
    }
    return width;
}

/* Where the result of a step stands, given that of what enters its block; false where its window does not fit. All
 * results that join have the size of the last. */
static bool block_places(const cv_convnet_block *block, const int in[3], int sizes[CV_CONVNET_STEPS][3])
{
    for (int s = 0; s < block->count; s++) {
        const cv_convnet_step *step = &block->steps[s];
        cv_places places = cv_window_places(&step->window, step->back > 0 ? sizes[s - step->back] : in);

        memcpy(sizes[s], places.out, sizeof sizes[s]);
        if (cv_volume_count(places.out) == 0)
            return false;
    }
    return true;
}

bool cv_convnet_places(const cv_convnet *net, const int size[3], int out[3])
{
    const cv_convnet_table *table = net->config.table;
    int sizes[CV_CONVNET_STEPS][3];

    memcpy(out, size, 3 * sizeof *out);
    for (int b = 0; b < table->count; b++) {
        if (!block_places(&table->blocks[b], out, sizes))
            return false;
        memcpy(out, sizes[table->blocks[b].count - 1], 3 * sizeof *out);
    }
    return true;
}

/* --- tensors -------------------------------------------------------------------------------------------------- */

void cv_convnet_published(cv_convnet_config *out, const cv_convnet_table *table, int in)
{
    int units = 0;

    *out = (cv_convnet_config){ .table = table, .in = in, .scaled = true };
    for (int b = 0; b < table->count; b++)
        for (int u = 0; u < units_of(&table->blocks[b]); u++)
            out->widths[units++] = table->blocks[b].widths[u];
}

cogvideo_status cv_convnet_measure(cv_convnet_config *out, const cv_convnet_table *table, int in, const cv_store *store,
                                   cogvideo_error *err)
{
    int units = 0;
    char name[NAME];

    *out = (cv_convnet_config){ .table = table, .in = in };
    for (int b = 0; b < table->count; b++)
        for (int s = 0; s < table->blocks[b].count; s++) {
            const cv_convnet_step *step = &table->blocks[b].steps[s];
            const cv_tensor *tensor;

            if (step->kind != CV_CONVNET_UNIT)
                continue;
            step_name(name, &table->blocks[b], step, table->weight);
            tensor = cv_store_find(store, name);
            if (!tensor)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has no tensor '%s', which %s has", cv_store_path(store),
                               name, table->network);
            if (tensor->rank != (table->flat ? 4 : 5) || tensor->shape[0] < 1 || tensor->shape[0] > MOST_CHANNELS)
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' is no kernel of %d axes with 1 to %d channels",
                               cv_store_path(store), name, table->flat ? 4 : 5, MOST_CHANNELS);
            out->widths[units++] = (int)tensor->shape[0];
            if (table->norm) {
                step_name(name, &table->blocks[b], step, table->norm);
                snprintf(name + strlen(name), sizeof name - strlen(name), ".weight");
                out->scaled = out->scaled || cv_store_find(store, name);
            }
        }
    return COGVIDEO_OK;
}

static cogvideo_status bind_unit(cv_convnet_unit *out, cv_store *store, const cv_convnet_config *config,
                                 const cv_convnet_block *block, const cv_convnet_step *step, int in, int width,
                                 cogvideo_error *err)
{
    const cv_convnet_table *table = config->table;
    cogvideo_status status;
    char name[NAME], bias[NAME];

    step_name(name, block, step, table->weight);
    step_name(bias, block, step, table->bias ? table->bias : "");
    CV_TRY(cv_conv3d_claim(&out->conv, store, name, table->bias ? bias : NULL, in, width, &step->window, table->flat,
                           err));
    step_name(name, block, step, table->norm ? table->norm : "");
    if (table->norm)
        CV_TRY(cv_batch_norm_bind(&out->norm, store, name, width, 0, config->scaled, err));
done:
    return status;
}

cogvideo_status cv_convnet_bind(cv_convnet *out, cv_store *store, const cv_convnet_config *config, cogvideo_error *err)
{
    const cv_convnet_table *table = config->table;
    cogvideo_status status = COGVIDEO_OK;
    int in = config->in;

    *out = (cv_convnet){ .config = *config };
    for (int b = 0; b < table->count; b++) {
        const cv_convnet_block *block = &table->blocks[b];
        channels c = channels_of(block, in, config->widths + out->unit_count);

        for (int s = 0; s < block->count; s++)
            if (block->steps[s].kind == CV_CONVNET_UNIT)
                CV_TRY(bind_unit(&out->units[out->unit_count++], store, config, block, &block->steps[s],
                                 read_from(&c, s, block->steps[s].back, in), c.of[s], err));
        in = c.joined;
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
    char name[NAME];

    if (!p->observer || !p->arena->base)
        return;
    snprintf(name, sizeof name, "%s%s%s", block->name, step ? "." : "", step ? step->name : "");
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
static void run_block(const pass *p, const cv_convnet_block *block, const cv_convnet_unit *units, const int *widths,
                      const cv_volume *out, const cv_volume *in)
{
    const channels c = channels_of(block, in->C, widths);
    const size_t mark = cv_arena_mark(p->arena);
    cv_volume results[CV_CONVNET_STEPS];
    int sizes[CV_CONVNET_STEPS][3], joined = 0;

    block_places(block, in->size, sizes);
    for (int s = 0; s < block->count; s++) {
        const cv_convnet_step *step = &block->steps[s];
        cv_volume *result = &results[s];

        *result = (cv_volume){ .C = c.of[s], .size = { sizes[s][0], sizes[s][1], sizes[s][2] } };
        if (!step->joins)
            result->x = cv_arena_take(p->arena, cv_volume_numbers(result), sizeof(float));
        else if (out->x)
            result->x = out->x + (size_t)joined * (size_t)cv_volume_count(out->size);
        joined += step->joins ? result->C : 0;
        run_step(p, step, units, result, step->back > 0 ? &results[s - step->back] : in);
        units += step->kind == CV_CONVNET_UNIT;
        if (*step->name)
            show(p, block, step, result);
    }
    cv_arena_rewind(p->arena, mark);
    show(p, block, NULL, out);
}

/* What block `b` gives, without numbers. */
static cv_volume block_result(const cv_convnet_block *block, const int *widths, const cv_volume *in)
{
    int sizes[CV_CONVNET_STEPS][3];
    const int *size = sizes[block->count - 1];

    block_places(block, in->size, sizes);
    return (cv_volume){ .C = channels_of(block, in->C, widths).joined, .size = { size[0], size[1], size[2] } };
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
        size_t numbers;

        volume = block_result(&table->blocks[b], net->config.widths + u, &volume);
        numbers = cv_volume_numbers(&volume);
        room[b % 2] = numbers > room[b % 2] ? numbers : room[b % 2];
        u += units_of(&table->blocks[b]);
    }
    for (int i = 0; i < 2; i++)
        buffers[i] = cv_arena_take(arena, room[i], sizeof(float));
    volume = in;
    for (int b = 0, u = 0; b < table->count; b++) {
        cv_volume out = block_result(&table->blocks[b], net->config.widths + u, &volume);

        out.x = buffers[b % 2];
        run_block(&p, &table->blocks[b], net->units + u, net->config.widths + u, &out, &volume);
        volume = out;
        u += units_of(&table->blocks[b]);
    }
    return volume;
}
