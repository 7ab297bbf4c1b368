#include "tokenizer/bpe_merge.h"

#include "base/mem.h"

#define NONE UINT32_MAX

/* A token of a word, in the place of its first letter. Its neighbours are places. */
typedef struct cv_bpe_place {
    int32_t id;
    int32_t made; /* the token that it and the one behind it become; -1: they stay */
    uint32_t before, behind;
} cv_bpe_place;

/* --- the heap of pairs: the earliest merge first, then from left to right ------------------------------------ */

/* Orders a pair before all that make a later token, and before those behind it that make the same one. A token is made
 * later than its parts, so the pairs that a merge brings come after it, and its other places are merged first. */
static uint64_t key_of(int32_t made, uint32_t place)
{
    return (uint64_t)made << 32 | place;
}

static void push(cv_bpe_merger *merger, uint64_t key)
{
    uint64_t *heap = merger->heap;
    size_t at = merger->heap_count++;

    for (; at > 0 && heap[(at - 1) / 2] > key; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = key;
}

static uint64_t pop(cv_bpe_merger *merger)
{
    uint64_t *heap = merger->heap, first = heap[0], last = heap[--merger->heap_count];
    size_t at = 0, child;

    while ((child = 2 * at + 1) < merger->heap_count) {
        child += child + 1 < merger->heap_count && heap[child + 1] < heap[child];
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return first;
}

/* --- words -------------------------------------------------------------------------------------------------- */

/* Notes what a token and the one behind it become. */
static void look(cv_bpe_merger *merger, const cv_bpe_vocabulary *vocabulary, uint32_t place)
{
    cv_bpe_place *here = merger->places + place;

    here->made = here->behind == NONE ? -1 : cv_bpe_merge(vocabulary, here->id, merger->places[here->behind].id);
    if (here->made >= 0)
        push(merger, key_of(here->made, place));
}

/* Merges a token with the one behind it, whose place is empty from then on. */
static void merge(cv_bpe_merger *merger, const cv_bpe_vocabulary *vocabulary, uint32_t place)
{
    cv_bpe_place *here = merger->places + place, *gone = merger->places + here->behind;

    here->id = here->made;
    here->behind = gone->behind;
    gone->made = -1;
    if (here->behind != NONE)
        merger->places[here->behind].before = place;
    look(merger, vocabulary, place);
    if (here->before != NONE)
        look(merger, vocabulary, here->before);
}

static cogvideo_status reserve(cv_bpe_merger *merger, size_t size, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (size <= merger->capacity)
        return COGVIDEO_OK;
    cv_bpe_merger_free(merger);
    size *= 2;
    CV_NEW(merger->places, size, err);
    CV_NEW(merger->heap, 2 * size, err); /* a merge takes one pair out and puts in two, and there are size - 1 */
    merger->capacity = size;
done:
    return status;
}

cogvideo_status cv_bpe_merge_word(cv_bpe_merger *merger, const cv_bpe_vocabulary *vocabulary, const char *word,
                                  size_t size, int32_t *ids, size_t *count, cogvideo_error *err)
{
    cogvideo_status status = reserve(merger, size, err);
    cv_bpe_place *places = merger->places;

    if (status != COGVIDEO_OK)
        return status;
    for (size_t i = 0; i < size; i++)
        places[i] = (cv_bpe_place){ .id = vocabulary->letters[(unsigned char)word[i]] + (i + 1 == size ? 256 : 0),
                                    .before = i > 0 ? (uint32_t)(i - 1) : NONE,
                                    .behind = i + 1 < size ? (uint32_t)(i + 1) : NONE };
    merger->heap_count = 0;
    for (size_t i = 0; i < size; i++)
        look(merger, vocabulary, (uint32_t)i);
    while (merger->heap_count > 0) {
        uint64_t key = pop(merger);
        uint32_t place = (uint32_t)key;

        if (places[place].made == (int32_t)(key >> 32)) /* else another merge took one of the two */
            merge(merger, vocabulary, place);
    }
    *count = 0;
    for (uint32_t place = 0; place != NONE; place = places[place].behind)
        ids[(*count)++] = places[place].id;
    return COGVIDEO_OK;
}

void cv_bpe_merger_free(cv_bpe_merger *merger)
{
    cv_free(merger->places);
    cv_free(merger->heap);
    *merger = (cv_bpe_merger){ 0 };
}
