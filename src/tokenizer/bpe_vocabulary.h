/* bpe_vocabulary.h - reads the merges of a byte-pair vocabulary and checks them.
 *
 * The file has a first line with "#version", then a line for each merge: two tokens with a space between. Bytes are
 * written as letters (R. Sennrich et al., "Neural machine translation of rare words with subword units", ACL 2016; with
 * bytes instead of characters as in GPT-2), and "</w>" marks the end of a word. */
#ifndef CV_TOKENIZER_BPE_VOCABULARY_H
#define CV_TOKENIZER_BPE_VOCABULARY_H

#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CV_BPE_BASE 512     /* tokens of one byte: each within a word, then each at its end */
#define CV_BPE_MERGES 48894 /* more lines than this, which CLIP's own file has, are not used */

typedef struct cv_bpe_token {
    const char *bytes; /* of the text that it stands for, without the end of the word */
    uint32_t size;     /* 1 or more */
    bool ends_word;
} cv_bpe_token;

/* Two tokens that become one. */
typedef struct cv_bpe_pair {
    int32_t left, right;
    int32_t made; /* the token that they become, later in the list than both; pairs that make earlier tokens go first */
} cv_bpe_pair;

typedef struct cv_bpe_vocabulary {
    char *path;           /* for errors */
    cv_bpe_token *tokens; /* [count] CV_BPE_BASE, then one for each merge; no two are equal */
    size_t count;
    cv_bpe_pair *pairs;          /* [count - CV_BPE_BASE] in the order of `left`, then `right` */
    int32_t letters[256];        /* the token of each byte within a word; at its end the token is 256 more */
    char sha256[CV_SHA256_TEXT]; /* of the file as it is */
    char *bytes;                 /* of the tokens */
} cv_bpe_vocabulary;

/* Reads CLIP's `bpe_simple_vocab_16e6.txt.gz` or a `merges.txt`, packed by gzip or not. Errors name the file and the
 * line. */
cogvideo_status cv_bpe_vocabulary_open(cv_bpe_vocabulary *out, const char *path, cogvideo_error *err);
void cv_bpe_vocabulary_close(cv_bpe_vocabulary *vocabulary);

/* Returns the token that two become, or -1. */
int32_t cv_bpe_merge(const cv_bpe_vocabulary *vocabulary, int32_t left, int32_t right);

#endif
