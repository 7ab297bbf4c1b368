/* model.h - an open model of metrics: the networks whose vectors are compared, bound to the files of its head. Every
 * part may be missing. docs/formats.md describes its model.json. */
#ifndef CV_FAMILY_METRICS_MODEL_MODEL_H
#define CV_FAMILY_METRICS_MODEL_MODEL_H

#include "base/sha256.h"
#include "family/family.h"
#include "family/metrics/network/c3d.h"
#include "family/metrics/network/clip.h"
#include "family/metrics/network/i3d.h"
#include "family/metrics/network/inception.h"
#include "tokenizer/bpe.h"

/* The parts of a model, in the order in which model.json and `cogvideo info` list them. */
typedef enum cv_metrics_part_id {
    CV_METRICS_I3D,
    CV_METRICS_C3D,
    CV_METRICS_INCEPTION,
    CV_METRICS_CLIP,
    CV_METRICS_CLIP_VOCABULARY, /* byte pairs; of an imported CLIP */
    CV_METRICS_TEXT_TOKENIZER,  /* SentencePiece; of a CLIP of the shapes world */
    CV_METRICS_PARTS,
} cv_metrics_part_id;

/* A part as model.json describes it. Strings belong to the model. */
typedef struct cv_metrics_part {
    const cv_json *section; /* "parts.NAME" of model.json; NULL = the model has no such part, and all else is empty */
    char where[600];        /* "weights/metrics/model.json: parts.i3d", with which errors start */
    const char *path;       /* of its file; NULL = it was not trained yet, and what follows is empty */
    cv_store *store;        /* NULL: its file holds no tensors */
    const char *origin;     /* the file that it was imported from, or the data that it was trained on */
    /* of the file that it was imported from; of its own where it was trained here */
    char sha256[CV_SHA256_TEXT];
    bool shapes; /* "variant": "shapes": trained by this program on the shapes world; false = a published network */
} cv_metrics_part;

typedef struct cv_metrics {
    cogvideo_model head; /* first */
    cv_metrics_part parts[CV_METRICS_PARTS];
    /* bound to their parts' files; NULL = the model has no such part */
    cv_i3d *i3d;
    cv_c3d *c3d;
    cv_inception *inception;
    cv_clip *clip;
    cv_bpe *vocabulary; /* of CLIP; NULL where either is missing */
} cv_metrics;

/* A model of this family as such. */
static inline const cv_metrics *cv_metrics_of(const cogvideo_model *model)
{
    return (const cv_metrics *)(const void *)model;
}

/* The name of a part in model.json: "clip_vocabulary". */
const char *cv_metrics_part_name(cv_metrics_part_id id);

/* A part that a network needs, with the threads that compute it, or an error that says how it can be had. */
cogvideo_status cv_metrics_need(const cogvideo_model *model, cv_metrics_part_id id, cogvideo_error *err);

/* open, close and property of the family. */
cogvideo_status cv_metrics_open(cogvideo_model *model, const char *origin, cogvideo_error *err);
void cv_metrics_close(cogvideo_model *model);
bool cv_metrics_property(const cogvideo_model *model, int index, cogvideo_property *out);

/* Binds I3D, C3D and Inception to their parts, those that there are (convnets.c). */
cogvideo_status cv_metrics_open_convnets(cv_metrics *model, cogvideo_error *err);
void cv_metrics_close_convnets(cv_metrics *model);
/* Binds CLIP to its part, if there is one, and opens its vocabulary (clip.c). */
cogvideo_status cv_metrics_open_clip(cv_metrics *model, cogvideo_error *err);

#endif
