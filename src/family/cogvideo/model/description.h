/* description.h - a CogVideo model in words and numbers: model.json, as configs/README.md lays it down. */
#ifndef CV_FAMILY_COGVIDEO_MODEL_DESCRIPTION_H
#define CV_FAMILY_COGVIDEO_MODEL_DESCRIPTION_H

#include "family/cogvideo/network/config.h"
#include "model/image_tokenizer/config.h"
#include "family/cogvideo/refiner/config.h"
#include "family/cogvideo/model/styles.h"
#include "family/cogvideo/upscaler/config.h"
#include "sample/sampler.h"

#define CV_MAX_DURATIONS 12

/* Strings point into the JSON that it was read from. File names are NULL where the part is absent. */
typedef struct cv_description {
    cv_cogvideo_config network;
    cv_upscaler_config upscaler;               /* read where there is the part */
    cv_refiner_config refiner;                 /* the same */
    cv_image_tokenizer_config image_tokenizer; /* read where there is the section */
    const char *first_frame_suffix, *video_suffix, *guide, *duration_suffix, *separator;
    const char *completion_suffix;      /* of a masked picture; NULL = as without a mask */
    bool completion_ends_in_start;      /* the text of a masked picture ends in <start_of_image>, as CogView2's does */
    const char *language;               /* "zh": prompts in other scripts get a warning; NULL = any */
    double durations[CV_MAX_DURATIONS]; /* seconds: of key frames, then per round */
    int duration_count;                 /* rounds + 1 */
    double guidance, text_weight_plain, text_weight_guided;
    cogvideo_sampling sampling[CV_STEP_COUNT];
    cv_styles styles;
    int rate, picture_size;
    struct {
        const char *trunk[2], *own[2]; /* of stage 1 and stage 2 */
        const char *bare_trunk;        /* a trunk that no stage was trained on yet: it makes first frames */
        const char *upscaler, *refiner, *image_tokenizer, *text_tokenizer, *clusters;
        const char *upscaler_trunk, *refiner_trunk; /* the same file, or one that other networks may read as well */
    } files;
} cv_description;

/* Reads what model.json holds beside format, family and name. Errors start with `path`. */
cogvideo_status cv_description_read(cv_description *out, const cv_json *json, const char *path, cogvideo_error *err);

#endif
