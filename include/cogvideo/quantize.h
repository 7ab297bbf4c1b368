/* quantize.h - makes a smaller copy of a model, with matrices in 8 or 4 bits. docs/formats.md describes the types. */
#ifndef COGVIDEO_QUANTIZE_H
#define COGVIDEO_QUANTIZE_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cogvideo_quantize_options {
    const char *input;  /* a model directory with weights in f32, f16 or bf16 */
    const char *output; /* the directory to make; it must not exist, unless `force` */
    /* type of the layers' matrices and the word embeddings: "q8", "q4" (then the embeddings are q8), "f16", "bf16"
     * or "f32" */
    const char *type;
    /* `keep_count` exceptions, "PATTERN=TYPE", where * matches anything, such as "*.dense.*=q8"; the first whose
     * pattern matches a tensor's name counts */
    const char *const *keep;
    int keep_count;
    int force; /* replace an existing model directory */
    cogvideo_log log;
    cogvideo_progress_fn *progress; /* in bytes, of one file after the other; may be NULL */
    void *user;
    uint64_t reserved[8];
} cogvideo_quantize_options;

/* A weight that is NaN or infinite, or too large for its type, is an error that names it. Norms, biases, tables of
 * positions, the image tokenizer, the text tokenizer and the clusters stay unchanged. Memory use is bounded,
 * whatever the model's size. The directory is written under a temporary name and renamed when it is complete. */
COGVIDEO_API cogvideo_status cogvideo_quantize(const cogvideo_quantize_options *options, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
