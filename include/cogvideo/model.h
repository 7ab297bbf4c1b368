/* model.h - a model directory: model.json plus safetensors files, mapped read-only.
 * docs/formats.md describes the format. */
#ifndef COGVIDEO_MODEL_H
#define COGVIDEO_MODEL_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nothing in an open model changes: any number of runs may use it at once, each from a thread of its own and with as many
 * worker threads as the model was opened with. Only closing it must wait for all of them. */
typedef struct cogvideo_model cogvideo_model;

/* How the key/value caches keep their numbers. q8: with a scale for each head of each place. Codes may differ between them. */
typedef enum cogvideo_cache {
    COGVIDEO_CACHE_F16,
    COGVIDEO_CACHE_Q8,  /* half the memory of f16 */
    COGVIDEO_CACHE_F32, /* twice the memory; exact */
} cogvideo_cache;

/* The inputs of layers whose weights are q8 or q4. f32, f16 and bf16 weights always take them in f32. */
typedef enum cogvideo_activations {
    COGVIDEO_ACTIVATIONS_Q8,  /* 8 bits, which is faster and differs a little */
    COGVIDEO_ACTIVATIONS_F32, /* exact */
} cogvideo_activations;

typedef struct cogvideo_model_options {
    int threads;      /* worker threads; 0 (default) = one for each core this process may use, or fewer, with a note, where its limits
                         leave little address space; at most 1024. Fewer with a warning where the system starts no more */
    cogvideo_activations activations; /* default COGVIDEO_ACTIVATIONS_Q8 */
    cogvideo_cache cache; /* default COGVIDEO_CACHE_F16 */
    int mlock;        /* 1: all weights are read at once and stay in memory; a warning where the system does not allow it */
    int numa;         /* 1: memory that this thread, and those it starts, touch first from now on is spread over all NUMA nodes;
                         a warning where the system does not do that */
    cogvideo_log log; /* warnings during this model's whole life; silent by default */
    uint64_t reserved[8];
} cogvideo_model_options;

/* Opens `directory` (or the model.json in it). Every part that the directory has is checked tensor by tensor: a missing, extra,
 * misshapen or wrongly typed weight is COGVIDEO_ERROR_MODEL and names it. Weights stay mapped and are
 * read when they are first used. `options` may be NULL. */
COGVIDEO_API cogvideo_status cogvideo_model_open(cogvideo_model **out, const char *directory,
                                                 const cogvideo_model_options *options, cogvideo_error *err);
COGVIDEO_API void cogvideo_model_close(cogvideo_model **model);

/* What a model is. Strings belong to the model. A number of one part alone is 0 where that part is absent. */
typedef struct cogvideo_model_info {
    const char *name, *family;
    int has_stage1, has_stage2, has_upscaler, has_image_tokenizer, has_text_tokenizer, has_clusters;
    int shared_trunk;       /* 1 where both stages read the same trunk file */
    const char *dtype;      /* of the weights: "f32", "f16", .., several as "f16, q8", or "none" where there are none */
    int layers, hidden, heads; /* of the stages */
    int vocabulary;         /* of the stages: rows of the word embeddings */
    int image_codes;        /* ids 0 .. image_codes-1 are codes of the image tokenizer */
    int text_pieces;        /* pieces of the text model, the appended ones included */
    int grid;               /* codes on one side of a frame; a frame has grid * grid codes */
    int window;             /* side of a stage-2 window, in codes */
    int keyframes;          /* frames that stage 1 makes, the first included */
    int text_places;        /* longest text, in ids */
    int upscaled_grid;      /* codes on one side after super-resolution */
    int rate;               /* pixels per code on one side of a decoded frame */
    int picture_size;       /* pixels to which smaller decoded pictures are enlarged */
    int rounds;             /* of interpolation, for the whole clip */
    double seconds;         /* length of the whole clip */
    uint64_t parameters;    /* weights in all parts; a shared trunk counts once */
    uint64_t file_bytes;    /* of all files that cogvideo_model_file lists */
} cogvideo_model_info;

/* Bytes of memory that this process can have without swapping: what is free in the machine, or in its control groups (a container) or
 * within its own limits (ulimit -v, ulimit -d) where that is less. -1 where the system does not tell. */
COGVIDEO_API int64_t cogvideo_memory_available(void);

COGVIDEO_API void cogvideo_model_get_info(const cogvideo_model *model, cogvideo_model_info *out);
/* The model's files, index 0 and on; NULL after the last. The text model, which has 0 tensors, is the last. `bytes` and
 * `tensors` may be NULL. */
COGVIDEO_API const char *cogvideo_model_file(const cogvideo_model *model, int index, uint64_t *bytes, int *tensors);

/* --- text ----------------------------------------------------------------------------------- */

/* Ids of a text: SentencePiece unigram, ids from image_codes on. `size` is in bytes; the text may hold
 * anything. With `keep_line_breaks` each line break becomes <n>, otherwise a space. The ids are in fresh
 * memory: free with cogvideo_free. */
COGVIDEO_API cogvideo_status cogvideo_text_encode(const cogvideo_model *model, const char *text, size_t size,
                                                  int keep_line_breaks, int32_t **ids, size_t *count,
                                                  cogvideo_error *err);
/* The text of ids, NUL-terminated, in fresh memory: free with cogvideo_free. */
COGVIDEO_API cogvideo_status cogvideo_text_decode(const cogvideo_model *model, const int32_t *ids, size_t count,
                                                  char **text, cogvideo_error *err);
/* The parts of a text that the model has no piece for, which it reads as <unk>: with ", " between them, in fresh memory
 * (cogvideo_free), or NULL where there are none. */
COGVIDEO_API cogvideo_status cogvideo_text_unknown(const cogvideo_model *model, const char *text, size_t size,
                                                   char **unknown, cogvideo_error *err);
/* The piece of one id, as it stands in the text model; NULL where `id` is no text id. Belongs to the model. */
COGVIDEO_API const char *cogvideo_text_piece(const cogvideo_model *model, int32_t id);

/* Frees what a function of this library said to free this way. NULL is allowed. */
COGVIDEO_API void cogvideo_free(void *block);

#ifdef __cplusplus
}
#endif
#endif
