/* texts.h - features of texts, each computed once. */
#ifndef CV_EVALUATE_TEXTS_H
#define CV_EVALUATE_TEXTS_H

#include "family/family.h"

typedef struct cv_text_entry {
    char *text; /* NULL = free */
    float *feature;
} cv_text_entry;

typedef struct cv_texts {
    const cv_feature_network *network;
    const cogvideo_model *model;
    bool cut;
    int width;
    cv_text_entry *entries; /* an open hash table of `room` places, a power of two */
    size_t room, count;
} cv_texts;

/* Texts for a network that reads them; nothing is computed yet. */
void cv_texts_begin(cv_texts *out, const cv_feature_network *network, const cogvideo_model *model, bool cut);
void cv_texts_free(cv_texts *texts);
/* The feature [width] of a text, which belongs to `texts`. */
cogvideo_status cv_texts_get(cv_texts *texts, const char *text, const float **out, cogvideo_error *err);

#endif
