/* t5.h - the encoder of T5 (Raffel et al., 2020; v1.1: Shazeer, 2020): ids of a text to a vector each, by which a
 * generator of pictures knows what is wanted. Frozen, or trained with the generator. */
#ifndef CV_MODEL_T5_T5_H
#define CV_MODEL_T5_T5_H

#include "base/arena.h"
#include "base/json.h"
#include "nn/exec.h"
#include "tensor/store.h"
#include "tokenizer/text.h"

#define CV_T5_BUCKETS 32   /* of distances */
#define CV_T5_FARTHEST 128 /* the distance from which on all are in the last one */
#define CV_T5_LONGEST 256  /* ids of a text, `</s>` included: what Phenaki and Imagen read */
#define CV_T5_LAYERS 64    /* at most, and heads */
#define CV_T5_HEADS 512

typedef struct cv_t5_config {
    int layers; /* 0 .. CV_T5_LAYERS: 0 gives the norm of the embeddings, and has no use for the next three */
    int heads, head_width; /* their product need not be the width */
    int inner;             /* width of the feed-forward network */
    int width;             /* E of the embeddings */
    int vocabulary;        /* rows of the table of embeddings, which may be more than there are pieces */
    bool gated;            /* v1.1: gelu(wi_0 y) * (wi_1 y); false = v1.0: relu(wi y) */
} cv_t5_config;

typedef struct cv_t5 cv_t5;

/* The members of a section of model.json: layers, width, heads, head_width, inner, vocabulary, gated. */
cogvideo_status cv_t5_config_read(cv_t5_config *out, const cv_json *section, const char *origin, cogvideo_error *err);
void cv_t5_config_put(cv_json *section, const cv_t5_config *config);
/* The sizes by the shapes of a store's tensors ("shared.weight", "encoder.block.I...", as in T5's own files);
 * head_width is not in the shapes, so `heads` comes from the table of relative positions. */
cogvideo_status cv_t5_measure(cv_t5_config *out, const cv_store *store, cogvideo_error *err);

/* Claims the tensors by the names of T5's files, matrices in any type. The store outlives it. */
cogvideo_status cv_t5_open(cv_t5 **out, const cv_t5_config *config, cv_store *store, cogvideo_error *err);
void cv_t5_close(cv_t5 **t5);
const cv_t5_config *cv_t5_config_of(const cv_t5 *t5);

/* --- ids: t5_ids.c ---------------------------------------------------------------------------------------------- */

/* A text model that a network of `vocabulary` ids can read: it has no more pieces, and one called `</s>`. */
cogvideo_status cv_t5_check_text(const cv_text *text, int vocabulary, cogvideo_error *err);
/* The ids of a text, NUL-terminated UTF-8, and `</s>` behind them; words such as `</s>` in it are plain text. Of more
 * than CV_T5_LONGEST ids the first CV_T5_LONGEST - 1 and `</s>` are left. *count: how many there are now; *whole: how
 * many there were. */
cogvideo_status cv_t5_ids(const cv_text *text, const char *prompt, int32_t ids[CV_T5_LONGEST], int *count,
                          size_t *whole, cogvideo_error *err);

/* --- the network ------------------------------------------------------------------------------------------------ */

/* Texts of a batch, padded to the same length. */
typedef struct cv_t5_batch {
    int texts, longest; /* longest: 1 .. CV_T5_LONGEST */
    const int32_t *ids; /* [texts][longest], each below the vocabulary; pads are not looked at */
    const int *counts;  /* [texts]: ids of each, 0 .. longest; behind them are pads, whose vectors are 0 */
} cv_t5_batch;

/* Is shown [texts * longest][width] after each layer: layer 0 = the embeddings, I = after block I, the last of them
 * after the final norm; pads are 0. For tests and tools. */
typedef void cv_t5_observer(void *user, int layer, const float *hidden);

size_t cv_t5_scratch(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch);
/* out [texts][longest][width]. A text's vectors depend neither on the others nor on pads behind it. `seen` may be
 * NULL. */
void cv_t5_run(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, float *out, cv_t5_observer *seen,
               void *user, cv_arena *arena);

/* --- training: t5_train.c -------------------------------------------------------------------------------------- */

/* What a pass keeps for the way back. */
typedef struct cv_t5_tape cv_t5_tape;

/* Takes a tape for batches of at most `texts` texts of `longest` ids, and reserves what the functions below take. */
cv_t5_tape *cv_t5_tape_take(const cv_exec *exec, const cv_t5 *t5, int texts, int longest, cv_arena *arena);
void cv_t5_forward(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, float *out, cv_t5_tape *tape,
                   cv_arena *arena);
/* Adds the gradients of the weights to `grad`, the same network over a store of gradients, from dout, which is lost; so
 * is the tape. */
void cv_t5_backward(const cv_exec *exec, const cv_t5 *t5, const cv_t5 *grad, const cv_t5_batch *batch, float *dout,
                    cv_t5_tape *tape, cv_arena *arena);

#endif
