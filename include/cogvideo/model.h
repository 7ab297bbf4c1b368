/* model.h - a model directory: model.json plus safetensors files, mapped read-only.
 * docs/formats.md describes the format. */
#ifndef COGVIDEO_MODEL_H
#define COGVIDEO_MODEL_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nothing in an open model changes: any number of runs may use it at once, each from a thread of its own and with as
 * many worker threads as the model was opened with. Only closing it must wait for all of them. */
typedef struct cogvideo_model cogvideo_model;

/* How the key/value caches keep their numbers. q8: with a scale for each head of each place. Codes may differ between
 * them. */
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
    /* worker threads; 0 (default) = one for each core this process may use, or fewer, with a note, where its limits
     * leave little address space; at most 1024. Fewer with a warning where the system starts no more */
    int threads;
    cogvideo_activations activations; /* default COGVIDEO_ACTIVATIONS_Q8 */
    cogvideo_cache cache;             /* default COGVIDEO_CACHE_F16 */
    int mlock; /* 1: all weights are read at once and stay in memory; a warning where the system does not allow it */
    /* 1: memory that this thread, and those it starts, touch first from now on is spread over all NUMA nodes; a warning
     * where the system does not do that */
    int numa;
    cogvideo_log log; /* warnings during this model's whole life; silent by default */
    uint64_t reserved[8];
} cogvideo_model_options;

/* Opens `directory` (or the model.json in it). Every part that the directory has is checked tensor by tensor: a
 * missing, extra, misshapen or wrongly typed weight is COGVIDEO_ERROR_MODEL and names it. Weights stay mapped and are
 * read when they are first used. `options` may be NULL. */
COGVIDEO_API cogvideo_status cogvideo_model_open(cogvideo_model **out, const char *directory,
                                                 const cogvideo_model_options *options, cogvideo_error *err);
COGVIDEO_API void cogvideo_model_close(cogvideo_model **model);

/* What every model is, of whatever family. Strings belong to the model. */
typedef struct cogvideo_model_info {
    const char *name, *family;
    const char *dtype;   /* of the weights: "f32", "f16", .., several as "f16, q8", or "none" where there are none */
    uint64_t parameters; /* weights in all files; one that several parts read counts once */
    uint64_t file_bytes; /* of all files that cogvideo_model_file lists */
    /* ids 0 .. image_codes-1 are codes of frames; 0 where the family has no codes, as the next three */
    int image_codes;
    int height, width;      /* of a frame of the model's first step, in codes */
    int rate;               /* pixels per code on one side of such a frame, decoded; from top to bottom */
    int rate_across;        /* the same from left to right, where that differs; else 0 */
    int has_text_tokenizer; /* 0: the text functions below are refused */
    int text_pieces;        /* pieces of the text model, the appended ones included; 0 without one, as the next */
    int first_text_id;      /* ids of pieces are first_text_id .. first_text_id + text_pieces - 1 */
    uint64_t reserved[8];
} cogvideo_model_info;

/* Everything else that a model is depends on its family, and is listed row by row. */
typedef enum cogvideo_property_kind {
    COGVIDEO_PROPERTY_TEXT = 0,   /* `text` */
    COGVIDEO_PROPERTY_WHOLE = 1,  /* a whole number, exact in `number` */
    COGVIDEO_PROPERTY_NUMBER = 2, /* any number, in `number` */
    COGVIDEO_PROPERTY_FLAG = 3,   /* `number` is 1 for yes, 0 for no */
} cogvideo_property_kind;

typedef struct cogvideo_property {
    /* "text_places": one word, different from the other rows' and from those of `cogvideo info --json` */
    const char *name;
    const char *title; /* "longest text", for people */
    const char *unit;  /* of a number: "ids"; NULL where it has none */
    cogvideo_property_kind kind;
    double number; /* 0 where it belongs to a part that the model lacks; 0 of a text */
    const char
        *text; /* belongs to the model; "" where it is of a part that the model lacks; NULL unless it is a text */
    uint64_t reserved[8];
} cogvideo_property;

/* Bytes of memory that this process can have without swapping: what is free in the machine, or in its control groups (a
 * container) or within its own limits (ulimit -v, ulimit -d) where that is less. -1 where the system does not tell. */
COGVIDEO_API int64_t cogvideo_memory_available(void);

COGVIDEO_API void cogvideo_model_get_info(const cogvideo_model *model, cogvideo_model_info *out);
/* The rows of a model, index 0 and on, always the same ones in a family: 1, or 0 after the last (`out` is not set
 * then). */
COGVIDEO_API int cogvideo_model_property(const cogvideo_model *model, int index, cogvideo_property *out);
/* The number or flag of a row by its name, such as "layers"; 0 where the family has no such row, or it is a text. */
COGVIDEO_API double cogvideo_model_number(const cogvideo_model *model, const char *name);
/* The model's files, index 0 and on; NULL after the last. The text model, which has 0 tensors, is the last. `bytes` and
 * `tensors` may be NULL. */
COGVIDEO_API const char *cogvideo_model_file(const cogvideo_model *model, int index, uint64_t *bytes, int *tensors);

/* --- text ----------------------------------------------------------------------------------------------------- */

/* Ids of a text: SentencePiece unigram, ids from first_text_id on. `size` is in bytes; the text may hold
 * anything. With `keep_line_breaks` each line break becomes <n>, otherwise a space. The ids are in fresh
 * memory: free with cogvideo_free. */
COGVIDEO_API cogvideo_status cogvideo_text_encode(const cogvideo_model *model, const char *text, size_t size,
                                                  int keep_line_breaks, int32_t **ids, size_t *count,
                                                  cogvideo_error *err);
typedef struct cogvideo_text_options {
    int keep_line_breaks; /* 1: each becomes <n>, otherwise a space */
    /* Pieces to do without wherever a text can be written without them: by name as cogvideo_text_piece tells it, and by
     * number from 0 on, which is the id less first_text_id. <n> and other pieces that are always matched stay so. */
    const char *const *discouraged;
    const int32_t *discouraged_numbers;
    int discouraged_count, discouraged_number_count;
    uint64_t reserved[8];
} cogvideo_text_options;

/* The same, more exactly; `options` may be NULL. A name or number that is no piece's is COGVIDEO_ERROR_ARGUMENT. */
COGVIDEO_API cogvideo_status cogvideo_text_encode_with(const cogvideo_model *model, const char *text, size_t size,
                                                       const cogvideo_text_options *options, int32_t **ids,
                                                       size_t *count, cogvideo_error *err);
/* The text of ids, NUL-terminated, in fresh memory: free with cogvideo_free. */
COGVIDEO_API cogvideo_status cogvideo_text_decode(const cogvideo_model *model, const int32_t *ids, size_t count,
                                                  char **text, cogvideo_error *err);
/* The parts of a text that the model has no piece for, which it reads as <unk>: with ", " between them, in fresh memory
 * (cogvideo_free), or NULL where there are none. */
COGVIDEO_API cogvideo_status cogvideo_text_unknown(const cogvideo_model *model, const char *text, size_t size,
                                                   char **unknown, cogvideo_error *err);
/* The piece of one id, as it stands in the text model; NULL where `id` is no text id. Belongs to the model. */
COGVIDEO_API const char *cogvideo_text_piece(const cogvideo_model *model, int32_t id);

/* Ids of codes and of text in one list of names, as ICETK looks them up. By name: "<image_7>" is 7 (only digits, and
 * even where the codes are fewer), any other name the id of that piece, and a name that no piece has, or "", the id of
 * <unk>. COGVIDEO_ERROR_ARGUMENT where the number is no possible id. */
COGVIDEO_API cogvideo_status cogvideo_token_find(const cogvideo_model *model, const char *name, int32_t *id,
                                                 cogvideo_error *err);
/* By id: the name in fresh memory (cogvideo_free), "<image_7>" below first_text_id. COGVIDEO_ERROR_ARGUMENT where the
 * id is none of a code or piece. */
COGVIDEO_API cogvideo_status cogvideo_token_name(const cogvideo_model *model, int32_t id, char **name,
                                                 cogvideo_error *err);

/* Frees what a function of this library said to free this way. NULL is allowed. */
COGVIDEO_API void cogvideo_free(void *block);

#ifdef __cplusplus
}
#endif
#endif
