#include "train/init.h"

#include "base/hash.h"
#include "base/rng.h"

#include <math.h>

#define PI 3.14159265358979323846

static const cv_init_rule house[] = {
    { "*norm*.weight", CV_INIT_CONSTANT, 1.0f },
    { "*.bias", CV_INIT_CONSTANT, 0.0f },
    { "*embedding*", CV_INIT_NORMAL, 0.02f },
    { "*", CV_INIT_FAN_IN, 1.0f },
};

static bool matches(const char *pattern, const char *name)
{
    for (; *pattern; pattern++, name++) {
        if (*pattern == '*') {
            for (; *name; name++)
                if (matches(pattern + 1, name))
                    return true;
            return matches(pattern + 1, name);
        }
        if (*pattern != *name)
            return false;
    }
    return *name == '\0';
}

/* Box and Muller, 1958. */
void cv_init_normals(float out[4], uint64_t seed, uint64_t stream, uint64_t place)
{
    uint32_t counter[4] = { (uint32_t)place, (uint32_t)(place >> 32), (uint32_t)stream, (uint32_t)(stream >> 32) };
    uint32_t bits[4];

    cv_rng_block(bits, seed, counter);
    for (int i = 0; i < 4; i += 2) {
        double radius = sqrt(-2 * log(((double)bits[i] + 0.5) * 0x1p-32));
        double angle = 2 * PI * (double)bits[i + 1] * 0x1p-32;

        out[i] = (float)(radius * cos(angle));
        out[i + 1] = (float)(radius * sin(angle));
    }
}

static void fill(const cv_tensor *tensor, uint64_t seed, const cv_init_rule *rule)
{
    float *values = cv_tensor_values(tensor), normals[4];
    uint64_t stream = cv_hash_text(tensor->name);
    double fan_in = (double)tensor->count / (double)tensor->shape[0];
    float scale = rule->kind == CV_INIT_FAN_IN ? (float)((double)rule->value / sqrt(fan_in)) : rule->value;

    for (size_t i = 0; i < tensor->count; i++) {
        if (rule->kind == CV_INIT_CONSTANT) {
            values[i] = rule->value;
            continue;
        }
        if (i % 4 == 0)
            cv_init_normals(normals, seed, stream, i / 4);
        values[i] = normals[i % 4] * scale;
    }
}

void cv_init_store(cv_store *store, uint64_t seed, const cv_init_rule *rules, size_t count)
{
    for (size_t t = 0; t < cv_store_count(store); t++) {
        const cv_tensor *tensor = cv_store_at(store, t);
        const cv_init_rule *rule = NULL;

        for (size_t i = 0; i < count && !rule; i++)
            rule = matches(rules[i].pattern, tensor->name) ? &rules[i] : NULL;
        for (size_t i = 0; !rule; i++)
            rule = matches(house[i].pattern, tensor->name) ? &house[i] : NULL;
        fill(tensor, seed, rule);
    }
}
