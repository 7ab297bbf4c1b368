/* inspect.h - looking inside a stage: how sure it is of each code of a clip, and what it looks at while it predicts it. */
#ifndef COGVIDEO_INSPECT_H
#define COGVIDEO_INSPECT_H

#include <cogvideo/generate.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where one place looks in one channel of a layer, as its code is predicted under the prompt (not the guide): weights of its
 * attention, means over the heads, which sum to 1 over text and frames. A weight on a place is one on the input there,
 * which is the code one place before, or <start_of_image> at a frame's first. Places that it cannot see weigh 0. */
typedef struct cogvideo_attention {
    int layer;
    int second;          /* 0: the base channel, text and own frame; 1: the second channel, text and frames through time */
    int frame, place;    /* of the clip; place = row * width + column */
    int text_count;
    const float *text;   /* [text_count] */
    int first_frame, frame_count; /* the frames that follow, in time order: base, its own alone; second, all that stand together:
                                     the clip in stage 1, a window in stage 2 */
    const float *frames; /* [frame_count][height][width] */
} cogvideo_attention;

typedef struct cogvideo_inspect_options {
    cogvideo_score_options score; /* which stage, and frame 0 or not */
    /* Called for each predicted place, layer and channel, layers in order, from the calling thread; the arrays are valid during the
     * call. NULL (default): no attention is looked at, and nothing is computed for it. */
    void (*attention)(void *user, const cogvideo_attention *attention);
    /* Asked before: whether attention of this layer and place is wanted, which costs about as much as the layer's own attention.
     * NULL (default): all. */
    int (*wanted)(void *user, int layer, int frame, int place);
    void *user;
    uint64_t reserved[8];
} cogvideo_inspect_options;

typedef struct cogvideo_inspection {
    int frames, places;   /* places = height * width: codes of a frame */
    int layers, hidden;
    int *scored;          /* [frames]: 1 where the stage predicted the frame, as in cogvideo_score; else its numbers below are 0 */
    double *logprob;      /* [frames][places]: exactly as cogvideo_score gives them */
    double *entropy;      /* [frames][places]: of the same (guided) distribution over all image codes, in nats */
    int32_t *likeliest;   /* [frames][places]: the code of most probability, the lowest on a tie */
    float *alpha;         /* [layers][hidden]: the base channel's share in the mix of both channels, 0 .. 1 */
    int32_t *text_ids;    /* [text_count]: what the stage read before the frames; the first frame's own text is below */
    size_t text_count;    /* 0 where only the first frame was predicted */
    int32_t *first_ids;   /* [first_count]: the text of a first frame that was predicted */
    size_t first_count;   /* 0 where it was not */
} cogvideo_inspection;

/* Clip, stage and errors as in cogvideo_score; `options` and `what` are needed. Free `out` with cogvideo_inspection_free. */
COGVIDEO_API cogvideo_status cogvideo_inspect(const cogvideo_model *model, const cogvideo_generate_options *options,
                                              const cogvideo_inspect_options *what, const cogvideo_tokens *clip,
                                              cogvideo_inspection *out, cogvideo_error *err);
COGVIDEO_API void cogvideo_inspection_free(cogvideo_inspection *inspection);

/* The cluster of an image code, from 0; -1 where the model has no clusters or no such code. */
COGVIDEO_API int cogvideo_code_cluster(const cogvideo_model *model, int32_t code);

#ifdef __cplusplus
}
#endif
#endif
