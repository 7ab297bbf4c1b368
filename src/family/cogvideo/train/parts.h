/* parts.h - the parts of a CogVideo model that can be trained, as the family's table lists them. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_PARTS_H
#define CV_FAMILY_COGVIDEO_TRAIN_PARTS_H

#include "family/cogvideo/model/model.h"
#include "train/colour_pairs.h"
#include "train/learner.h"

/* Their order in the table. */
typedef enum cv_cogvideo_part {
    CV_PART_IMAGE_TOKENIZER,
    CV_PART_IMAGE, /* the trunk, on text and one frame */
    CV_PART_COGLM, /* the trunk, as CogLM */
    CV_PART_STAGE1,
    CV_PART_STAGE2,
    CV_COGVIDEO_PARTS,
} cv_cogvideo_part;

extern const cv_part cv_cogvideo_parts[CV_COGVIDEO_PARTS];

/* How the codes of the model's image tokenizer are ordered. */
cv_colour_pairs cv_colour_pairs_of(const cogvideo_model *model);

/* Weights start as the recipe says; a checkpoint may replace them afterwards. */
cogvideo_status cv_transformer_learner_open(cv_learner **out, const cogvideo_train_options *options,
                                            const cv_recipe *recipe, const cv_exec *exec, const cogvideo_model *model,
                                            cogvideo_error *err);
cogvideo_status cv_picture_learner_open(cv_learner **out, const cogvideo_train_options *options,
                                        const cv_recipe *recipe, const cv_exec *exec, const cogvideo_model *model,
                                        cogvideo_error *err);

/* cogvideo_dataset_tokens of this family. */
cogvideo_status cv_cogvideo_dataset_tokens(const cogvideo_dataset *dataset, const cogvideo_model *head,
                                           const char *output, const cogvideo_rows_options *options,
                                           const cogvideo_dataset_callbacks *callbacks, long long *rows,
                                           cogvideo_error *err);

/* cogvideo_dataset_check_tokenizer of this family. */
cogvideo_status cv_cogvideo_check_tokenizer(const cogvideo_dataset *dataset, const cogvideo_model *head, int clips,
                                            const cogvideo_dataset_callbacks *callbacks, cogvideo_tokenizer_check *out,
                                            cogvideo_error *err);

#endif
