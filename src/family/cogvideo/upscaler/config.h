/* config.h - the sizes of a super-resolution network: the "upscaler" section of a model's description. */
#ifndef CV_FAMILY_COGVIDEO_UPSCALER_CONFIG_H
#define CV_FAMILY_COGVIDEO_UPSCALER_CONFIG_H

#include "base/json.h"

typedef struct cv_upscaler_config {
    int layers, hidden, heads, mlp;
    int vocabulary;     /* rows of the word embeddings */
    int image_codes;    /* ids 0 .. image_codes-1, and the width of the logits */
    int start_of_image; /* the id at every place of the result */
    int grid;           /* side of the low-resolution picture, in codes */
    int upscaled_grid;  /* side of the result, a multiple of grid */
    int text_places;    /* longest text, in ids */
    int pad;            /* what the original puts left of the text; no place sees it, so it is never computed */
    int positions;      /* rows of the trunk's position table */
    int low_position;   /* row of the first low-resolution code */
    int cross_kernel;   /* side of the square of low-resolution codes that a place sees; odd */
    int own_kernel;     /* columns of its own grid that a place sees, of 2 own_kernel - 1 rows; odd */
    double norm_epsilon;
} cv_upscaler_config;

/* Every key must be there, in range and consistent with the others; keys that are not known are refused. */
cogvideo_status cv_upscaler_config_parse(cv_upscaler_config *out, const cv_json *section, const char *origin,
                                         cogvideo_error *err);

#endif
