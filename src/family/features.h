/* features.h - networks that turn clips, frames and texts into vectors, which metrics compare (src/evaluate). A family
 * lists its own in its table. */
#ifndef CV_FAMILY_FEATURES_H
#define CV_FAMILY_FEATURES_H

#include "media/scale.h"

#include <cogvideo/model.h>

#include <stdbool.h>

#define CV_FEATURE_HEADS 8

/* One of several questions that a network answers with classes. */
typedef struct cv_feature_head {
    const char *name; /* "colour"; of a network of the shapes world the attributes of its captions */
    int classes;
} cv_feature_head;

/* What a network wants and gives. */
typedef struct cv_feature_info {
    bool frames;  /* an item is one frame; else a clip */
    int side;     /* of its square frames, in pixels; 0 = any */
    int min, max; /* frames of a clip; max 0 = no limit; 1 and 1 where an item is a frame */
    int width;    /* numbers of a feature */
    int classes;  /* probabilities beside it, of all heads together; 0 = none */
    /* The probabilities of each head follow one another, and those of each have a sum of 1. 0 = one head. */
    int head_count;
    cv_feature_head heads[CV_FEATURE_HEADS];
    bool shapes; /* it knows the shapes world alone: its metrics bear that name, as fvd-shapes, and its protocol */
    const char
        *origin; /* the file that it was imported from, or the data that it was trained on; belongs to the model */
    /* of that file or, of a trained part, of its own; where it reads another part's features, of both digests */
    char sha256[65];
    char vocabulary_sha256[65]; /* "" = it reads no texts */
    /* What changes its numbers beside the weights, as protocols print it: "quick gelu; 8 text heads"; "" = nothing */
    char config[200];
} cv_feature_info;

/* Which of its ways a network takes: fields of the protocol that change what it computes. */
typedef struct cv_feature_settings {
    double epsilon;            /* of the norms, where it can be changed; 0 = the network's own */
    bool pytorch_input;        /* 2 v / 255 - 1 as pytorch-fid has it, in place of (v - 128) / 128 */
    int frames, height, width; /* of the items to come; all of one run are alike */
    int batch;                 /* at most so many items in one call */
} cv_feature_settings;

/* A network made ready to run: norms folded, memory taken. One thread at a time. */
typedef struct cv_feature_run cv_feature_run;

typedef struct cv_feature_network {
    const char *name; /* "i3d": of the part of the model, and in the names of feature files */
    /* How frames of any shape become squares of its side, unless a protocol says otherwise. CV_SCALE_NONE: they must be
     * of that size already. */
    cv_scale scale;
    cv_crop crop;
    const char *range; /* what it makes of 0 .. 255, as protocols print it: "-1..1" */
    double epsilon;    /* of its norms, as protocols print it; 0 = it has none */
    /* What a protocol may change of that: its other fields do not reach this network. */
    bool any_epsilon;   /* the epsilon, which settings then have */
    bool any_resize;    /* scale and crop */
    bool pytorch_input; /* the input of pytorch-fid, torch's bilinear to -1 .. 1, which settings then have */
    bool fewer_frames;  /* how many frames of a clip are looked at; of a network whose items are frames */
    /* Whether a model has it, or an error that says how it can be had. */
    cogvideo_status (*need)(const cogvideo_model *model, cogvideo_error *err);
    void (*info)(const cogvideo_model *model, cv_feature_info *out);
    /* Bytes that a run takes. Refuses what `open` would refuse. */
    cogvideo_status (*plan)(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                            cogvideo_error *err);
    cogvideo_status (*open)(cv_feature_run **out, const cogvideo_model *model, const cv_feature_settings *settings,
                            cogvideo_error *err);
    /* `pixels` [count][frames][3][height][width] are RGB, 0 .. 255, not yet in the network's own range. Into features
     * [count][width], of length 1 where the network reads texts too, and probabilities [count][classes], NULL = not
     * wanted. A result depends on its item alone. */
    cogvideo_status (*run)(cv_feature_run *run, const float *pixels, int count, float *features, float *probabilities,
                           cogvideo_error *err);
    void (*close)(cv_feature_run **run);
    /* The feature [width] of a text, of length 1; NULL: the network reads none. A text that is too long is an error or,
     * where `cut`, cut. */
    cogvideo_status (*text)(const cogvideo_model *model, const char *text, bool cut, float *feature,
                            cogvideo_error *err);
} cv_feature_network;

#endif
