/* memory.h - the keys and values that attention reads: of some layers, some places each. */
#ifndef CV_NN_MEMORY_H
#define CV_NN_MEMORY_H

#include "base/arena.h"

/* Keys and values, [layers][H][places][D] each. */
typedef struct cv_memory {
    float *keys, *values;
    int places;
    size_t layer_stride, head_stride; /* in floats */
} cv_memory;

/* A memory without keys and values: its strides. */
cv_memory cv_memory_of(int places, int hidden, int heads);
/* One whose keys and values are taken from an arena (NULL while that measures). */
cv_memory cv_memory_take(cv_arena *arena, int layers, int places, int hidden, int heads);
/* Bytes of the keys and values. */
size_t cv_memory_bytes(int layers, int places, int hidden);
/* All keys and values to zero. */
void cv_memory_clear(const cv_memory *memory, int layers);

/* Copies one place's keys and values, [H * D] each, into a layer or out of one. */
void cv_memory_put(const cv_memory *memory, int layer, int place, const float *keys, const float *values, int H,
                   int D);
void cv_memory_get(const cv_memory *memory, int layer, int place, float *keys, float *values, int H, int D);

#endif
