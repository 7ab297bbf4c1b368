/* settings.h - what a run uses: the model's own options, and whether the caller's can be used. */
#ifndef CV_FAMILY_COGVIDEO_MODEL_SETTINGS_H
#define CV_FAMILY_COGVIDEO_MODEL_SETTINGS_H

#include "family/cogvideo/model/model.h"

#include <cogvideo/generate.h>

/* The model's own values. */
void cv_cogvideo_defaults(const cogvideo_model *head, cogvideo_generate_options *options);
void cv_cogvideo_decode_defaults(const cogvideo_model *head, cogvideo_decode_options *options);
/* As cogvideo_set_style. */
cogvideo_status cv_cogvideo_set_style(const cogvideo_model *head, cogvideo_generate_options *options, const char *name,
                                      cogvideo_error *err);
/* The ranges that generate.h gives, and that the steps are this family's. */
cogvideo_status cv_check_options(const cv_cogvideo *model, const cogvideo_generate_options *options,
                                 cogvideo_error *err);

/* The options of a step that draws frames from nothing: a mask is for steps behind it. */
cogvideo_generate_options cv_unmasked(const cogvideo_generate_options *options);

/* Whether the model can sample so: clusters without the cluster file are an error that names the way out. */
cogvideo_status cv_check_sampling(const cv_cogvideo *model, const cogvideo_sampling *sampling, cogvideo_error *err);
/* The guidance scale of a step, 1 = not guided; and the text weight that goes with it. */
double cv_step_guidance(const cogvideo_generate_options *options, cv_step_kind step);
double cv_step_text_weight(const cogvideo_generate_options *options, cv_step_kind step);

/* Seconds told to the model: of key frames (round -1) or of a round of interpolation (0, 1, ...), scaled where the
 * caller wants another length than the description's. */
double cv_step_seconds(const cv_cogvideo *model, const cogvideo_generate_options *options, int round);
/* How many key frames the options ask for. */
cogvideo_status cv_keyframes_of(const cv_cogvideo *model, const cogvideo_generate_options *options, int *frames,
                                cogvideo_error *err);
/* Rounds of interpolation behind a clip of so many frames: 0 for key frames, and for any number that rounds never
 * give. */
int cv_rounds_behind(const cv_cogvideo *model, int frames);
/* The rounds, *first to *end - 1, that `rounds` of interpolation (0 = all that are left, or one) over a clip of so many
 * frames are. They are numbered from the key frames on, so that two runs of one round each give what one run of two
 * gives. An error where there are none. */
cogvideo_status cv_rounds_of(const cv_cogvideo *model, int frames, int rounds, int *first, int *end,
                             cogvideo_error *err);

/* A clip against what a network takes: at least one frame, each of grid x grid codes and of one video frame, codes
 * below `codes`. */
cogvideo_status cv_check_clip(const cogvideo_tokens *clip, int grid, int codes, const char *what, cogvideo_error *err);

#endif
