/* refiner.h - iterative super-resolution: draws some of a fine picture's codes anew, round by round, given the others.
 *
 * A place that is drawn goes in as <start_of_image>, all others as their codes. In each layer a place sees the text and
 * its neighbours in the picture, in one softmax; the text sees the text. The output at a place predicts the code of
 * that place. J. Ding et al., "CogView2: Faster and Better Text-to-Image Generation via Hierarchical Transformers", 2022. */
#ifndef CV_FAMILY_COGVIDEO_REFINER_REFINER_H
#define CV_FAMILY_COGVIDEO_REFINER_REFINER_H

#include "base/arena.h"
#include "family/cogvideo/refiner/config.h"
#include "family/cogvideo/trunk/local.h"
#include "tensor/store.h"

typedef struct cv_refiner cv_refiner;

/* Binds the network to its files, which must live longer: `trunk`, which other networks may read as well, and `own`,
 * which must hold the rest of its tensors and no others. Both may be the same file. */
cogvideo_status cv_refiner_open(cv_refiner **out, cv_store *trunk, cv_store *own, const cv_refiner_config *config,
                                cogvideo_error *err);
void cv_refiner_close(cv_refiner **refiner);

/* A text as all layers see it: it does not depend on the picture, so it is read once for all pictures and rounds. */
typedef struct cv_refiner_text {
    cv_kv_cache cache; /* of all layers */
    int count;         /* ids that were read */
} cv_refiner_text;

/* Bytes that reading a text takes from its arena and keeps, and that reading or a run takes and gives back. */
size_t cv_refiner_text_bytes(const cv_refiner *refiner);
size_t cv_refiner_scratch(const cv_refiner *refiner, const cv_exec *exec);

/* Reads a text's first ids, as many as there is room for, without pads; the cache is taken from `arena`. */
cogvideo_status cv_refiner_read(cv_refiner_text *out, const cv_exec *exec, const cv_refiner *refiner,
                                const int32_t *text, int count, cv_arena *arena, cogvideo_error *err);

typedef struct cv_refiner_callbacks {
    /* Logits of drawn places, counted in the list of them. */
    cv_local_logits_fn *logits;
    /* After each layer: how many of all are done. Any value but 0 stops the run. May be NULL. */
    int (*layer)(void *user, int done, int layers);
    void *user;
} cv_refiner_callbacks;

/* One pass over a picture: codes [upscaled_grid^2], of which those of places [count], rising, are drawn anew. Logits do
 * not depend on the number of threads. Errors: a code out of range, a stop. */
cogvideo_status cv_refiner_run(const cv_exec *exec, const cv_refiner *refiner, const cv_refiner_text *text,
                               const int32_t *codes, const int *places, int count,
                               const cv_refiner_callbacks *callbacks, cv_arena *arena, cogvideo_error *err);

#endif
