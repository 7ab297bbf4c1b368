/* attributes.h - what a CLIP of the shapes world understands of its captions, attribute by attribute. */
#ifndef CV_EVALUATE_ATTRIBUTES_H
#define CV_EVALUATE_ATTRIBUTES_H

#include "evaluate/cache.h"
#include "evaluate/set.h"
#include "evaluate/texts.h"

/* Adds to the metric, for size, colour, shape, motion and background, how often a clip's caption fits it better than
 * all that differ in that attribute alone, in the caption's own language; and a warning where prompts are no captions
 * of the world. */
cogvideo_status cv_measure_attributes(cogvideo_metric *out, const cv_rows *rows, const cv_set *set, cv_texts *texts,
                                      cogvideo_error *err);

#endif
