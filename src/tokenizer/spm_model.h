/* spm_model.h - reads a SentencePiece model file (`.model`, a ModelProto message) into memory and checks it. */
#ifndef CV_TOKENIZER_SPM_MODEL_H
#define CV_TOKENIZER_SPM_MODEL_H

#include "base/mem.h"

/* The type of a piece, numbered as in the file. */
typedef enum cv_spm_type {
    CV_SPM_NORMAL = 1,
    CV_SPM_UNKNOWN = 2,      /* stands for characters that no piece covers; there is exactly one */
    CV_SPM_CONTROL = 3,      /* never comes from text, decodes to nothing */
    CV_SPM_USER_DEFINED = 4, /* always matched whole */
    CV_SPM_UNUSED = 5,       /* has an id, but never comes from text */
} cv_spm_type;

#define CV_SPM_PIECE_LIMIT 512 /* bytes of one piece; bounds the time of a segmentation */

typedef struct cv_spm_piece {
    const char *text; /* UTF-8, 1 .. CV_SPM_PIECE_LIMIT bytes without NUL, NUL-terminated */
    uint32_t size;
    float score; /* log probability, within +-1e9 */
    cv_spm_type type;
} cv_spm_piece;

typedef struct cv_spm {
    char *path;           /* for errors */
    cv_spm_piece *pieces; /* no two have the same text */
    size_t count;
    uint32_t *order;    /* [count] indices of the pieces in the byte order of their texts */
    size_t unknown;     /* index of the one CV_SPM_UNKNOWN piece */
    char *unknown_text; /* what it decodes to; U+2047 between spaces unless the file says otherwise */
    char *charsmap;     /* precompiled character map of charsmap_size bytes; empty: characters stay unchanged */
    size_t charsmap_size;
    bool dummy_prefix;    /* a space is put before the text */
    bool space_is_suffix; /* or, with this, after it */
    bool fold_spaces;     /* runs of spaces become one, none at the ends */
    bool escape_spaces;   /* a space becomes U+2581 */
    char *names;          /* the texts of `pieces` */
} cv_spm;

/* Reads the file; `appended` texts become ordinary pieces of score 0 after its last one. Errors name the file:
 * larger than 16 MB, damaged, cut short, pieces that are empty, duplicate or too long; models other than unigram,
 * byte fallback and denormalization are COGVIDEO_ERROR_UNSUPPORTED. */
cogvideo_status cv_spm_open(cv_spm **out, const char *path, const char *const *appended, size_t appended_count,
                            cogvideo_error *err);
void cv_spm_close(cv_spm **spm);

/* Returns the index of a piece, or -1. */
int32_t cv_spm_find(const cv_spm *spm, const char *text);

#endif
