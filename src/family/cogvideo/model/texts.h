/* texts.h - the text of each step, as the networks were trained to read it:
 *
 *     first frame      prompt + " 高清摄影"
 *     key frames       "4.0秒" <n> prompt            guided: prompt + " 视频"
 *     their guide      "4.0秒" <n> "视频"
 *     interpolation    "2.0秒" <n> prompt + " 视频"
 *     super-resolution prompt + " 视频"
 *
 * (words and durations from the description; pieces that are encoded apart each get their own dummy prefix). */
#ifndef CV_FAMILY_COGVIDEO_MODEL_TEXTS_H
#define CV_FAMILY_COGVIDEO_MODEL_TEXTS_H

#include "family/cogvideo/model/model.h"

#include <cogvideo/generate.h>

typedef struct cv_ids {
    int32_t *ids;
    int count;
} cv_ids;

/* The ids of a step's text: options->text_ids (or guide_ids) where given, otherwise made from the prompt. `seconds` is
 * used where the step's text has a duration. A text of no or too many ids is an error, or cut with a warning. */
cogvideo_status cv_step_text(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_step_kind step,
                             bool guided, double seconds, cv_ids *out, cogvideo_error *err);
cogvideo_status cv_guide_text(const cv_cogvideo *model, const cogvideo_generate_options *options, double seconds,
                              cv_ids *out, cogvideo_error *err);
void cv_ids_free(cv_ids *ids);

/* Whether a text, or a piece of one, has Chinese characters. */
bool cv_has_chinese(const char *text);
/* Warns, once per run, about a prompt in a script that the model was not trained on. */
void cv_warn_language(const cv_cogvideo *model, const cogvideo_generate_options *options);

#endif
