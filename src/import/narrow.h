/* narrow.h - which type each tensor of a transformer is stored as, and streaming a matrix into a file in that type. */
#ifndef CV_IMPORT_NARROW_H
#define CV_IMPORT_NARROW_H

#include "tensor/store_write.h"

typedef struct cv_keep {
    const char *pattern; /* of names, where * stands for anything */
    cv_weight_type type;
} cv_keep;

/* What matrices become: `type`, or the type of the first of `keeps` whose pattern their name has. */
typedef struct cv_narrowing {
    cv_weight_type type;
    const cv_keep *keeps;
    size_t keep_count;
} cv_narrowing;

/* A type by its name; NULL is none. */
cogvideo_status cv_narrow_type_read(cv_weight_type *out, const char *name, cogvideo_error *err);

/* "PATTERN=TYPE"; the pattern is a part of `text`, which gets a zero byte. False where there is no such type. */
bool cv_keep_parse(cv_keep *out, char *text);

/* The type of one tensor that now has dtype `from`. Only matrices of layers and the word embeddings become q8 or q4; what is
 * no such thing, or was not asked for, stays as it is. 4 bits for all leave 8 to the word embeddings, which are also the
 * head and few beside the layers; a row that 4 bits do not fit becomes q8. */
cv_weight_type cv_narrow_type(const cv_narrowing *narrowing, const char *name, int rank, const size_t *shape, cv_dtype from);

/* When a tensor's turn in the file is, 0 .. CV_NARROW_ORDERS - 1: wider elements first, so that each stays aligned; quantised
 * ones, each with its scales before it, are the last. */
#define CV_NARROW_ORDERS 3
int cv_narrow_order(cv_weight_type type);

/* Declares a tensor of `writer`, with its scales before it. Rank 2 for q8 and q4. */
cogvideo_status cv_narrow_declare(cv_store_writer *writer, const char *name, cv_weight_type type, int rank,
                                  const size_t *shape, cogvideo_error *err);

/* An error that names the first of `count` weights of a real dtype that is NaN or infinite: no network works with such. They are elements
 * `first` and on of tensor `name`, which has rows of K (1: it is no matrix). */
cogvideo_status cv_narrow_check(const char *name, size_t K, cv_dtype dtype, const void *weights, size_t first, size_t count,
                                cogvideo_error *err);

/* Rows first .. first + count - 1 of the source in f32. They are asked for in order, and from 0 again for a second pass. */
typedef cogvideo_status cv_row_source(void *user, size_t first, size_t count, float *out, cogvideo_error *err);
/* Writes what was declared so: N rows of K numbers. Memory is bounded by a row, or a few megabytes. A number
 * that is none, or too large for the type, is an error. */
cogvideo_status cv_narrow_write(cv_store_writer *writer, const char *name, cv_weight_type type, size_t N, size_t K,
                                cv_row_source *source, void *user, cogvideo_error *err);

#endif
