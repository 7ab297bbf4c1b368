/* first_weights.h - what the trunk and a stage's plus channel are before the first step of training. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_FIRST_WEIGHTS_H
#define CV_FAMILY_COGVIDEO_TRAIN_FIRST_WEIGHTS_H

#include "family/cogvideo/network/stage.h"
#include "family/cogvideo/train/recipes.h"

/* Sets all weights of the trunk, which lie in `store`, in memory. `codebook` [codes, latent] of the image tokenizer
 * gives the embeddings of codes; NULL, or one that does not fit: they are random as all others. */
cogvideo_status cv_first_trunk(const cv_trunk *trunk, cv_store *store, const cv_cogvideo_config *config,
                               const cv_tensor *codebook, const cv_transformer_recipe *recipe, cogvideo_error *err);

/* Sets all weights of the plus channel, which lie in memory, by those of its trunk. */
void cv_first_stage(const cv_stage *stage, const cv_transformer_recipe *recipe);

#endif
