/* toy_family.c - the smallest family that does something with every kind of value: its one weight vector says how
 * bright each code is. "noise" draws frames of codes by the seed, "mirror" turns a clip's frames left to right, "pairs"
 * makes codes of them that are not square and stand for two frames each, "light" makes latents of codes, and "paint"
 * grey pixels of latents. */
#include "support/toy_family.h"

#include "base/rng.h"
#include "family/pictures.h"
#include "family/work.h"

#include <string.h>

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
done:
    return status;
}

static void toy_close(cogvideo_model *head)
{
    (void)head; /* nothing is owned but what the head owns */
}

static void toy_info(const cogvideo_model *head, cogvideo_model_info *out)
{
    out->height = out->width = (int)toy_of(head)->grid;
    out->image_codes = (int)toy_of(head)->codes;
    out->rate = 1;
}

static bool toy_property(const cogvideo_model *head, int index, cogvideo_property *out)
{
    const cogvideo_property rows[] = {
        { .name = "paint", .title = "made with", .kind = COGVIDEO_PROPERTY_TEXT, .text = "grey" },
        { .name = "brightest",
          .title = "brightest code",
          .kind = COGVIDEO_PROPERTY_WHOLE,
          .number = (double)toy_of(head)->codes - 1 },
    };

    if ((size_t)index >= sizeof rows / sizeof *rows)
        return false;
    *out = rows[index];
    return true;
}

static int frames_of(const cogvideo_generate_options *options)
{
    return options->keyframes;
}

/* A frame drawn by the seed, or recalled: a frame is the unit that is kept. */
static cogvideo_status draw_frame(const toy *model, const cogvideo_generate_options *options, int sample, int frame,
                                  cogvideo_tokens *clip, cogvideo_error *err)
{
    const cogvideo_callbacks *callbacks = &options->callbacks;
    const cogvideo_unit unit = { "noise", sample, frame };
    const int places = (int)cogvideo_tokens_per_frame(clip), samples = options->samples ? options->samples : 1;
    const long long before = (long long)(sample - options->first_sample) * clip->frames + frame;
    const cogvideo_progress progress = { .what = "noise",
                                         .unit = "codes",
                                         .rounds = 1,
                                         .frame = (int)before + 1,
                                         .frames = samples * clip->frames,
                                         .done = (before + 1) * places,
                                         .total = (long long)samples * clip->frames * places };
    int32_t *codes = clip->codes + (size_t)frame * (size_t)places;
    const bool known = cv_codes_recall(callbacks, &unit, codes, places, (int)model->codes);

    clip->times[frame] = frame;
    for (int i = 0; i < places && !known; i++) {
        uint32_t bits[4];

        cv_rng_block(bits, options->seed, (uint32_t[4]){ (uint32_t)(frame * places + i), (uint32_t)sample, 0, 0 });
        codes[i] = (int32_t)(bits[0] % (uint32_t)model->codes);
    }
    if ((!known && cv_codes_keep(callbacks, &unit, codes, places)) ||
        cv_frame_done(callbacks, "noise", clip, sample, frame) ||
        (callbacks->progress && callbacks->progress(callbacks->user, &progress)))
        return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
    return COGVIDEO_OK;
}

/* Frames of one sample. */
static cogvideo_status draw(const toy *model, const cogvideo_generate_options *options, int sample,
                            cogvideo_tokens *out, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cogvideo_tokens_alloc(out, (int)model->grid, (int)model->grid, 8, frames_of(options), err));
    for (int f = 0; f < out->frames; f++)
        CV_TRY(draw_frame(model, options, sample, f, out, err));
done:
    return status;
}

static cogvideo_shape codes_of(int frames, int height, int width, int rate, int frames_per_code)
{
    return (cogvideo_shape){ .kind = COGVIDEO_KIND_CODES,
                             .frames = frames,
                             .height = height,
                             .width = width,
                             .rate = rate,
                             .frames_per_code = frames_per_code,
                             .video_frames = 1 + (frames - 1) * frames_per_code,
                             .scene_frames = frames };
}

static cogvideo_status plan_noise(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const int side = (int)toy_of(head)->grid, samples = options->samples;

    (void)in, (void)err;
    *out = (cogvideo_plan){ .codes = (long long)samples * frames_of(options) * side * side,
                            .out = codes_of(frames_of(options), side, side, 8, 1) };
    return COGVIDEO_OK;
}

static cogvideo_status noise(const cogvideo_model *head, const cogvideo_generate_options *options,
                             const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const int samples = options->samples;
    cogvideo_value *made = NULL;
    cogvideo_status status;

    (void)in;
    CV_NEW(made, samples, err);
    for (int s = 0; s < samples; s++) {
        made[s].kind = COGVIDEO_KIND_CODES;
        CV_TRY(draw(toy_of(head), options, options->first_sample + s, &made[s].codes, err));
    }
    memcpy(out, made, (size_t)samples * sizeof *made);
    cv_free(made);
    return COGVIDEO_OK;
done:
    for (int s = 0; made && s < samples; s++)
        cogvideo_value_free(&made[s]);
    cv_free(made);
    return status;
}

static cogvideo_status mirror(const cogvideo_model *head, const cogvideo_generate_options *options,
                              const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cogvideo_tokens *from = &in->codes;
    cogvideo_value made = { .kind = COGVIDEO_KIND_CODES };
    cogvideo_status status;

    (void)head, (void)options;
    CV_TRY(cogvideo_tokens_alloc(&made.codes, from->height, from->width, from->rate, from->frames, err));
    made.codes.frames_per_code = from->frames_per_code;
    memcpy(made.codes.times, from->times, (size_t)from->frames * sizeof *from->times);
    for (int row = 0; row < from->frames * from->height; row++)
        for (int i = 0; i < from->width; i++)
            made.codes.codes[row * from->width + i] = from->codes[row * from->width + from->width - 1 - i];
    *out = made;
done:
    return status;
}

static cogvideo_status plan_same(const cogvideo_model *head, const cogvideo_generate_options *options,
                                 const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    (void)head, (void)options, (void)err;
    *out = (cogvideo_plan){ .out = *in };
    return COGVIDEO_OK;
}

static cogvideo_status plan_pairs(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    (void)head, (void)options;
    if (in->frames_per_code != 1 || in->frames % 2 == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "pairs are made of an odd number of single frames");
    *out = (cogvideo_plan){ .out = codes_of((in->frames + 1) / 2, 1, in->width, in->rate, 2) };
    return COGVIDEO_OK;
}

/* The upper row of the first frame and of every second one after it: each of these stands for two. */
static cogvideo_status pairs(const cogvideo_model *head, const cogvideo_generate_options *options,
                             const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cogvideo_tokens *from = &in->codes;
    cogvideo_value made = { .kind = COGVIDEO_KIND_CODES };
    const cogvideo_shape shape = cogvideo_value_shape(in);
    cogvideo_plan plan;
    cogvideo_status status;

    CV_TRY(plan_pairs(head, options, &shape, &plan, err));
    CV_TRY(cogvideo_tokens_alloc(&made.codes, 1, from->width, from->rate, (from->frames + 1) / 2, err));
    made.codes.frames_per_code = 2;
    for (int f = 0; f < made.codes.frames; f++) {
        const int first = f ? 2 * f - 1 : 0;

        made.codes.times[f] = from->times[first];
        memcpy(made.codes.codes + f * from->width, from->codes + (size_t)first * cogvideo_tokens_per_frame(from),
               (size_t)from->width * sizeof *from->codes);
    }
    *out = made;
done:
    return status;
}

/* How bright each code of each video frame is, 0 .. 1. */
static cogvideo_status levels_of(const toy *model, const cogvideo_tokens *in, cogvideo_latents *out,
                                 cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(in);
    cogvideo_latents made = { 0 };
    cogvideo_status status;

    CV_TRY(cogvideo_latents_alloc(&made, in->height, in->width, 1, (int)cogvideo_tokens_video_frames(in), err));
    for (int f = 0; f < made.frames; f++) {
        const int from = f ? 1 + (f - 1) / in->frames_per_code : 0;

        made.times[f] = in->times[from];
        for (size_t i = 0; i < places; i++) {
            const int32_t code = in->codes[(size_t)from * places + i];

            if (code >= model->codes) {
                status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the code %d was made by another model", (int)code);
                goto done;
            }
            made.values[(size_t)f * places + i] = model->levels[code] / 255;
        }
    }
    *out = made;
    return COGVIDEO_OK;
done:
    cogvideo_latents_free(&made);
    return status;
}

static cogvideo_status light(const cogvideo_model *head, const cogvideo_generate_options *options,
                             const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    cogvideo_value made = { .kind = COGVIDEO_KIND_LATENTS };
    cogvideo_status status;

    (void)options;
    CV_TRY(levels_of(toy_of(head), &in->codes, &made.latents, err));
    *out = made;
done:
    return status;
}

static cogvideo_status plan_light(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    (void)head, (void)options, (void)err;
    *out = (cogvideo_plan){ .out = { .kind = COGVIDEO_KIND_LATENTS,
                                     .frames = in->video_frames,
                                     .height = in->height,
                                     .width = in->width,
                                     .channels = 1 } };
    return COGVIDEO_OK;
}

static cogvideo_status plan_paint(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    (void)head, (void)options, (void)err;
    *out = (cogvideo_plan){
        .out = { .kind = COGVIDEO_KIND_PIXELS, .frames = in->frames, .height = in->height, .width = in->width }
    };
    return COGVIDEO_OK;
}

/* A small model makes do without. */
static cogvideo_status need_many_codes(const cogvideo_model *head, cogvideo_error *err)
{
    if (toy_of(head)->codes > 2)
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_MODEL, "the model '%s' has too few codes to be mirrored", head->name);
}

static cogvideo_status to_grey(const cogvideo_latents *in, cogvideo_video *out, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cogvideo_video_alloc(out, in->width, in->height, in->frames, 8, err));
    for (int i = 0; i < in->frames * in->height * in->width; i++)
        memset(out->pixels + 3 * i, (int)(in->values[i] * 255 + 0.5f), 3);
done:
    return status;
}

static cogvideo_status paint(const cogvideo_model *head, const cogvideo_generate_options *options,
                             const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    cogvideo_value made = { .kind = COGVIDEO_KIND_PIXELS };
    cogvideo_status status;

    (void)head, (void)options;
    if (in->latents.channels != 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "grey pixels are made of 1 channel, not of %d",
                       in->latents.channels);
    CV_TRY(to_grey(&in->latents, &made.pixels, err));
    *out = made;
done:
    return status;
}

static cogvideo_status toy_decode(const cogvideo_model *head, const cogvideo_decode_options *options,
                                  const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    cogvideo_latents levels = { 0 };
    cogvideo_video video = { 0 };
    cogvideo_status status;

    (void)options;
    CV_TRY(levels_of(toy_of(head), in, &levels, err));
    CV_TRY(to_grey(&levels, &video, err));
    CV_TRY(cv_pictures_give_all(&video, take, user, err));
done:
    cogvideo_latents_free(&levels);
    cogvideo_video_free(&video);
    return status;
}

static const cv_step steps[] = {
    { .name = "noise",
      .title = "noise",
      .out = COGVIDEO_KIND_CODES,
      .side_by_side = true,
      .plan = plan_noise,
      .run = noise },
    { .name = "mirror",
      .title = "mirroring",
      .file = "mirrored",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_CODES,
      .optional = true,
      .need = need_many_codes,
      .plan = plan_same,
      .run = mirror },
    { .name = "pairs",
      .title = "pairing",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_CODES,
      .plan = plan_pairs,
      .run = pairs },
    { .name = "light",
      .title = "lighting",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_LATENTS,
      .plan = plan_light,
      .run = light },
    { .name = "paint",
      .title = "painting",
      .in = COGVIDEO_KIND_LATENTS,
      .out = COGVIDEO_KIND_PIXELS,
      .plan = plan_paint,
      .run = paint },
};

const cv_family cv_family_toy = {
    .name = "toy",
    .size = sizeof(toy),
    .open = toy_open,
    .close = toy_close,
    .info = toy_info,
    .property = toy_property,
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .decode = toy_decode,
};
