/* networks.h - what the masked transformer and its critics have in common when they learn: networks over batches of
 * clips and of pictures, and the sizes of the text encoder. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_NETWORKS_H
#define CV_FAMILY_PHENAKI_TRAIN_NETWORKS_H

#include "family/phenaki/train/boxes.h"
#include "train/learner.h"

/* The same weights, in memory for each kind of batch that there is; NULL = there are none of that kind. */
typedef struct cv_box_networks {
    cv_masked_learner *clips, *pictures;
} cv_box_networks;

/* Over the learner's first stores. `text_rows` 0: no text is read. _close is for errors, too. */
cogvideo_status cv_box_networks_open(cv_box_networks *out, const cv_boxes *boxes, const cv_learner *learner,
                                     const cv_masked_config *config, int text_rows, cogvideo_error *err);
void cv_box_networks_close(cv_box_networks *networks);
uint64_t cv_box_networks_bytes(const cv_box_networks *networks);
/* The one for the batch at hand. */
cv_masked_learner *cv_box_network(const cv_box_networks *networks, const cv_boxes *boxes);
/* The most texts of a batch. */
int cv_box_texts(const cv_boxes *boxes);
/* The batch at hand as a network sees it, under its texts, NULL where none are read. */
cv_masked_input cv_box_input(const cv_boxes *boxes, const cv_train_texts *texts);

/* The sizes of the text encoder in the model's description, which fit a network that reads `text_width` numbers; there
 * must be a text tokenizer, and the encoder itself unless it is to be `trained`. */
cogvideo_status cv_box_text_config(cv_t5_config *out, const cogvideo_model *model, int text_width, bool trained,
                                   cogvideo_error *err);

/* Weights and gradients of one more network of a learner, as they are planned. */
cogvideo_status cv_add_stores(cv_learner *learner, const cv_store *plan, const char *weights, const char *gradients,
                              cogvideo_error *err);

#endif
