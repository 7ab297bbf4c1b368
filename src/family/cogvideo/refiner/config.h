/* config.h - the sizes and the schedule of a refiner: the "refiner" section of a model's description. */
#ifndef CV_FAMILY_COGVIDEO_REFINER_CONFIG_H
#define CV_FAMILY_COGVIDEO_REFINER_CONFIG_H

#include "base/json.h"

#define CV_REFINER_PATTERN 16 /* most rows and columns of the pattern */
#define CV_REFINER_ROUNDS 32

typedef struct cv_refiner_config {
    int layers, hidden, heads, mlp;
    int vocabulary;     /* rows of the word embeddings */
    int image_codes;    /* ids 0 .. image_codes-1, and the width of the logits */
    int start_of_image; /* the id at every place that is drawn anew */
    int upscaled_grid;  /* side of the picture, in codes */
    int text_places;    /* ids of the text that are read, from its beginning */
    int pad;            /* what the original puts left of the text; no place sees it, so it is never computed */
    int positions;      /* rows of the trunk's position table */
    int own_kernel;     /* columns that a place sees, of 2 own_kernel - 1 rows; odd */
    double norm_epsilon;
    int pattern_side;
    int pattern[CV_REFINER_PATTERN * CV_REFINER_PATTERN]; /* [side][side], repeated over the picture: the last round
                                                             that draws the place anew; below 1 = none does */
    int rounds;                                           /* round r, from 1, draws all places of a value >= r */
    int top_k[CV_REFINER_ROUNDS];                         /* codes that round r draws from; 0 = all */
} cv_refiner_config;

/* Every key must be there, in range and consistent with the others; keys that are not known are refused. */
cogvideo_status cv_refiner_config_parse(cv_refiner_config *out, const cv_json *section, const char *origin,
                                        cogvideo_error *err);

/* The last round that draws this place anew; below 1: none does. */
int cv_refiner_last_round(const cv_refiner_config *config, int place);

#endif
