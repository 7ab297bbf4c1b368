#include "nn/cosine_attention.h"

#include "base/parallel.h"
#include "nn/cosine_attention_head.h"

#include <math.h>

/* Rows that a thread takes at once. It lays a head's keys out anew only where the rows before were another head's. */
#define CHUNK 256

/* Memory of a thread. */
typedef struct memory {
    float *panels, *values;  /* of keys; [keys][width], and of keys before they are in panels */
    float *queries, *mixed;  /* [tile][width] */
    float *weights, *places; /* [tile][stride], [stride] */
    int *at;                 /* [keys] */
} memory;

static memory take_memory(const cv_cosine_room *room, cv_arena *arena)
{
    const size_t tile = (size_t)room->tile;
    memory m = { .panels = cv_arena_take(arena, room->panels, sizeof(float)) };

    m.values = cv_arena_take(arena, room->rows, sizeof(float));
    m.queries = cv_arena_take(arena, tile * room->width, sizeof(float));
    m.mixed = cv_arena_take(arena, tile * room->width, sizeof(float));
    m.weights = cv_arena_take(arena, tile * room->stride, sizeof(float));
    m.places = cv_arena_take(arena, room->stride, sizeof(float));
    m.at = cv_arena_take(arena, (size_t)room->keys, sizeof(int));
    return m;
}

/* Bytes of a thread. */
static size_t memory_bytes(const cv_cosine_room *room)
{
    cv_arena measure = { 0 };

    take_memory(room, &measure);
    return measure.peak;
}

size_t cv_cosine_attention_scratch(const cv_exec *exec, const cv_cosine_attention *sizes)
{
    const cv_cosine_room room = cv_cosine_room_of(exec, sizes);
    cv_arena measure = { 0 };

    cv_arena_take(&measure, (size_t)exec->threads, memory_bytes(&room));
    return measure.peak;
}

/* A head whose keys and values are laid out. */
typedef struct laid_out {
    const cv_exec *exec;
    const cv_cosine_attention *s;
    const cv_cosine_room *room;
    memory m;
    int item, head, seen;
} laid_out;

static void lay_out(laid_out *h, int item, int head, const float *kv)
{
    const memory *m = &h->m;

    h->item = item;
    h->head = head;
    h->seen = cv_cosine_seen(h->s, item, m->at);
    cv_cosine_take(h->exec, h->s, item, head, kv, m->at, h->seen, false, h->room, m->values);
    cv_cosine_panels(h->exec, h->s, h->room, h->seen, m->values, m->panels);
    cv_cosine_take(h->exec, h->s, item, head, kv, m->at, h->seen, true, h->room, m->values);
}

/* Rows first .. first + count - 1, at most a tile. */
static void run_tile(const laid_out *h, int first, int count, float *out, const float *q)
{
    const cv_cosine_attention *s = h->s;
    const memory *m = &h->m;
    const size_t width = h->room->width, stride = h->room->stride, step = (size_t)s->heads * (size_t)s->D,
                 at = ((size_t)h->item * (size_t)s->rows + (size_t)first) * step + (size_t)h->head * (size_t)s->D;
    float sums[CV_COSINE_TILE];

    for (int r = 0; r < count; r++)
        h->exec->kernels.unit(m->queries + (size_t)r * width, (int)width, q + at + (size_t)r * step, s->q_scale,
                              s->scale, s->D);
    cv_cosine_products(h->exec, s, h->room, h->seen, m->weights, m->queries, count, m->panels);
    for (int r = 0; r < count; r++)
        sums[r] =
            cv_cosine_weigh(h->exec, s, h->head, first + r, m->at, h->seen, m->weights + (size_t)r * stride, m->places);
    h->exec->kernels.product(m->mixed, width, m->weights, stride, 1, count, m->values, width, h->seen, (int)width,
                             false);
    for (int r = 0; r < count; r++)
        for (int d = 0; d < s->D; d++)
            out[at + (size_t)r * step + (size_t)d] = m->mixed[(size_t)r * width + (size_t)d] * (1 / sums[r]);
}

void cv_cosine_attention_apply(const cv_exec *exec, const cv_cosine_attention *sizes, float *out, const float *q,
                               const float *kv, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    const cv_cosine_room room = cv_cosine_room_of(exec, sizes);
    const size_t bytes = memory_bytes(&room);
    const long heads = sizes->heads, items = sizes->items;
    char *all = cv_arena_take(arena, (size_t)exec->threads, bytes);

#pragma omp parallel num_threads(exec->threads)
    {
        cv_arena own = cv_arena_over(all + (size_t)cv_thread_index() * bytes, bytes);
        laid_out h = { .exec = exec, .s = sizes, .room = &room, .m = take_memory(&room, &own), .item = -1 };

        /* Where there is a bias, items follow each other within a head, so that the head's part of it stays in the
         * cache; else heads within an item, whose rows they lie side by side in. */
#pragma omp for schedule(static) collapse(2)
        for (long part = 0; part < heads * items; part++)
            for (int chunk = 0; chunk < sizes->rows; chunk += CHUNK) {
                const int head = (int)(sizes->bias ? part / items : part % heads),
                          item = (int)(sizes->bias ? part % items : part / heads),
                          end = chunk + CHUNK < sizes->rows ? chunk + CHUNK : sizes->rows;

                if (item != h.item || head != h.head)
                    lay_out(&h, item, head, kv);
                for (int first = chunk; first < end; first += room.tile)
                    run_tile(&h, first, end - first < room.tile ? end - first : room.tile, out, q);
            }
    }
    cv_arena_rewind(arena, mark);
}

void cv_alibi_slopes(float *slopes, int heads)
{
    int power = 1;

    while (2 * power <= heads)
        power *= 2;
    for (int i = 0; i < power && i < heads; i++)
        slopes[i] = (float)pow(2.0, -8.0 / power * (i + 1));
    for (int i = power; i < heads; i++)
        slopes[i] = (float)pow(2.0, -4.0 / power * (2 * (i - power) + 1));
}
