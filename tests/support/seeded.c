#include "support/seeded.h"

#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t name_hash(int seed, const char *name)
{
    char text[200];
    uint64_t hash = 0xcbf29ce484222325;

    snprintf(text, sizeof text, "%d:%s", seed, name);
    for (const char *c = text; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    return hash;
}

static float unit_at(uint64_t hash, uint64_t i)
{
    uint64_t z = hash + 0x9E3779B97F4A7C15 * (i + 1);

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

float seeded_unit(int seed, const char *name, uint64_t i)
{
    return unit_at(name_hash(seed, name), i);
}

static bool ends_in(const char *name, const char *tail)
{
    size_t n = strlen(name), t = strlen(tail);

    return n >= t && strcmp(name + n - t, tail) == 0;
}

static bool any_part_begins(const char *name, const char *start)
{
    for (const char *part = name; part; part = strpbrk(part, "./") ? strpbrk(part, "./") + 1 : NULL)
        if (strncmp(part, start, strlen(start)) == 0)
            return true;
    return false;
}

/* The kinds of the metrics' networks, which go before the others. Parts of a name end at dots and slashes. */
static bool metric_rule(const char *name, float *offset, float *scale)
{
    static const struct {
        const char *last;
        float offset, scale;
    } rules[] = {
        { "running_mean", 0, 1.0f / 4 },
        { "running_var", 1.0f / 4, 3.0f / 16 },
        { "logit_scale", 2.5f, 1.0f / 8 },
        { "class_embedding", 0, 1.0f / 2 },
        { "positional_embedding", 0, 1.0f / 2 },
        { "bias", 0, 1.0f / 8 },
        { "b", 0, 1.0f / 8 },
    };
    const char *last = name + strlen(name);

    while (last > name && last[-1] != '.' && last[-1] != '/')
        last--;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(last, rules[i].last) == 0) {
            *offset = rules[i].offset;
            *scale = rules[i].scale;
            return true;
        }
    if (strcmp(name, "mean") == 0) {
        *offset = 104;
        *scale = 24;
    } else if (ends_in(name, "_bias")) {
        *offset = 0;
        *scale = 1.0f / 8;
    } else if (ends_in(name, "token_embedding.weight")) {
        *offset = 0;
        *scale = 1.0f / 2;
    } else if (strcmp(last, "weight") == 0 && (any_part_begins(name, "bn") || any_part_begins(name, "ln_"))) {
        *offset = 1;
        *scale = 1.0f / 4;
    } else {
        return false;
    }
    return true;
}

static void name_rule(const seeded_tensor *tensor, float *offset, float *scale)
{
    double fan = 1;

    if (metric_rule(tensor->name, offset, scale))
        return;
    *offset = 0;
    if (ends_in(tensor->name, ".bias")) {
        *scale = 1.0f / 8;
    } else if (strstr(tensor->name, "norm") && ends_in(tensor->name, ".weight")) {
        *offset = 1;
        *scale = 1.0f / 4;
    } else if (strstr(tensor->name, "word_embeddings") || strstr(tensor->name, "position_embeddings")) {
        *scale = 1.0f / 2;
    } else if (strstr(tensor->name, "attn_distribution")) {
        *scale = 2;
    } else if (ends_in(tensor->name, "embed.weight")) {
        *scale = 1;
    } else {
        for (int i = 1; i < tensor->rank; i++)
            fan *= (double)tensor->shape[i];
        *scale = (float)exp2(1 - ceil(log2(fan) / 2));
    }
}

void seeded_values(const seeded_tensor *tensor, uint64_t first, size_t count, float *out)
{
    uint64_t hash = name_hash(tensor->seed, tensor->name);
    float offset, scale;

    name_rule(tensor, &offset, &scale);
    for (size_t i = 0; i < count; i++)
        out[i] = cv_f16_to_f32(cv_f32_to_f16(offset + scale * unit_at(hash, first + i)));
    if (tensor->changed && tensor->at >= first && tensor->at - first < count)
        out[tensor->at - first] = tensor->value;
}

float seeded_value(const seeded_tensor *tensor, uint64_t i)
{
    float value;

    seeded_values(tensor, i, 1, &value);
    return value;
}

static seeded_tensor *add(seeded_list *list, int seed, const char *name, int rank)
{
    seeded_tensor *tensor;

    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->tensors = realloc(list->tensors, list->capacity * sizeof *list->tensors);
        if (!list->tensors)
            abort();
    }
    tensor = &list->tensors[list->count++];
    *tensor = (seeded_tensor){ .rank = rank, .seed = seed };
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    return tensor;
}

void seeded_add(seeded_list *list, int seed, const char *name, int rank, ...)
{
    seeded_tensor *tensor = add(list, seed, name, rank);
    va_list dimensions;

    va_start(dimensions, rank);
    for (int i = 0; i < rank; i++)
        tensor->shape[i] = (size_t)va_arg(dimensions, int);
    va_end(dimensions);
}

void seeded_add_store(seeded_list *list, int seed, const cv_store *store)
{
    for (size_t t = 0; t < cv_store_count(store); t++) {
        const cv_tensor *from = cv_store_at(store, t);
        seeded_tensor *tensor = add(list, seed, from->name, from->rank);

        for (int i = 0; i < from->rank; i++)
            tensor->shape[i] = from->shape[i];
    }
}

void seeded_fill(cv_store *store, int seed)
{
    seeded_list list = { 0 };

    seeded_add_store(&list, seed, store);
    for (size_t t = 0; t < list.count; t++)
        seeded_values(&list.tensors[t], 0, cv_store_at(store, t)->count, cv_tensor_values(cv_store_at(store, t)));
    seeded_list_free(&list);
}

void seeded_list_free(seeded_list *list)
{
    free(list->tensors);
    *list = (seeded_list){ 0 };
}

static void require(cogvideo_status status, const cogvideo_error *err)
{
    if (status != COGVIDEO_OK) {
        fprintf(stderr, "%s\n", err->message);
        abort();
    }
}

void seeded_write(const seeded_list *list, const char *path, cv_dtype dtype)
{
    enum { CHUNK = 4096 };
    cogvideo_error err;
    cv_store_writer *writer;
    float values[CHUNK];
    char bytes[4 * CHUNK];

    require(cv_store_writer_create(&writer, path, &err), &err);
    for (size_t t = 0; t < list->count; t++)
        require(cv_store_writer_declare(writer, list->tensors[t].name, dtype, list->tensors[t].rank,
                                        list->tensors[t].shape, &err),
                &err);
    for (size_t t = 0; t < list->count; t++) {
        const seeded_tensor *tensor = &list->tensors[t];
        size_t count = 1;

        for (int d = 0; d < tensor->rank; d++)
            count *= tensor->shape[d];
        for (size_t first = 0; first < count; first += CHUNK) {
            size_t n = count - first < CHUNK ? count - first : CHUNK;

            seeded_values(tensor, first, n, values);
            cv_from_f32(bytes, dtype, values, n);
            require(cv_store_writer_data(writer, bytes, n * cv_dtype_size(dtype), &err), &err);
        }
    }
    require(cv_store_writer_commit(&writer, &err), &err);
}
