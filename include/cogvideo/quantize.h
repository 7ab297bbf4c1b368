/* quantize.h - a smaller copy of a model: its matrices in 8 or 4 bits. docs/formats.md describes the types. */
#ifndef COGVIDEO_QUANTIZE_H
#define COGVIDEO_QUANTIZE_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cogvideo_quantize_options {
    const char *input;       /* a model directory with weights in f32, f16 or bf16 */
    const char *output;      /* the directory to make; it must not exist, unless `force` */
    const char *type;        /* of the matrices of layers and the word embeddings: "q8", "q4" (the embeddings then q8),
                                "f16", "bf16" or "f32" */
    const char *const *keep; /* `keep_count` exceptions, "PATTERN=TYPE" with * in the pattern for anything, such as
                                "*.dense.*=q8"; the first whose pattern a tensor's name has counts */
    int keep_count;
    int force;               /* replace a model directory that is already there */
    cogvideo_log log;
    cogvideo_progress_fn *progress; /* in bytes, of one file after the other; may be NULL */
    void *user;
    uint64_t reserved[8];
} cogvideo_quantize_options;

/* A weight that is NaN or infinite, or too large for its type, is an error that names it. Norms, biases, tables of positions and the image
 * tokenizer stay as they are, and so do text model and clusters. Memory is bounded whatever the model's size. The directory is
 * written under a temporary name and renamed when whole. */
COGVIDEO_API cogvideo_status cogvideo_quantize(const cogvideo_quantize_options *options, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
