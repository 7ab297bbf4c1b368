#include "support/phenaki_seeded.h"

#include "support/seeded.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool last_part_is(const char *name, const char *part)
{
    const char *dot = strrchr(name, '.');

    return strcmp(dot ? dot + 1 : name, part) == 0;
}

static void rule(const char *name, int rank, const size_t *shape, float *offset, float *scale)
{
    double fan = 1;

    *offset = 0;
    if (last_part_is(name, "bias")) {
        *scale = 1.0f / 8;
    } else if (last_part_is(name, "gamma") || last_part_is(name, "q_scale") || last_part_is(name, "k_scale") ||
               (last_part_is(name, "weight") && rank == 1)) {
        *offset = 1;
        *scale = 1.0f / 4;
    } else if (strstr(name, "token_emb") || strstr(name, "pos_emb") || strstr(name, "shared") ||
               strstr(name, "relative_attention_bias")) {
        *scale = 1.0f / 2;
    } else if (last_part_is(name, "null_kv") || last_part_is(name, "embed")) {
        *scale = 1;
    } else if (last_part_is(name, "cluster_size")) {
        *offset = 2;
        *scale = 1;
    } else {
        for (int i = 1; i < rank; i++)
            fan *= (double)shape[i];
        *scale = (float)exp2(1 - ceil(log2(fan) / 2));
    }
}

static float value_at(int seed, const char *name, float offset, float scale, size_t i)
{
    return cv_f16_to_f32(cv_f32_to_f16(offset + scale * seeded_unit(seed, name, i)));
}

/* A row of a codebook has length 1. */
static float unit_at(int seed, const char *name, size_t width, size_t i)
{
    const size_t first = i / width * width;
    double sum = 0;

    for (size_t k = 0; k < width; k++)
        sum += pow((double)value_at(seed, name, 0, 1, first + k), 2);
    return (float)((double)value_at(seed, name, 0, 1, i) / sqrt(sum));
}

/* The sum of what a code stood for: its vector, as often as it was used. */
static float average_at(int seed, const char *name, size_t width, size_t i)
{
    char other[160];
    int stem = (int)(strlen(name) - strlen("embed_avg"));
    float size;

    snprintf(other, sizeof other, "%.*scluster_size", stem, name);
    size = value_at(seed, other, 2, 1, i / width);
    snprintf(other, sizeof other, "%.*sembed", stem, name);
    return unit_at(seed, other, width, i) * size;
}

void phenaki_seeded_values(int seed, const char *name, int rank, const size_t *shape, size_t first, size_t count,
                           float *out)
{
    float offset, scale;

    if (last_part_is(name, "beta")) {
        memset(out, 0, count * sizeof *out);
        return;
    }
    rule(name, rank, shape, &offset, &scale);
    for (size_t i = 0; i < count; i++)
        if (last_part_is(name, "embed"))
            out[i] = unit_at(seed, name, shape[rank - 1], first + i);
        else if (last_part_is(name, "embed_avg"))
            out[i] = average_at(seed, name, shape[rank - 1], first + i);
        else
            out[i] = value_at(seed, name, offset, scale, first + i);
}

void phenaki_seeded_fill(cv_store *store, const char *prefix, int seed)
{
    const size_t skipped = strlen(prefix);

    for (size_t t = 0; t < cv_store_count(store); t++) {
        const cv_tensor *tensor = cv_store_at(store, t);

        if (strncmp(tensor->name, prefix, skipped) == 0)
            phenaki_seeded_values(seed, tensor->name + skipped, tensor->rank, tensor->shape, 0, tensor->count,
                                  cv_tensor_values(tensor));
    }
}
