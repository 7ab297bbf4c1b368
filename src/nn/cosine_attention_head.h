/* cosine_attention_head.h - a head of an item of cosine_attention.h, in tiles of rows; private to it and its way back.
 *
 * Keys that a mask hides are left out from the start, so that they cost nothing and change no bit. */
#ifndef CV_NN_COSINE_ATTENTION_HEAD_H
#define CV_NN_COSINE_ATTENTION_HEAD_H

#include "nn/cosine_attention.h"

#define CV_COSINE_TILE 48 /* rows of a tile at most */

/* Numbers of the largest item. Rows are padded with zeros to whole steps of the kernels. */
typedef struct cv_cosine_room {
    int keys;     /* nulls too */
    int tile;     /* rows whose weights are held at once */
    size_t width; /* of a row of keys or values: D, padded */
    size_t
        stride; /* of a row of weights: keys, padded, an odd number of steps: columns fall on many lines of the cache */
    size_t rows, panels; /* floats of keys or values, in rows and in panels */
} cv_cosine_room;
cv_cosine_room cv_cosine_room_of(const cv_exec *exec, const cv_cosine_attention *s);

/* The keys of an item that are seen, by number, nulls being -1. Returns how many. `at` has room for all. */
int cv_cosine_seen(const cv_cosine_attention *s, int item, int *at);
/* The numbers of key at[i] of a head, or of its value, in kv or in null_kv. */
const float *cv_cosine_key(const cv_cosine_attention *s, int item, int head, const float *kv, const int *at, int i,
                           bool value);
/* rows [seen][width]: the keys of a head, normalized, or its values. */
void cv_cosine_take(const cv_exec *exec, const cv_cosine_attention *s, int item, int head, const float *kv,
                    const int *at, int seen, bool values, const cv_cosine_room *room, float *rows);
/* Lays rows [seen][width] side by side, product_width of them in a panel [D][product_width]. */
void cv_cosine_panels(const cv_exec *exec, const cv_cosine_attention *s, const cv_cosine_room *room, int seen,
                      const float *rows, float *panels);
/* out [count][stride] = x [count][width] times each of what is in the panels. */
void cv_cosine_products(const cv_exec *exec, const cv_cosine_attention *s, const cv_cosine_room *room, int seen,
                        float *out, const float *x, int count, const float *panels);
/* The scores of row `row` become weights, which are to be divided by what is returned; behind those that the row sees
 * are zeros. places [stride] is room. */
float cv_cosine_weigh(const cv_exec *exec, const cv_cosine_attention *s, int head, int row, const int *at, int seen,
                      float *scores, float *places);

#endif
