/* learn.h - the gradients of an image tokenizer over a batch of images: encoder, quantization with a straight-through
 * gradient, and the decoder of one rate.
 *
 * The loss is l1 * mean |d| + l2 * mean d^2 + commitment * mean (z - e)^2, where d is the difference between the
 * result and the image in 0..1, z the encoder's result and e the code's vector, which gets no gradient: codebooks
 * learn by averaging (train/codebook.h). */
#ifndef CV_MODEL_IMAGE_TOKENIZER_LEARN_H
#define CV_MODEL_IMAGE_TOKENIZER_LEARN_H

#include "model/image_tokenizer/image_tokenizer.h"

typedef struct cv_image_learning {
    int batch, side, rate; /* square images of `side` pixels, a multiple of the rate */
    double l1, l2, commitment;
    bool decoder_only; /* the encoder gets no gradients */
} cv_image_learning;

/* Means over the batch. */
typedef struct cv_image_losses {
    double l1, l2, commitment; /* unweighted */
    double psnr;               /* 10 log10(1 / l2), dB */
} cv_image_losses;

typedef struct cv_image_learner cv_image_learner;

/* Creates a store without data (cv_store_plan) that lists all tensors of a network of this config: weights and
 * gradients are created like it. */
cogvideo_status cv_image_tokenizer_plan(cv_store **out, const cv_image_tokenizer_config *config, cogvideo_error *err);

/* `weights` and `gradients` are stores in memory, made after that plan (further tensors do not matter); they and
 * `exec` must outlive the learner. Allocates all memory of the runs; COGVIDEO_ERROR_ARGUMENT where the rate or the
 * side does not fit the network. */
cogvideo_status cv_image_learner_open(cv_image_learner **out, const cv_exec *exec, cv_store *weights,
                                      cv_store *gradients, const cv_image_tokenizer_config *config,
                                      const cv_image_learning *options, cogvideo_error *err);
void cv_image_learner_close(cv_image_learner **learner);
/* Returns the bytes that the learner holds besides the two stores. */
size_t cv_image_learner_bytes(const cv_image_learner *learner);

/* Adds the gradients of the loss over rgb [batch][side][side][3] to `gradients` ("quantize.embed.weight" gets none).
 * The batch is split into parts by its size alone, each with gradients of its own that are added up in order, so
 * nothing depends on the number of threads. */
void cv_image_learner_run(cv_image_learner *learner, cv_image_losses *losses, const uint8_t *rgb);

/* Computes only the losses, and the vectors and codes below; no gradients. */
void cv_image_learner_measure(cv_image_learner *learner, cv_image_losses *losses, const uint8_t *rgb);

/* Chooses whether the decoder gets the codes' vectors (the default) or the encoder's own, without a commitment loss:
 * a network that starts without quantization gives k-means vectors that form clusters. */
void cv_image_learner_quantize(cv_image_learner *learner, bool quantize);

/* The vectors before quantization [rows][latent] and the codes [rows] of the last run, image by image. */
const float *cv_image_learner_vectors(const cv_image_learner *learner);
const int32_t *cv_image_learner_codes(const cv_image_learner *learner);
int cv_image_learner_rows(const cv_image_learner *learner);

#endif
