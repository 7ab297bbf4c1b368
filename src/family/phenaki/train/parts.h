/* parts.h - the parts of a Phenaki model that can be trained, as the family's table lists them. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_PARTS_H
#define CV_FAMILY_PHENAKI_TRAIN_PARTS_H

#include "family/phenaki/model/model.h"
#include "train/learner.h"

/* Their order in the table. */
typedef enum cv_phenaki_part {
    CV_PHENAKI_VIDEO_TOKENIZER,
    CV_PHENAKI_MASKED,
    CV_PHENAKI_CRITIC,
    CV_PHENAKI_PARTS,
} cv_phenaki_part;

extern const cv_part cv_phenaki_parts[CV_PHENAKI_PARTS];

/* Weights start as the recipe says; a checkpoint may replace them afterwards. */
cogvideo_status cv_video_learner_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                      const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err);

cogvideo_status cv_masked_part_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                    const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err);
cogvideo_status cv_critic_part_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                    const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err);

/* cogvideo_dataset_tokens of this family. */
cogvideo_status cv_phenaki_dataset_tokens(const cogvideo_dataset *dataset, const cogvideo_model *head,
                                          const char *output, const cogvideo_rows_options *options,
                                          const cogvideo_dataset_callbacks *callbacks, long long *rows,
                                          cogvideo_error *err);

/* cogvideo_dataset_check_tokenizer of this family: "key frames" are latent frames, of which the first is one picture. */
cogvideo_status cv_phenaki_check_tokenizer(const cogvideo_dataset *dataset, const cogvideo_model *head, int clips,
                                           const cogvideo_dataset_callbacks *callbacks, cogvideo_tokenizer_check *out,
                                           cogvideo_error *err);

/* The file that model.json names for a part, such as "masked"; NULL where it names none. */
const char *cv_phenaki_file_of(const cogvideo_model *model, const char *part);
/* A section of model.json, with the sizes of a part, or an error that says which configs have one. `origin` [600]
 * becomes what its errors begin with. */
cogvideo_status cv_phenaki_section(const cogvideo_model *model, const char *name, cv_json **out, char *origin,
                                   cogvideo_error *err);

#endif
