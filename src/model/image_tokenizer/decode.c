#include "model/image_tokenizer/planes.h"

static const char *vector_of(const cv_weight *codebook, int32_t code)
{
    return (const char *)codebook->data + (size_t)code * (size_t)codebook->K * cv_dtype_size((cv_dtype)codebook->type);
}

void cv_image_tokenizer_vector(const cv_image_tokenizer *tokenizer, int32_t code, float *out)
{
    const cv_weight *codebook = &tokenizer->codebook;

    cv_to_f32(out, vector_of(codebook, code), (cv_dtype)codebook->type, (size_t)codebook->K);
}

/* x [latent][positions] = rows of the codebook */
static void look_up(const cv_exec *exec, const cv_weight *codebook, float *x, const int32_t *codes, int positions)
{
    size_t size = cv_dtype_size((cv_dtype)codebook->type);

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int i = 0; i < positions; i++) {
        const char *row = vector_of(codebook, codes[i]);

        for (int k = 0; k < codebook->K; k++)
            cv_to_f32(x + (size_t)k * (size_t)positions + (size_t)i, row + (size_t)k * size, (cv_dtype)codebook->type,
                      1);
    }
}

/* rgb [pixels][3] = x [3][pixels] * std + mean */
static void denormalize(const cv_exec *exec, const cv_image_tokenizer_config *config, float *rgb, const float *x,
                        size_t pixels)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = x[c * pixels + i] * config->std[c] + config->mean[c];
}

void cv_planes_decode(cv_planes *planes, const cv_image_tokenizer *tokenizer, const cv_picture_network *decoder,
                      const int32_t *codes)
{
    if (planes->arena->base && codes)
        look_up(planes->exec, &tokenizer->codebook, planes->x, codes, planes->width * planes->height);
    cv_planes_conv(planes, &decoder->conv_in);
    cv_planes_mid(planes, decoder);
    for (int i = decoder->level_count - 1; i >= 0; i--) {
        cv_planes_blocks(planes, &decoder->levels[i]);
        if (i > 0)
            cv_planes_upsample(planes, &decoder->levels[i].sampler);
    }
    cv_planes_finish(planes, decoder);
    if (decoder->patch)
        cv_planes_unpatch(planes, decoder);
}

/* Decodes; on a measuring arena only computes sizes. Returns the number of operations. */
static double decode(const cv_exec *exec, const cv_image_tokenizer *tokenizer, const cv_picture_network *decoder,
                     float *rgb, const int32_t *codes, int grid_width, int grid_height, cv_arena *arena)
{
    cv_planes planes = { .exec = exec, .arena = arena, .height = grid_height, .width = grid_width };
    int rate = decoder->patch ? decoder->patch : 1 << (decoder->level_count - 1);
    size_t mark = cv_arena_mark(arena);

    cv_planes_take(&planes, decoder, tokenizer->config.latent, grid_height * rate, grid_width * rate);
    cv_planes_decode(&planes, tokenizer, decoder, codes);
    if (arena->base)
        denormalize(exec, &tokenizer->config, rgb, planes.x, (size_t)planes.height * (size_t)planes.width);
    cv_arena_rewind(arena, mark);
    return planes.operations;
}

const cv_picture_network *cv_image_tokenizer_decoder(const cv_image_tokenizer *tokenizer, int grid_width,
                                                     int grid_height, int rate)
{
    for (int i = 0; i < tokenizer->config.decoder_count; i++)
        if (cv_image_tokenizer_rate(&tokenizer->config.decoders[i]) == rate && grid_width >= 1 && grid_height >= 1 &&
            grid_width <= CV_IMAGE_TOKENIZER_MAX_SIDE / rate && grid_height <= CV_IMAGE_TOKENIZER_MAX_SIDE / rate)
            return &tokenizer->decoders[i];
    return NULL;
}

size_t cv_image_tokenizer_decode_scratch(const cv_image_tokenizer *tokenizer, const cv_exec *exec, int grid_width,
                                         int grid_height, int rate)
{
    const cv_picture_network *decoder = cv_image_tokenizer_decoder(tokenizer, grid_width, grid_height, rate);
    cv_arena arena = { 0 };

    if (decoder)
        decode(exec, tokenizer, decoder, NULL, NULL, grid_width, grid_height, &arena);
    return arena.peak;
}

double cv_image_tokenizer_decode_operations(const cv_image_tokenizer *tokenizer, const cv_exec *exec, int grid_width,
                                            int grid_height, int rate)
{
    const cv_picture_network *decoder = cv_image_tokenizer_decoder(tokenizer, grid_width, grid_height, rate);
    cv_arena arena = { 0 };

    return decoder ? decode(exec, tokenizer, decoder, NULL, NULL, grid_width, grid_height, &arena) : 0;
}

cogvideo_status cv_image_tokenizer_decode(const cv_exec *exec, const cv_image_tokenizer *tokenizer, float *rgb,
                                          const int32_t *codes, int grid_width, int grid_height, int rate,
                                          cv_arena *arena, cogvideo_error *err)
{
    const cv_picture_network *decoder = cv_image_tokenizer_decoder(tokenizer, grid_width, grid_height, rate);

    if (!decoder)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%dx%d codes cannot be decoded at rate %d: this model has no "
                       "decoder of that rate, or a side is not 1 to %d pixels",
                       grid_width, grid_height, rate, CV_IMAGE_TOKENIZER_MAX_SIDE);
    for (int i = 0; i < grid_width * grid_height; i++)
        if (codes[i] < 0 || codes[i] >= tokenizer->config.codes)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "id %d at place %d is not an image code: those are 0 to %d",
                           (int)codes[i], i, tokenizer->config.codes - 1);
    decode(exec, tokenizer, decoder, rgb, codes, grid_width, grid_height, arena);
    return COGVIDEO_OK;
}
