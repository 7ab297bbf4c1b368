/* protocol.h - what stands beside each number: the fields of a protocol, read and checked for one network, and written
 * as JSON. */
#ifndef CV_EVALUATE_PROTOCOL_H
#define CV_EVALUATE_PROTOCOL_H

#include "base/json.h"
#include "base/sha256.h"
#include "family/family.h"
#include "media/scale.h"

#include <cogvideo/evaluate.h>

/* Distances of wider features take seconds each: they are resampled only where that is asked for. */
#define CV_WIDE_FEATURES 1024

typedef enum cv_start { CV_START_FIRST, CV_START_CENTRE, CV_START_RANDOM } cv_start;

typedef enum cv_quantise {
    CV_QUANTISE_NONE,
    CV_QUANTISE_CUT,   /* to the whole number below */
    CV_QUANTISE_ROUND, /* to the nearest, halves up */
} cv_quantise;

/* The two sets of an evaluation. */
typedef enum cv_side { CV_GENERATED, CV_REAL, CV_SIDES } cv_side;

/* A protocol as one network follows it. */
typedef struct cv_protocol {
    cogvideo_protocol given; /* of which what does not depend on the network is read */
    const cv_feature_network *network;
    cv_feature_info info;
    const char *name; /* of the protocol; "shapes" whatever was given where the network knows that world alone */
    int frames, stride;
    cv_start start[CV_SIDES];
    cv_scale size_resize, network_resize;
    cv_crop size_crop, network_crop;
    cv_quantise quantise;
    const char *range;
    bool pytorch_input;
    double epsilon;        /* 0: the network has no norms */
    int spaced;            /* frames of a clip that count, evenly spaced; 0 = all */
    int draws;             /* of the bootstrap; 0 = none */
    const char *tokenizer; /* that real clips go through: the model's name; NULL = none */
} cv_protocol;

/* Reads and checks a protocol for a network of `model`. `pictures`: every item of the sets is a single picture. */
cogvideo_status cv_protocol_resolve(cv_protocol *out, const cogvideo_protocol *given, const cv_feature_network *network,
                                    const cogvideo_model *model, bool pictures, const char *tokenizer,
                                    cogvideo_error *err);

/* Whether a field was given that counts for nothing, since a network of the shapes world has one protocol alone: the
 * log says which is the first. `given` is what `protocol` was resolved from. */
bool cv_protocol_tell_unused(const cv_protocol *protocol, const cogvideo_protocol *given, const cogvideo_log *log);

/* Frames of a clip that become rows of features of their own: 1 where the network reads clips. */
int cv_protocol_rows(const cv_protocol *protocol);

/* Every field, as an object in fresh memory (cv_json_free); NULL where memory ran out. */
cv_json *cv_protocol_json(const cv_protocol *protocol);
/* The fields that change the features of a set, as JSON text in fresh memory (cv_free). */
cogvideo_status cv_protocol_of_features(const cv_protocol *protocol, cv_side side, char **out, cogvideo_error *err);
/* The first field in which two such texts differ, in words: "frames is 8, 16 was expected". */
void cv_protocol_difference(const char *found, const char *expected, char *out, size_t size);

#endif
