/* narrow.h - chooses the type in which each tensor of a transformer is stored, and streams a matrix into a file in
 * that type. */
#ifndef CV_IMPORT_NARROW_H
#define CV_IMPORT_NARROW_H

#include "tensor/store_write.h"

typedef struct cv_keep {
    const char *pattern; /* for names; * matches anything */
    cv_weight_type type;
} cv_keep;

/* Matrices become `type`, or the type of the first of `keeps` whose pattern matches their name. */
typedef struct cv_narrowing {
    cv_weight_type type;
    const cv_keep *keeps;
    size_t keep_count;
} cv_narrowing;

/* Reads the name of a type; NULL is an error, too. */
cogvideo_status cv_narrow_type_read(cv_weight_type *out, const char *name, cogvideo_error *err);

/* Parses "PATTERN=TYPE"; the pattern points into `text`, which gets a zero byte. Returns false where TYPE is
 * unknown. */
bool cv_keep_parse(cv_keep *out, char *text);

/* Returns the type for one tensor that now has dtype `from`. Only matrices of layers and the word embeddings become
 * q8 or q4; all others keep their type unless it is real and another one was asked for. With q4 the word embeddings
 * become q8: they are also the output layer, and small compared with the layers. A matrix whose rows q4 does not fit
 * becomes q8. */
cv_weight_type cv_narrow_type(const cv_narrowing *narrowing, const char *name, int rank, const size_t *shape,
                              cv_dtype from);

/* A tensor's turn in the file, 0 .. CV_NARROW_ORDERS - 1: wider elements first, so that each is aligned; quantized
 * tensors, each after its scales, come last. */
#define CV_NARROW_ORDERS 3
int cv_narrow_order(cv_weight_type type);

/* Declares a tensor of `writer`, after its scales. Rank 2 for q8 and q4. */
cogvideo_status cv_narrow_declare(cv_store_writer *writer, const char *name, cv_weight_type type, int rank,
                                  const size_t *shape, cogvideo_error *err);

/* Fails with the name of the first of `count` weights of a real dtype that is NaN or infinite: no network works with
 * such weights. They are elements `first` and on of tensor `name`, which has rows of K (1: it is not a matrix). */
cogvideo_status cv_narrow_check(const char *name, size_t K, cv_dtype dtype, const void *weights, size_t first,
                                size_t count, cogvideo_error *err);

/* Reads rows first .. first + count - 1 of the source in f32. Rows are read in order, and from 0 again for a second
 * pass. */
typedef cogvideo_status cv_row_source(void *user, size_t first, size_t count, float *out, cogvideo_error *err);
/* Writes a tensor declared with cv_narrow_declare: N rows of K numbers. Memory use is bounded by a row or a few
 * megabytes. A NaN, an infinity or a number too large for the type is an error. */
cogvideo_status cv_narrow_write(cv_store_writer *writer, const char *name, cv_weight_type type, size_t N, size_t K,
                                cv_row_source *source, void *user, cogvideo_error *err);

#endif
