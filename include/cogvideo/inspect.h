/* inspect.h - looks inside a stage: how sure it is of each code of a clip, and what it attends to. */
#ifndef COGVIDEO_INSPECT_H
#define COGVIDEO_INSPECT_H

#include <cogvideo/generate.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The attention of one token in one channel of a layer, as its code is predicted under the prompt (not the
 * unconditional text): weights that are means over the heads and sum to 1 over text and frames. A weight on a token
 * is a weight on the input there, which is the code one position before, or <start_of_image> at the first position
 * of a frame. Tokens that it cannot see have weight 0. */
typedef struct cogvideo_attention {
    int layer;
    int second;       /* 0: the base channel, text and own frame; 1: the second channel, text and frames through time */
    int frame, place; /* of the clip; place = row * width + column */
    int text_count;
    const float *text; /* [text_count] */
    /* the frames that follow, in time order: base, its own alone; second, all that stand together: the clip in stage 1,
     * a window in stage 2 */
    int first_frame, frame_count;
    const float *frames; /* [frame_count][height][width] */
} cogvideo_attention;

typedef struct cogvideo_inspect_options {
    cogvideo_score_options score; /* which stage, and whether frame 0 is predicted */
    /* Called for each predicted token, layer and channel, layers in order, from the calling thread; the arrays are
     * valid during the call. NULL (default): no attention is computed for this. */
    void (*attention)(void *user, const cogvideo_attention *attention);
    /* Called before `attention`: whether the attention of this layer and token is wanted, which costs about as much
     * as the layer's own attention. NULL (default): all. */
    int (*wanted)(void *user, int layer, int frame, int place);
    void *user;
    uint64_t reserved[8];
} cogvideo_inspect_options;

typedef struct cogvideo_inspection {
    int frames, places; /* places = height * width: codes of a frame */
    int layers, hidden;
    /* [frames]: 1 if the stage predicted the frame, as in cogvideo_score; otherwise its numbers below are 0 */
    int *scored;
    double *logprob;    /* [frames][places]: the same numbers as from cogvideo_score */
    double *entropy;    /* [frames][places]: of the same (guided) distribution over all image codes, in nats */
    int32_t *likeliest; /* [frames][places]: the most likely code, the lowest on a tie */
    float *alpha;       /* [layers][hidden]: the share of the trunk's channel in the mix of both channels, 0 .. 1 */
    int32_t *text_ids;  /* [text_count]: the text before the frames; the text of the first frame is below */
    size_t text_count;  /* 0 if only the first frame was predicted */
    int32_t *first_ids; /* [first_count]: the text of the first frame */
    size_t first_count; /* 0 if it was not predicted */
} cogvideo_inspection;

/* Whether the networks of the model's family can be looked into: 1, or 0 where an inspection tells the log-probability
 * of each code alone. */
COGVIDEO_API int cogvideo_can_inspect(const cogvideo_model *model);
/* Inspects a clip; clip, stage and errors are as in cogvideo_score. `options` and `what` are required. Where the model
 * cannot be looked into, only frames, places, scored and logprob are filled, and no attention is told. Free `out` with
 * cogvideo_inspection_free. */
COGVIDEO_API cogvideo_status cogvideo_inspect(const cogvideo_model *model, const cogvideo_generate_options *options,
                                              const cogvideo_inspect_options *what, const cogvideo_tokens *clip,
                                              cogvideo_inspection *out, cogvideo_error *err);
COGVIDEO_API void cogvideo_inspection_free(cogvideo_inspection *inspection);

/* Returns the cluster of an image code, from 0; -1 if the model has no clusters or no such code. */
COGVIDEO_API int cogvideo_code_cluster(const cogvideo_model *model, int32_t code);

#ifdef __cplusplus
}
#endif
#endif
