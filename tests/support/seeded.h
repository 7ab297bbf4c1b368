/* seeded.h - weights as a function of their names, so that goldens need no weight files.
 *
 * u(name, i) in [-1, 1): FNV-1a 64 of "SEED:NAME", then SplitMix64 at step i + 1, the top 24 bits.
 * value = f16(offset + scale * u), offset and scale chosen by the name's kind. */
#ifndef TESTS_SEEDED_H
#define TESTS_SEEDED_H

#include "tensor/store_write.h"

/* u(name, i) before offset and scale. */
float seeded_unit(int seed, const char *name, uint64_t i);

/* One tensor of a network, for the list that becomes a file. */
typedef struct seeded_tensor {
    char name[120];
    int rank;
    size_t shape[5];
    int seed;
    bool changed; /* element `at` is `value`, as in a damaged file */
    uint64_t at;
    float value;
} seeded_tensor;

typedef struct seeded_list {
    seeded_tensor *tensors;
    size_t count, capacity;
} seeded_list;

/* Adds a tensor; `dimensions` are `rank` ints. */
void seeded_add(seeded_list *list, int seed, const char *name, int rank, ...);
/* Adds every tensor of a store, such as the plan to which a network was bound. */
void seeded_add_store(seeded_list *list, int seed, const cv_store *store);
void seeded_list_free(seeded_list *list);

/* The seeded value of element i of a listed tensor, an f16-exact number. */
float seeded_value(const seeded_tensor *tensor, uint64_t i);
/* The values of `count` elements from `first` on. */
void seeded_values(const seeded_tensor *tensor, uint64_t first, size_t count, float *out);

/* Fills a store in memory. */
void seeded_fill(cv_store *store, int seed);

/* Writes all tensors to a safetensors file in `dtype` (f32, f16 or bf16). Aborts the test on failure. */
void seeded_write(const seeded_list *list, const char *path, cv_dtype dtype);

#endif
