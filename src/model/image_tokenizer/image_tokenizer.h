/* image_tokenizer.h - images to codes and back: the HVQVAE, with one encoder and a decoder per rate. Ding et al.,
 * "CogView2", 2022; after van den Oord et al., "Neural discrete representation learning", 2017. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_H
#define CV_MODEL_IMAGE_TOKENIZER_H

#include "base/arena.h"
#include "model/image_tokenizer/config.h"
#include "nn/exec.h"
#include "tensor/store.h"

/* The largest side of an image, in pixels. */
#define CV_IMAGE_TOKENIZER_MAX_SIDE 4096

/* Read-only once open; any number of threads may use it at once, each with an arena of its own. */
typedef struct cv_image_tokenizer cv_image_tokenizer;

/* Claims every tensor of the network; `store` must outlive it. Errors name the file and the tensor. */
cogvideo_status cv_image_tokenizer_open(cv_image_tokenizer **out, cv_store *store,
                                        const cv_image_tokenizer_config *config, cogvideo_error *err);
void cv_image_tokenizer_close(cv_image_tokenizer **tokenizer);

/* Bytes of an arena for one picture on these threads: to encode it at any rate, or to decode it at `rate` from
 * grid_width * grid_height codes. 0 for sizes and rates that the run itself would refuse; SIZE_MAX where the size does
 * not fit. The runs allocate nothing, and what they took of the arena is free again behind them. */
size_t cv_image_tokenizer_encode_scratch(const cv_image_tokenizer *tokenizer, const cv_exec *exec, int width,
                                         int height);
size_t cv_image_tokenizer_decode_scratch(const cv_image_tokenizer *tokenizer, const cv_exec *exec, int grid_width,
                                         int grid_height, int rate);
/* Returns the multiplications and additions that decoding takes, with convolutions computed directly; 0 where
 * decoding would be refused. */
double cv_image_tokenizer_decode_operations(const cv_image_tokenizer *tokenizer, const cv_exec *exec, int grid_width,
                                            int grid_height, int rate);

/* Computes codes [height / rate][width / rate] of rgb [height][width][3] and, where `z` is not NULL, the vectors
 * before quantization, [positions][latent]. A side that is no multiple of the rate is rounded down at each halving, and
 * must be at least the rate. COGVIDEO_ERROR_ARGUMENT where the rate or the size does not fit the network;
 * COGVIDEO_ERROR_MODEL where the network returns NaN: its weights are damaged. */
cogvideo_status cv_image_tokenizer_encode(const cv_exec *exec, const cv_image_tokenizer *tokenizer, int32_t *codes,
                                          float *z, const uint8_t *rgb, int width, int height, int rate,
                                          cv_arena *arena, cogvideo_error *err);

/* The same of planes [3][height][width] of about 0 .. 1, which need not be 8-bit numbers. */
cogvideo_status cv_image_tokenizer_encode_planes(const cv_exec *exec, const cv_image_tokenizer *tokenizer,
                                                 int32_t *codes, float *z, const float *planes, int width, int height,
                                                 int rate, cv_arena *arena, cogvideo_error *err);

/* out [latent] = the vector of an image code in the codebook, which must be one. */
void cv_image_tokenizer_vector(const cv_image_tokenizer *tokenizer, int32_t code, float *out);

/* Computes rgb [grid_height * rate][grid_width * rate][3] in about 0..1, not clamped, of codes
 * [grid_height][grid_width]. COGVIDEO_ERROR_ARGUMENT where there is no decoder of that rate or an id is not an image
 * code. */
cogvideo_status cv_image_tokenizer_decode(const cv_exec *exec, const cv_image_tokenizer *tokenizer, float *rgb,
                                          const int32_t *codes, int grid_width, int grid_height, int rate,
                                          cv_arena *arena, cogvideo_error *err);

#endif
