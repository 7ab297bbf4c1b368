/* tokenizers.h - which tokenizers training rows were made with: ids mean nothing to a network that reads others. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_TOKENIZERS_H
#define CV_FAMILY_COGVIDEO_TRAIN_TOKENIZERS_H

#include "family/cogvideo/model/model.h"

#define CV_TOKENIZERS_HASH 17 /* characters, with the NUL */

/* The codebook of a model's image tokenizer; NULL where it has none yet. */
const cv_tensor *cv_find_codebook(const cv_cogvideo *model);
/* A number for the codebook and the text model's file, in hexadecimal; empty where the model lacks one of them. */
cogvideo_status cv_tokenizers_hash(char out[CV_TOKENIZERS_HASH], const cv_cogvideo *model, cogvideo_error *err);

#endif
