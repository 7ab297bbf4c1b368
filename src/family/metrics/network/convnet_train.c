#include "family/metrics/network/convnet_train.h"

#include "family/metrics/network/convnet_blocks.h"

#include <string.h>

static void *take(cv_arena *arena, const cv_volume *volume, int B)
{
    return cv_arena_take(arena, (size_t)B * cv_volume_numbers(volume), sizeof(float));
}

/* --- forward -------------------------------------------------------------------------------------------------- */

static void forward_unit(const cv_exec *exec, const cv_convnet_unit *unit, cv_convnet_record *record,
                         const cv_convnet_tape *tape, const cv_volume *result, const cv_volume *source, cv_arena *arena)
{
    cv_batch_norm norm = unit->norm;

    record->z = take(arena, result, tape->B);
    record->mean = cv_arena_take(arena, (size_t)result->C, sizeof(float));
    record->scale = cv_arena_take(arena, (size_t)result->C, sizeof(float));
    record->batch_mean = cv_arena_take(arena, (size_t)result->C, sizeof(float));
    record->batch_variance = cv_arena_take(arena, (size_t)result->C, sizeof(float));
    cv_conv3d_apply_batch(exec, &unit->conv, record->z, source->x, tape->B, source->size, false, arena);
    if (!arena->base)
        return;
    /* Statistics "run" into the record alone: with momentum 1 they become the batch's. */
    memset(record->batch_mean, 0, (size_t)result->C * sizeof(float));
    memset(record->batch_variance, 0, (size_t)result->C * sizeof(float));
    norm.mean = record->batch_mean;
    norm.variance = record->batch_variance;
    norm.eps = tape->epsilon;
    cv_batch_norm_train(exec, &norm, record->y, record->z, tape->B, cv_volume_count(result->size), true, 1,
                        record->mean, record->scale);
}

/* Copies the channels of one step from or to those of its block, which begin at `first`. */
static void join(float *block, const cv_volume *result, float *step, const cv_volume *volume, int first, int B,
                 bool out)
{
    const size_t places = (size_t)cv_volume_count(volume->size), numbers = cv_volume_numbers(volume);

    for (int b = 0; b < B; b++) {
        float *whole = block + (size_t)b * cv_volume_numbers(result) + (size_t)first * places;
        float *part = step + (size_t)b * numbers;

        memcpy(out ? whole : part, out ? part : whole, numbers * sizeof(float));
    }
}

static void forward_block(const cv_exec *exec, const cv_convnet_block *block, const cv_convnet_unit *units,
                          cv_convnet_tape *tape, cv_convnet_record *records, cv_convnet_shape *shape,
                          const cv_volume *in, cv_arena *arena)
{
    const int B = tape->B;

    shape->result.x = take(arena, &shape->result, B);
    for (int s = 0, joined = 0; s < block->count; s++) {
        const cv_convnet_step *step = &block->steps[s];
        const cv_volume *source = cv_convnet_source(block, s, shape->steps, in);
        cv_volume *result = &shape->steps[s];
        cv_convnet_record *record = &records[s];

        record->y = result->x = block->count == 1 ? shape->result.x : take(arena, result, B);
        if (step->kind == CV_CONVNET_UNIT) {
            forward_unit(exec, units++, record, tape, result, source, arena);
        } else {
            record->largest = take(arena, result, B);
            if (arena->base)
                cv_max_pool3d(exec, &step->window, result->x, source->x, B * source->C, source->size, true,
                              record->largest);
        }
        if (step->joins && block->count > 1 && arena->base)
            join(shape->result.x, &shape->result, result->x, result, joined, B, true);
        joined += step->joins ? result->C : 0;
    }
}

cv_volume cv_convnet_train_forward(const cv_exec *exec, const cv_convnet *net, cv_convnet_tape *tape, cv_volume in,
                                   int B, float epsilon, const cv_convnet_observer *observer, cv_arena *arena)
{
    const cv_convnet_table *table = net->config.table;
    cv_volume volume = in;

    tape->B = B;
    tape->epsilon = epsilon;
    tape->in = in;
    for (int b = 0, u = 0; b < table->count; b++) {
        cv_convnet_shape shape = cv_convnet_shape_of(&table->blocks[b], net->config.widths + u, &volume);

        forward_block(exec, &table->blocks[b], net->units + u, tape, tape->records[b], &shape, &volume, arena);
        tape->results[b] = volume = shape.result;
        u += shape.units;
        if (arena->base) {
            cv_volume all = volume;

            all.C *= B;
            cv_convnet_show(observer, table->blocks[b].name, all);
        }
    }
    return volume;
}

/* --- backward ------------------------------------------------------------------------------------------------- */

static void zero(float *x, const cv_volume *volume, int B)
{
    memset(x, 0, (size_t)B * cv_volume_numbers(volume) * sizeof *x);
}

/* Gradients of the steps' results before any step adds to them: those of results that join are parts of dout. */
static void split(const cv_convnet_block *block, cv_convnet_shape *shape, float *dout, int B, cv_arena *arena)
{
    for (int s = 0, joined = 0; s < block->count; s++) {
        cv_volume *result = &shape->steps[s];

        result->x = block->count == 1 ? dout : take(arena, result, B);
        if (block->steps[s].joins && block->count > 1 && arena->base)
            join(dout, &shape->result, result->x, result, joined, B, false);
        else if (!block->steps[s].joins && arena->base)
            zero(result->x, result, B);
        joined += block->steps[s].joins ? result->C : 0;
    }
}

/* `in` is what entered the block, `din` its gradient, which is added to; NULL x: not wanted. */
static void backward_block(const cv_exec *exec, const cv_convnet_block *block, const cv_convnet_unit *units,
                           const cv_convnet_unit *grads, const cv_convnet_tape *tape, const cv_convnet_record *records,
                           cv_convnet_shape *d, const cv_volume *in, const cv_volume *din, cv_arena *arena)
{
    const int B = tape->B;

    for (int s = block->count - 1, u = d->units; s >= 0; s--) {
        const cv_convnet_step *step = &block->steps[s];
        const cv_convnet_record *record = &records[s];
        const cv_volume *result = &d->steps[s], *to = cv_convnet_source(block, s, d->steps, din);
        const float *x = step->back > 0 ? records[s - step->back].y : in->x;

        if (step->kind != CV_CONVNET_UNIT) {
            if (arena->base)
                cv_max_pool3d_backward(exec, to->x, result->x, record->largest, B * result->C, to->size, result->size);
            continue;
        }
        u--;
        if (arena->base)
            cv_batch_norm_backward(exec, &units[u].norm, &grads[u].norm, result->x, result->x, record->z, record->y, B,
                                   cv_volume_count(result->size), true, record->mean, record->scale);
        cv_conv3d_backward_batch(exec, &units[u].conv, &grads[u].conv, to->x, result->x, x, B, to->size, arena);
    }
}

void cv_convnet_train_backward(const cv_exec *exec, const cv_convnet *net, const cv_convnet *grad,
                               const cv_convnet_tape *tape, float *dresult, cv_arena *arena)
{
    const cv_convnet_table *table = net->config.table;
    const size_t mark = cv_arena_mark(arena);
    float *buffers[2], *dout = dresult;
    const cv_volume *largest = &tape->in;

    for (int b = 0; b < table->count; b++)
        if (cv_volume_numbers(&tape->results[b]) > cv_volume_numbers(largest))
            largest = &tape->results[b];
    for (int i = 0; i < 2; i++)
        buffers[i] = take(arena, largest, tape->B);
    for (int b = table->count - 1, u = net->unit_count; b >= 0; b--) {
        const cv_convnet_block *block = &table->blocks[b];
        const cv_volume *in = b > 0 ? &tape->results[b - 1] : &tape->in;
        const size_t inner = cv_arena_mark(arena);
        cv_volume din = *in;
        cv_convnet_shape d;

        for (int s = 0; s < block->count; s++)
            u -= block->steps[s].kind == CV_CONVNET_UNIT;
        d = cv_convnet_shape_of(block, net->config.widths + u, in);
        din.x = b > 0 ? buffers[b % 2] : NULL; /* nobody asks for the gradient of pixels */
        if (din.x)
            zero(din.x, in, tape->B);
        split(block, &d, dout, tape->B, arena);
        backward_block(exec, block, net->units + u, grad->units + u, tape, tape->records[b], &d, in, &din, arena);
        dout = din.x;
        cv_arena_rewind(arena, inner);
    }
    cv_arena_rewind(arena, mark);
}

/* --- running statistics --------------------------------------------------------------------------------------- */

static void follow(const float *running, const float *batch, int count, float momentum)
{
    float *to = (float *)running; /* of a store in memory, which its network reads only */

    for (int i = 0; i < count; i++)
        to[i] = (1 - momentum) * to[i] + momentum * batch[i];
}

void cv_convnet_train_keep(const cv_convnet *net, const cv_convnet_tape *tape, float momentum)
{
    const cv_convnet_table *table = net->config.table;

    for (int b = 0, u = 0; b < table->count; b++)
        for (int s = 0; s < table->blocks[b].count; s++)
            if (table->blocks[b].steps[s].kind == CV_CONVNET_UNIT) {
                const cv_batch_norm *norm = &net->units[u++].norm;
                const cv_convnet_record *record = &tape->records[b][s];

                follow(norm->mean, record->batch_mean, norm->C, momentum);
                follow(norm->variance, record->batch_variance, norm->C, momentum);
            }
}
