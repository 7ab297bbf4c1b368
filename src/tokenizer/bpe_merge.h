/* bpe_merge.h - merges the letters of a word into tokens. */
#ifndef CV_TOKENIZER_BPE_MERGE_H
#define CV_TOKENIZER_BPE_MERGE_H

#include "tokenizer/bpe_vocabulary.h"

/* Memory that is used for one word after another; all zero at first. */
typedef struct cv_bpe_merger {
    struct cv_bpe_place *places;
    uint64_t *heap;
    size_t heap_count;
    size_t capacity; /* letters of a word that there is room for */
} cv_bpe_merger;

/* Writes the tokens of a word to `ids`, which has room for its `size` bytes (1 or more), and returns their number in
 * *count. Of all pairs that the vocabulary merges, the one of the earliest line is merged in all its places from left
 * to right, until there is none. Takes time in proportion to size log(size). */
cogvideo_status cv_bpe_merge_word(cv_bpe_merger *merger, const cv_bpe_vocabulary *vocabulary, const char *word,
                                  size_t size, int32_t *ids, size_t *count, cogvideo_error *err);
void cv_bpe_merger_free(cv_bpe_merger *merger);

#endif
