/* coglm.h - CogLM: the trunk alone over sequences that are no frames. It fills holes in pictures, and tells how likely
 * a text is under a picture. J. Ding et al., "CogView2: Faster and Better Text-to-Image Generation via Hierarchical
 * Transformers", 2022.
 *
 * A sequence is a text, which lies in its text cache and is seen by all, and elements behind it. An element says which
 * elements it sees; they stand in such an order that these are one run or two. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_COGLM_H
#define CV_FAMILY_COGVIDEO_NETWORK_COGLM_H

#include "family/cogvideo/network/forward.h"

#define CV_ELEMENT_RUNS 2

typedef struct cv_element {
    int32_t id;   /* whose embedding goes in, below the vocabulary */
    int position; /* row of the trunk's positions */
    cv_key_run sees[CV_ELEMENT_RUNS];
    int runs; /* of `sees`, at least 1: an element sees itself */
} cv_element;

/* --- which sequences ------------------------------------------------------------------------------------------ */

/* The sequence of a picture with holes, behind its text: <start_of_image>, the context (codes that are known and whose
 * right neighbour in the row is known, or that end a row), then holes and the codes to the left of them, row by row.
 * The context sees itself; the rest sees the context and, in order, what stands before. The code of a hole is
 * predicted by the element before it. */
typedef struct cv_completion {
    cv_element *elements; /* [1 + L], the caller's; the id of a hole is 0 until it is drawn */
    int *places;          /* [1 + L], the caller's: which code of the picture an element is; -1 = none */
    int known;            /* elements before the first hole or neighbour of one */
} cv_completion;
/* codes [L] are not read where mask [L] is not 0. */
void cv_completion_lay(cv_completion *out, const cv_cogvideo_config *config, const int32_t *codes, const uint8_t *mask);

/* The sequence of a picture and a text that tells what it shows, with no text before it: codes [L] see each other, the
 * ids of the text, the first of which only starts it, all codes and what stands before. elements [L + count]. */
void cv_caption_lay(cv_element *elements, const cv_cogvideo_config *config, const int32_t *codes, const int32_t *text,
                    int count);

/* --- passes over them ----------------------------------------------------------------------------------------- */

/* Bytes that the functions below take from their arena, and give back, for `rows` rows that see at most `keys`. */
size_t cv_coglm_scratch(const cv_exec *exec, const cv_stage *stage, int rows, int keys, bool step);

/* Appends elements first .. first + count - 1 to the sequence's caches (sequence->frames->base has a place for every
 * element; `plus` is false). `hidden` [count, C] takes what cv_forward_logits needs; NULL where no logits are wanted.
 * `observer` may be NULL. */
void cv_coglm_pass(const cv_exec *exec, const cv_stage *stage, const cv_sequence *sequence, const cv_element *elements,
                   int first, int count, float *hidden, const cv_observer *observer, cv_arena *arena);

/* The next element of one sequence. */
typedef struct cv_coglm_row {
    const cv_sequence *sequence;
    const cv_element *element;
    int index; /* in the sequence */
} cv_coglm_row;

/* logits [rows][image_codes] of what follows each; every weight is read once for all rows. */
void cv_coglm_step(const cv_exec *exec, const cv_stage *stage, const cv_coglm_row *rows, int count, float *logits,
                   cv_arena *arena);

#endif
