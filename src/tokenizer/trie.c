#include "tokenizer/trie.h"

/* A node stands for a run of sorted pieces that share their first bytes; the run is needed only until the node's
 * children exist. */
typedef struct run {
    uint32_t first, end, depth;
} run;

typedef struct builder {
    const cv_spm *spm;
    uint32_t *sorted; /* pieces in byte order */
    cv_trie_node *nodes;
    run *runs;
    size_t count;
} builder;

static unsigned char byte_at(const builder *in, uint32_t place, uint32_t depth)
{
    return (unsigned char)in->spm->pieces[in->sorted[place]].text[depth];
}

/* Appends the children of node `parent` after all nodes. No two texts are equal, so only the first of a run, the
 * shortest, can end at its depth. */
static void add_children(builder *in, size_t parent)
{
    run own = in->runs[parent];
    cv_trie_node *node = &in->nodes[parent];

    node->piece = -1;
    node->children = (uint32_t)in->count;
    if (own.first < own.end && in->spm->pieces[in->sorted[own.first]].size == own.depth)
        node->piece = (int32_t)in->sorted[own.first++];
    while (own.first < own.end) {
        unsigned char byte = byte_at(in, own.first, own.depth);
        uint32_t end = own.first + 1;

        while (end < own.end && byte_at(in, end, own.depth) == byte)
            end++;
        in->nodes[in->count].byte = byte;
        in->runs[in->count++] = (run){ own.first, end, own.depth + 1 };
        node->child_count++;
        own.first = end;
    }
}

cogvideo_status cv_trie_build(cv_trie *out, const cv_spm *spm, unsigned types, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    builder in = { .spm = spm, .count = 1 };
    size_t chosen = 0, bytes = 1;

    for (size_t i = 0; i < spm->count; i++)
        if (types >> spm->pieces[i].type & 1)
            bytes += spm->pieces[i].size;
    CV_NEW(in.sorted, spm->count, err);
    CV_NEW(in.nodes, bytes, err);
    CV_NEW(in.runs, bytes, err);
    for (size_t i = 0; i < spm->count; i++)
        if (types >> spm->pieces[spm->order[i]].type & 1)
            in.sorted[chosen++] = spm->order[i];
    in.runs[0] = (run){ 0, (uint32_t)chosen, 0 };
    for (size_t i = 0; i < in.count; i++)
        add_children(&in, i);
    *out = (cv_trie){ in.nodes, in.count };
    in.nodes = NULL;
done:
    cv_free(in.sorted);
    cv_free(in.nodes);
    cv_free(in.runs);
    return status;
}

void cv_trie_free(cv_trie *trie)
{
    cv_free(trie->nodes);
    *trie = (cv_trie){ 0 };
}

uint32_t cv_trie_step(const cv_trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t low = trie->nodes[node].children, high = low + trie->nodes[node].child_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (trie->nodes[middle].byte == byte)
            return middle;
        if (trie->nodes[middle].byte < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

size_t cv_trie_longest(const cv_trie *trie, const char *text, size_t size)
{
    size_t longest = 0;
    uint32_t node = 0;

    for (size_t i = 0; i < size && (node = cv_trie_step(trie, node, (unsigned char)text[i])) != 0; i++)
        if (trie->nodes[node].piece >= 0)
            longest = i + 1;
    return longest;
}
