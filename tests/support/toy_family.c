/* toy_family.c - the smallest family that does something: its one weight vector says how bright each code is. "noise" makes
 * frames of codes from the seed, "mirror" turns a clip's frames left to right, and codes are decoded to grey pixels. */
#include "support/toy_family.h"

#include "base/rng.h"

typedef struct toy {
    cogvideo_model head; /* first */
    const float *levels; /* [codes], 0 .. 255 */
    int64_t grid, codes;
} toy;

static const toy *toy_of(const cogvideo_model *model)
{
    return (const toy *)(const void *)model;
}

static cogvideo_status toy_open(cogvideo_model *head, const char *origin, cogvideo_error *err)
{
    toy *model = (toy *)(void *)head;
    cogvideo_status status;
    cv_store *store;

    CV_TRY(cv_json_int(head->description, "grid", 1, 4096, &model->grid, origin, err));
    CV_TRY(cv_json_int(head->description, "codes", 1, 1 << 20, &model->codes, origin, err));
    CV_TRY(cv_model_store(head, "levels.safetensors", false, &store, err));
    CV_TRY(cv_store_claim_vector(store, &model->levels, "levels", (size_t)model->codes, err));
    CV_TRY(cv_model_check_claimed(head, err));
fail:
    return status;
}

static void toy_close(cogvideo_model *head)
{
    (void)head; /* nothing is owned but what the head owns */
}

static void toy_info(const cogvideo_model *head, cogvideo_model_info *out)
{
    out->grid = (int)toy_of(head)->grid;
    out->image_codes = (int)toy_of(head)->codes;
    out->rate = 1;
}

static cogvideo_status noise(const cogvideo_model *head, const cogvideo_generate_options *options, const cogvideo_tokens *in,
                             cogvideo_tokens *out, cogvideo_error *err)
{
    const toy *model = toy_of(head);
    const int frames = options->keyframes ? options->keyframes : 1, places = (int)(model->grid * model->grid);
    cogvideo_status status;

    (void)in;
    CV_TRY(cogvideo_tokens_alloc(out, (int)model->grid, (int)model->grid, 8, frames, err));
    for (int i = 0; i < frames * places; i++) {
        uint32_t bits[4];

        cv_rng_block(bits, options->seed, (uint32_t[4]){ (uint32_t)i, 0, 0, 0 });
        out->codes[i] = (int32_t)(bits[0] % (uint32_t)model->codes);
    }
fail:
    return status;
}

static cogvideo_status mirror(const cogvideo_model *head, const cogvideo_generate_options *options, const cogvideo_tokens *in,
                              cogvideo_tokens *out, cogvideo_error *err)
{
    cogvideo_status status;

    (void)head, (void)options;
    CV_TRY(cogvideo_tokens_alloc(out, in->height, in->width, in->rate, in->frames, err));
    for (int row = 0; row < in->frames * in->height; row++)
        for (int i = 0; i < in->width; i++)
            out->codes[row * in->width + i] = in->codes[row * in->width + in->width - 1 - i];
fail:
    return status;
}

static cogvideo_status toy_decode(const cogvideo_model *head, const cogvideo_decode_options *options,
                                  const cogvideo_tokens *in, cogvideo_video *out, cogvideo_error *err)
{
    const toy *model = toy_of(head);
    cogvideo_status status;

    (void)options;
    CV_TRY(cogvideo_video_alloc(out, in->width, in->height, in->frames, 8, err));
    for (int i = 0; i < in->frames * in->height * in->width; i++) {
        if (in->codes[i] >= model->codes)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the code %d was made by another model", (int)in->codes[i]);
        out->pixels[3 * i] = out->pixels[3 * i + 1] = out->pixels[3 * i + 2] = (uint8_t)model->levels[in->codes[i]];
    }
fail:
    return status;
}

static const cv_step steps[] = { { "noise", noise }, { "mirror", mirror } };

const cv_family cv_family_toy = {
    .name = "toy", .size = sizeof(toy), .open = toy_open, .close = toy_close, .info = toy_info,
    .steps = steps, .step_count = 2, .decode = toy_decode,
};
