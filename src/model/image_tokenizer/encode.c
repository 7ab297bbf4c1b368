#include "model/image_tokenizer/planes.h"

#include "nn/nearest.h"

#include <stdio.h>

/* One picture at one rate, which takes `halvings` halvings after the encoder. */
typedef struct picture {
    int32_t *codes;
    float *z;
    const uint8_t *rgb;
    const float *planes; /* where `rgb` is NULL */
    int width, height, halvings;
} picture;

/* x [3][pixels] = (rgb / 255 - mean) / std */
static void normalize(const cv_exec *exec, const cv_image_tokenizer_config *config, float *x, const uint8_t *rgb,
                      size_t pixels)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            x[c * pixels + i] = ((float)rgb[3 * i + c] / 255.0f - config->mean[c]) / config->std[c];
}

/* The same of planes of 0 .. 1. */
static void normalize_planes(const cv_exec *exec, const cv_image_tokenizer_config *config, float *x,
                             const float *planes, size_t pixels)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (size_t i = 0; i < 3 * pixels; i++)
        x[i] = (planes[i] - config->mean[i / pixels]) / config->std[i / pixels];
}

void cv_planes_encode(cv_planes *planes, const cv_image_tokenizer *tokenizer, const uint8_t *rgb, const float *given,
                      int halvings)
{
    const cv_picture_network *encoder = &tokenizer->encoder;
    const size_t pixels = (size_t)planes->width * (size_t)planes->height;

    if (planes->arena->base && rgb)
        normalize(planes->exec, &tokenizer->config, planes->x, rgb, pixels);
    else if (planes->arena->base)
        normalize_planes(planes->exec, &tokenizer->config, planes->x, given, pixels);
    if (encoder->patch)
        cv_planes_patches(planes, encoder);
    if (!tokenizer->proj.out)
        return;
    cv_planes_conv(planes, &encoder->conv_in);
    for (int i = 0; i < encoder->level_count; i++) {
        cv_planes_blocks(planes, &encoder->levels[i]);
        if (i < encoder->level_count - 1)
            cv_planes_conv(planes, &encoder->levels[i].sampler);
    }
    cv_planes_mid(planes, encoder);
    cv_planes_finish(planes, encoder);
    for (int i = 0; i < halvings; i++)
        cv_planes_pool_conv(planes, &tokenizer->down_samplers[i]);
    cv_planes_conv(planes, &tokenizer->proj);
}

/* On a measuring arena only sizes are followed. False where the encoder gives what is no number, of which no code is
 * the nearest. */
static bool encode(const cv_exec *exec, const cv_image_tokenizer *tokenizer, const picture *job, cv_arena *arena)
{
    int latent = tokenizer->config.latent;
    size_t mark = cv_arena_mark(arena);
    cv_planes planes = { .exec = exec, .arena = arena, .height = job->height, .width = job->width };
    size_t positions;
    float *rows;
    bool sound;

    cv_planes_take(&planes, &tokenizer->encoder, latent, job->height, job->width);
    cv_planes_encode(&planes, tokenizer, job->rgb, job->planes, job->halvings);
    positions = (size_t)planes.height * (size_t)planes.width;
    rows = cv_arena_take(arena, job->z ? 0 : positions * (size_t)latent, sizeof *rows);
    rows = job->z ? job->z : rows;
    if (arena->base)
        cv_planes_rows(&planes, rows, latent);
    cv_nearest(exec, job->codes, rows, (int)positions, &tokenizer->codebook, arena);
    sound = !arena->base || cv_dtype_not_finite(CV_F32, rows, positions * (size_t)latent) == positions * (size_t)latent;
    cv_arena_rewind(arena, mark);
    return sound;
}

static bool codebook_is_sound(const cv_weight *codebook)
{
    const size_t count = (size_t)codebook->N * (size_t)codebook->K;

    return codebook->type >= CV_WEIGHT_Q8 ||
           cv_dtype_not_finite((cv_dtype)codebook->type, codebook->data, count) == count;
}

int cv_image_tokenizer_halvings(const cv_image_tokenizer *tokenizer, int width, int height, int rate)
{
    int max = CV_IMAGE_TOKENIZER_MAX_SIDE, own = cv_image_tokenizer_rate(&tokenizer->config.encoder);

    if (width < 1 || height < 1 || width > max || height > max)
        return -1;
    for (int i = 0; i <= tokenizer->config.down_samplers; i++)
        if (rate == own << i && width >= rate && height >= rate)
            return i;
    return -1;
}

size_t cv_image_tokenizer_encode_scratch(const cv_image_tokenizer *tokenizer, const cv_exec *exec, int width,
                                         int height)
{
    cv_arena arena = { 0 };

    for (int i = 0; i <= tokenizer->config.down_samplers; i++) {
        int rate = cv_image_tokenizer_rate(&tokenizer->config.encoder) << i;
        picture job = { .width = width, .height = height, .halvings = i };

        if (cv_image_tokenizer_halvings(tokenizer, width, height, rate) == i)
            encode(exec, tokenizer, &job, &arena);
    }
    return arena.peak;
}

static cogvideo_status encode_checked(const cv_exec *exec, const cv_image_tokenizer *tokenizer, picture *job, int rate,
                                      cv_arena *arena, cogvideo_error *err)
{
    const int own = cv_image_tokenizer_rate(&tokenizer->config.encoder), most = own << tokenizer->config.down_samplers;
    char rates[64];

    job->halvings = cv_image_tokenizer_halvings(tokenizer, job->width, job->height, rate);
    if (job->halvings < 0) {
        if (most > own)
            snprintf(rates, sizeof rates, "the rate must be %d to %d in powers of two", own, most);
        else
            snprintf(rates, sizeof rates, "the only rate of this model is %d", own);
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a picture of %dx%d cannot be encoded at rate %d: %s, and both sides go from that to %d",
                       job->width, job->height, rate, rates, CV_IMAGE_TOKENIZER_MAX_SIDE);
    }
    if (!encode(exec, tokenizer, job, arena) || !codebook_is_sound(&tokenizer->codebook))
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "the image tokenizer returns NaN: its weights are damaged");
    return COGVIDEO_OK;
}

cogvideo_status cv_image_tokenizer_encode(const cv_exec *exec, const cv_image_tokenizer *tokenizer, int32_t *codes,
                                          float *z, const uint8_t *rgb, int width, int height, int rate,
                                          cv_arena *arena, cogvideo_error *err)
{
    picture job = { .codes = codes, .z = z, .rgb = rgb, .width = width, .height = height };

    return encode_checked(exec, tokenizer, &job, rate, arena, err);
}

cogvideo_status cv_image_tokenizer_encode_planes(const cv_exec *exec, const cv_image_tokenizer *tokenizer,
                                                 int32_t *codes, float *z, const float *planes, int width, int height,
                                                 int rate, cv_arena *arena, cogvideo_error *err)
{
    picture job = { .codes = codes, .z = z, .planes = planes, .width = width, .height = height };

    return encode_checked(exec, tokenizer, &job, rate, arena, err);
}
