/* config.h - the sizes of the CogVideo transformer: a description's "network" section. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_CONFIG_H
#define CV_FAMILY_COGVIDEO_NETWORK_CONFIG_H

#include "base/json.h"

#define CV_COGVIDEO_MAX_FRAMES 65 /* of a sequence */

typedef struct cv_cogvideo_config {
    int layers, hidden, heads, mlp; /* hidden is a multiple of heads */
    int vocabulary;                 /* rows of the word embeddings */
    int image_codes;                /* ids 0 .. image_codes-1; the logits' width */
    int start_of_image;             /* the id at a frame's first place */
    int grid, window;               /* codes on one side of a frame, of a stage-2 window */
    int frames;                     /* frame slots, odd: stage 2 is given (frames + 1) / 2 of them */
    int text_places;                /* longest text */
    int positions, extra_positions; /* rows of the two position tables */
    int frame_position;             /* position of frame 0's first place */
    bool wrap_windows;              /* given frames: shifted windows join opposite edges, as the original's sampler has
                                       it (its training cuts them off) */
    double norm_epsilon;
} cv_cogvideo_config;

/* Every key is required; sizes that contradict each other are errors that name both. */
cogvideo_status cv_cogvideo_config_parse(cv_cogvideo_config *out, const cv_json *section, const char *origin,
                                         cogvideo_error *err);

/* Places of a frame, L = grid * grid. */
static inline int cv_cogvideo_places(const cv_cogvideo_config *config)
{
    return config->grid * config->grid;
}

/* Frame slots that stage 2 is given; the rest it generates. */
static inline int cv_cogvideo_known(const cv_cogvideo_config *config)
{
    return (config->frames + 1) / 2;
}

#endif
