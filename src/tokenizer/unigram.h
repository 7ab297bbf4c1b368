/* unigram.h - the most likely segmentation of a normalized text into pieces: T. Kudo, "Subword regularization", ACL
 * 2018, section 3.2; found by Viterbi's algorithm over all positions of the text. */
#ifndef CV_TOKENIZER_UNIGRAM_H
#define CV_TOKENIZER_UNIGRAM_H

#include "tokenizer/trie.h"

typedef struct cv_unigram {
    const cv_spm *spm;
    cv_trie trie;        /* of the ordinary and user-defined pieces */
    float *scores;       /* [pieces] that take the place of their own; NULL = their own */
    float unknown_score; /* of a character that is not a piece */
    float best_score;    /* of the ordinary pieces; user-defined pieces are scored relative to it */
} cv_unigram;

/* `spm` must outlive `out`. */
cogvideo_status cv_unigram_open(cv_unigram *out, const cv_spm *spm, cogvideo_error *err);
void cv_unigram_close(cv_unigram *unigram);

/* The same with `count` pieces, by their indices, scored CV_UNIGRAM_DISCOURAGED, as if they stood so in the model's
 * file: that of unknown characters follows. `in` keeps the trie of both and must outlive `out`, which is to be closed
 * by cv_unigram_close_scores. */
#define CV_UNIGRAM_DISCOURAGED (-100.0f)
cogvideo_status cv_unigram_discourage(cv_unigram *out, const cv_unigram *in, const int32_t *pieces, size_t count,
                                      cogvideo_error *err);
void cv_unigram_close_scores(cv_unigram *unigram);

/* A piece of a text, by its index, and the byte where it starts; it ends where the next one starts. */
typedef struct cv_segment {
    int32_t piece;
    uint32_t start;
} cv_segment;

/* Returns the segments of `text` in order, with each run of unknown characters as one segment: never more than there
 * are bytes. *segments is fresh memory (cv_free), not NULL even if *count is 0. Takes 12 bytes of memory for each
 * byte of text. */
cogvideo_status cv_unigram_segment(const cv_unigram *unigram, const char *text, size_t size, cv_segment **segments,
                                   size_t *count, cogvideo_error *err);

#endif
