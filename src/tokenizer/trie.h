/* trie.h - finds the pieces that start at a position of a text. */
#ifndef CV_TOKENIZER_TRIE_H
#define CV_TOKENIZER_TRIE_H

#include "tokenizer/spm_model.h"

/* The nodes are in breadth-first order, so that the children of a node are adjacent, in the order of their bytes. */
typedef struct cv_trie_node {
    uint32_t children;    /* index of the first child */
    uint16_t child_count; /* 0 .. 256 */
    unsigned char byte;   /* the byte that leads to this node */
    int32_t piece;        /* the piece that ends here, or -1 */
} cv_trie_node;

typedef struct cv_trie {
    cv_trie_node *nodes; /* [0] is the root */
    size_t count;
} cv_trie;

/* Builds the trie of the pieces whose type is one of `types`, a sum of 1u << cv_spm_type; it may be empty. */
cogvideo_status cv_trie_build(cv_trie *out, const cv_spm *spm, unsigned types, cogvideo_error *err);
void cv_trie_free(cv_trie *trie);

/* Returns the node that `byte` leads to from `node`, or 0 where there is none. */
uint32_t cv_trie_step(const cv_trie *trie, uint32_t node, unsigned char byte);

/* Returns the length in bytes of the longest piece that `text` starts with, 0 where there is none. */
size_t cv_trie_longest(const cv_trie *trie, const char *text, size_t size);

#endif
