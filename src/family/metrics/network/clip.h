/* clip.h - CLIP: pictures and texts become vectors of length 1, whose product says how well they go together. Radford
 * et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021. Names of tensors are OpenAI's.
 *
 * In the shapes world, features of clips by another network take the place of pictures and are projected to the same
 * vectors (`clip_projection`), or the tower of pictures is followed by one over the frames of a clip (`temporal.`).
 * README.md of this folder has the formulas. */
#ifndef CV_FAMILY_METRICS_NETWORK_CLIP_H
#define CV_FAMILY_METRICS_NETWORK_CLIP_H

#include "base/arena.h"
#include "base/json.h"
#include "nn/exec.h"
#include "tensor/store.h"
#include "tokenizer/text.h"

#define CV_CLIP_HEAD_WIDTH 64 /* of the published towers, where nothing says otherwise */
#define CV_CLIP_IDS (1 << 24) /* more than any vocabulary has */

/* A stack of residual blocks. */
typedef struct cv_clip_tower {
    int width;  /* numbers of a row; 0 = there is no such tower */
    int layers; /* at least 1 */
    int heads;  /* divides the width */
    int mlp;    /* width of the MLP's inner rows */
} cv_clip_tower;

typedef struct cv_clip_config {
    cv_clip_tower image, text, time;
    int resolution, patch; /* sides in pixels of a picture and of its patches */
    int frames;            /* that the time tower sees; 0 = there is none */
    int context;           /* most ids of a text */
    int vocabulary;
    int end;      /* a text's feature stands at the first place of this id; -1: at that of the largest id */
    int features; /* width of another network's features, which clip_projection takes; 0 = there is none */
    int embed;    /* numbers of a vector */
    cv_gelu_form gelu;
    float mean[3], deviation[3]; /* of pixels in 0 .. 1, by colour; a first deviation of 0 stands for OpenAI's */
} cv_clip_config;

/* What tensors do not tell, as a section of model.json has it:
 *
 *     "act": "quick" or "gelu"                      form of GELU
 *     "image_heads", "text_heads", "time_heads"     where heads are not 64 wide
 *     "mean", "deviation": [r, g, b]                where they are not OpenAI's
 *     "end": ID                                     where a text's feature does not stand at the largest id
 *
 * Other members of the section are not read. `origin` starts errors. */
cogvideo_status cv_clip_config_parse(cv_clip_config *out, const cv_json *section, const char *origin,
                                     cogvideo_error *err);
/* Sets these members, as far as they are not what is meant without them. */
void cv_clip_config_describe(const cv_clip_config *config, cv_json *section);
/* What numbers depend on beside the weights, in words: "quick gelu; 8 text heads; 12 image heads; mean .."; out
 * [size]. */
void cv_clip_config_text(const cv_clip_config *config, char *out, size_t size);
/* Fills in the sizes from the tensors of a file. Heads that are 0 become as many as are 64 wide; gelu, end, mean and
 * deviation are the caller's. An error where a tensor is missing by which a size is known, or where sizes do not fit
 * each other. */
cogvideo_status cv_clip_measure(cv_clip_config *config, const cv_store *store, cogvideo_error *err);

/* Read-only once open; any number of threads may use it at once, each with an arena of its own. */
typedef struct cv_clip cv_clip;

/* Claims every tensor of the network; `store` must outlive it. */
cogvideo_status cv_clip_open(cv_clip **out, cv_store *store, const cv_clip_config *config, cogvideo_error *err);
void cv_clip_close(cv_clip **clip);
/* The same network ready for many calls of cv_clip_images alone: its weights laid out once, in so many bytes. The bound
 * one must outlive it; cv_clip_close closes it, too. */
size_t cv_clip_ready_bytes(const cv_exec *exec, const cv_clip *bound);
cogvideo_status cv_clip_ready(cv_clip **out, const cv_exec *exec, const cv_clip *bound, cogvideo_error *err);
/* The config as opened, with all that was left to be filled in. */
const cv_clip_config *cv_clip_config_of(const cv_clip *clip);
/* e^logit_scale, by which products of vectors become logits. */
float cv_clip_scale(const cv_clip *clip);

/* Features [count][embed] of length 1. Each depends on its own item alone, to the bit. The runs allocate nothing; what
 * they took of the arena is free again behind them. On an arena that measures they only measure.
 *
 * Of pictures [count][3][resolution][resolution], RGB in 0 .. 255. */
void cv_clip_images(const cv_exec *exec, const cv_clip *clip, float *features, const float *pixels, int count,
                    cv_arena *arena);
/* Of another network's features [count][config.features], which are overwritten. */
void cv_clip_project(const cv_exec *exec, const cv_clip *clip, float *features, float *others, int count);
/* Of a text of `count` ids, at most config.context. An error where an id is out of range. While measuring, `ids` may be
 * NULL. */
cogvideo_status cv_clip_text(const cv_exec *exec, const cv_clip *clip, float *feature, const int32_t *ids, int count,
                             cv_arena *arena, cogvideo_error *err);

/* The ids of a caption by a SentencePiece text model, for a network that has an `end`: pieces and the end, with which
 * there may be config.context; `ids` has room for them. A caption that is too long is an error or, where `cut`, cut. */
cogvideo_status cv_clip_caption(const cv_clip_config *config, const cv_text *text, const char *caption, bool cut,
                                int32_t *ids, int *count, cogvideo_error *err);

#endif
