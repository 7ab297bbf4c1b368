/* clip_measure.h - how well vectors of clips find their captions among all that the shapes world has. */
#ifndef CV_FAMILY_METRICS_TRAIN_CLIP_MEASURE_H
#define CV_FAMILY_METRICS_TRAIN_CLIP_MEASURE_H

#include "dataset/shapes.h"

typedef struct cv_clip_measure_in {
    const cv_shapes *world;
    const float *clips;      /* [count][width], of length 1 */
    const int *combinations; /* [count]: what the clips show */
    const float *captions;   /* [cv_shapes_count][CV_SHAPES_LANGUAGES][width], of length 1 */
    int count, width;
    double scale; /* from products to logits */
} cv_clip_measure_in;

/* Means over the clips and both languages. */
typedef struct cv_clip_measures {
    double loss;                            /* cross-entropy of the true caption among all of its language */
    double cosine;                          /* with the true caption */
    double first;                           /* share where it beats all others */
    double attribute[CV_SHAPES_ATTRIBUTES]; /* the same among those that differ from it in this attribute alone */
} cv_clip_measures;

void cv_clip_measure_captions(const cv_clip_measure_in *in, cv_clip_measures *out);

#endif
