/* names.h - which tensors a checkpoint of the original holds, with their shapes, and where each of them goes.
 *
 * The lists follow from a few sizes; the sizes of a network are read off its checkpoint. The original loads a
 * checkpoint with missing names in silence; here a missing, extra or misshapen weight is an error that names it. What
 * no network learns (numbers, None, masks, empty tensors) may stand beside the weights. */
#ifndef CV_FAMILY_COGVIDEO_IMPORT_NAMES_H
#define CV_FAMILY_COGVIDEO_IMPORT_NAMES_H

#include "base/json.h"
#include "import/expected.h"

/* The sizes of a transformer that its tensors' shapes tell. */
typedef struct cv_transformer_sizes {
    size_t layers, hidden, mlp, vocabulary, positions, extra_positions;
} cv_transformer_sizes;

/* What a transformer has beside the trunk. */
typedef enum cv_transformer_kind {
    CV_TRANSFORMER_TRUNK,    /* nothing: CogLM */
    CV_TRANSFORMER_STAGE,    /* extra positions, a plus channel, an attn_distribution in each layer */
    CV_TRANSFORMER_UPSCALER, /* extra positions and a plus channel */
    CV_TRANSFORMER_REFINER,  /* extra positions; a plus channel, which the original ignores, is skipped */
} cv_transformer_kind;

/* Takes what stands before all names off first (cv_torch_unwrap). */
cogvideo_status cv_names_measure(cv_transformer_sizes *out, cv_transformer_kind kind, cv_torch *torch,
                                 cogvideo_error *err);
cogvideo_status cv_names_transformer(cv_names *out, const cv_transformer_sizes *sizes, cv_transformer_kind kind,
                                     cogvideo_error *err);

/* The image tokenizer. `description` is the section of that name: its levels' widths and decoders are taken as
 * they stand, `channels`, `latent` and `codes` are read off the checkpoint. */
typedef struct cv_tokenizer_sizes {
    size_t channels, latent, codes;
} cv_tokenizer_sizes;

cogvideo_status cv_names_measure_tokenizer(cv_tokenizer_sizes *out, cv_torch *torch, cogvideo_error *err);
cogvideo_status cv_names_tokenizer(cv_names *out, const cv_tokenizer_sizes *sizes, const cv_json *description,
                                   const char *origin, cogvideo_error *err);

#endif
