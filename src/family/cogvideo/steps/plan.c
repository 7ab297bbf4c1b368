/* plan.c - what a step would refuse and what it will take, before it runs: memory beside the mapped weights, and codes
 * to draw. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/autoregress.h"
#include "family/cogvideo/steps/candidates.h"
#include "family/cogvideo/steps/complete.h"
#include "family/cogvideo/steps/mask.h"
#include "family/cogvideo/steps/step.h"
#include "family/pictures.h"
#include "sample/fields.h"

#include <string.h>

/* Texts, sampling and guidance of a step are what they must be. */
static cogvideo_status check(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_step_kind kind,
                             int round, cogvideo_error *err)
{
    cv_cogvideo silent = *model; /* warnings are the run's */
    cv_cogvideo_step step = { 0 };
    cogvideo_status status;

    silent.head.log = (cogvideo_log){ 0 };
    status = cv_cogvideo_step_begin(&step, &silent, options, kind, round, err);
    cv_cogvideo_step_free(&step);
    return status;
}

/* Adds the sampling of `count` clips, or of as many candidates for windows, `batch` at once. One loop runs after the
 * other: memory is that of the largest. */
static void add_loops(const cv_cogvideo *model, const cogvideo_generate_options *options, const cv_stage *stage,
                      cv_step_kind step, int given, int slots, int count, int batch, cogvideo_plan *plan)
{
    const int room = stage->config->text_places, L = cv_cogvideo_places(stage->config);
    const bool plus = step != CV_STEP_FIRST_FRAME, guided = plus && cv_step_guidance(options, step) != 1;
    uint64_t caches, scratch;

    cv_loop_bytes(model, stage, room, guided ? room : 0, plus, given, slots, batch, options->lookahead, &caches,
                  &scratch);
    if (caches + scratch > plan->caches + plan->scratch) {
        plan->caches = caches;
        plan->scratch = scratch;
    }
    plan->codes += (long long)(slots - given) * L * count;
}

/* Bytes of the mapped files that a step reads. */
static uint64_t weights_of(const cv_cogvideo *model, const char *own, const char *trunk)
{
    uint64_t bytes = 0;

    for (int i = 0; i < model->head.file_count; i++) {
        const cv_model_file *file = &model->head.files[i];

        if (file->store && ((own && strcmp(file->name, own) == 0) || (trunk && strcmp(file->name, trunk) == 0)))
            bytes += cv_store_mapped(file->store);
    }
    return bytes;
}

/* For what is done, and given back, before the step takes its own memory. */
static void make_room(cogvideo_plan *plan, uint64_t bytes)
{
    if (plan->caches + plan->scratch < bytes)
        plan->scratch = bytes - plan->caches;
}

/* Of stage 1's network, perhaps of its trunk alone. */
static uint64_t trunk_weights(const cv_cogvideo *model)
{
    const cv_description *d = &model->description;

    return d->files.own[0] ? weights_of(model, d->files.own[0], d->files.trunk[0])
                           : weights_of(model, NULL, d->files.bare_trunk);
}

/* Square frames of codes, each of one picture. */
static cogvideo_shape codes_of(int frames, int grid, int rate)
{
    return (cogvideo_shape){ .kind = COGVIDEO_KIND_CODES,
                             .frames = frames,
                             .height = grid,
                             .width = grid,
                             .rate = rate,
                             .frames_per_code = 1,
                             .video_frames = frames,
                             .scene_frames = frames };
}

/* The first `frames` key frames, of which frame 0 may be given. */
static cogvideo_status plan_frames(const cv_cogvideo *model, const cogvideo_generate_options *options, int frames,
                                   bool given, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    const cogvideo_generate_options unmasked = cv_unmasked(options);
    const int samples = options->samples;
    cogvideo_plan plan = { .out = codes_of(frames, d->network.grid, d->rate) };
    const cv_stage *stage;
    cogvideo_status status;

    CV_TRY(cv_check_options(model, options, err));
    if (!given) {
        CV_TRY(cv_need_trunk(model, &stage, err));
        CV_TRY(check(model, &unmasked, CV_STEP_FIRST_FRAME, 0, err));
        add_loops(model, options, stage, CV_STEP_FIRST_FRAME, 0, 1, samples, samples, &plan);
    }
    if (frames > 1) {
        CV_TRY(cv_need_stage(model, CV_STAGE_SEQUENTIAL, &stage, err));
        CV_TRY(check(model, options, CV_STEP_KEYFRAMES, 0, err));
        add_loops(model, options, stage, CV_STEP_KEYFRAMES, 1, frames, samples, samples, &plan);
    }
    plan.weights = trunk_weights(model);
    *out = plan;
done:
    return status;
}

cogvideo_status cv_cogvideo_plan_first_frame(const cogvideo_model *head, const cogvideo_generate_options *options,
                                             const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    (void)in;
    return plan_frames(cv_cogvideo_of(head), options, 1, false, out, err);
}

cogvideo_status cv_cogvideo_plan_keyframes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                           const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    cogvideo_status status;
    int frames;

    CV_TRY(cv_keyframes_of(model, options, &frames, err));
    status = plan_frames(model, options, frames, in, out, err);
done:
    return status;
}

cogvideo_status cv_cogvideo_plan_complete(const cogvideo_model *head, const cogvideo_generate_options *options,
                                          const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_cogvideo_config *config = &model->description.network;
    cogvideo_plan plan = { .out = codes_of(1, config->grid, model->description.rate), .weights = trunk_weights(model) };
    uint8_t *mask = NULL;
    int holes = 0;
    const cv_stage *stage;
    cogvideo_status status;

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(cv_need_coglm(model, &stage, err));
    CV_TRY(cv_complete_check(model, options, in ? in->height : 0, err));
    CV_TRY(check(model, options, CV_STEP_FIRST_FRAME, 0, err));
    CV_NEW(mask, cv_cogvideo_places(config), err);
    CV_TRY(cv_complete_mask(model, options, mask, &holes, err));
    cv_complete_bytes(model, stage, config->text_places, options->samples, options->lookahead, &plan.caches,
                      &plan.scratch);
    if (options->picture) {
        plan.weights += weights_of(model, model->description.files.image_tokenizer, NULL);
        make_room(&plan, cv_photo_bytes(model, config->grid * model->description.rate));
    }
    plan.codes = (long long)holes * options->samples;
    *out = plan;
done:
    cv_free(mask);
    return status;
}

cogvideo_status cv_cogvideo_plan_interpolate(const cogvideo_model *head, const cogvideo_generate_options *options,
                                             const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_description *d = &model->description;
    const int known = cv_cogvideo_known(&d->network);
    cogvideo_plan plan = { .out = *in };
    const int candidates = cv_sampling_candidates(&options->steps[CV_STEP_INTERPOLATE].sampling);
    int round, end, windows, batch;
    const cv_stage *stage;
    cogvideo_status status;

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(cv_need_stage(model, CV_STAGE_INTERPOLATE, &stage, err));
    CV_TRY(cv_rounds_of(model, in->frames, options->rounds, &round, &end, err));
    CV_TRY(cv_candidates_check(model, candidates, err));
    for (; round < end; round++, plan.out.frames = 2 * plan.out.frames - 1) {
        CV_TRY(check(model, options, CV_STEP_INTERPOLATE, round, err));
        windows = (plan.out.frames - 1) / (known - 1);
        batch = cv_side_by_side(options->batch, windows);
        add_loops(model, options, stage, CV_STEP_INTERPOLATE, known, d->network.frames, windows * candidates,
                  batch * candidates, &plan);
    }
    plan.out = codes_of(plan.out.frames, in->height, in->rate);
    plan.weights = weights_of(model, d->files.own[1], d->files.trunk[1]);
    if (candidates > 1)
        plan.weights += weights_of(model, d->files.image_tokenizer, NULL);
    *out = plan;
done:
    return status;
}

cogvideo_status cv_cogvideo_plan_upscale(const cogvideo_model *head, const cogvideo_generate_options *options,
                                         const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_upscaler_config *config = &model->description.upscaler;
    const int side = config->upscaled_grid;
    cogvideo_status status;

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(check(model, options, CV_STEP_UPSCALE, 0, err));
    *out = (cogvideo_plan){
        .weights = weights_of(model, model->description.files.upscaler, model->description.files.upscaler_trunk),
        .scratch = cv_upscaler_scratch(model->upscaler, &model->head.exec) +
                   cv_sampler_scratch(config->image_codes, model->clusters),
        .codes = (long long)in->frames * side * side,
        .out = codes_of(in->frames, side, in->rate),
    };
done:
    return status;
}

cogvideo_status cv_cogvideo_plan_refine(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_refiner_config *config = &model->description.refiner;
    const int side = config->upscaled_grid;
    uint8_t *mask = NULL;
    int masked = 0;
    cogvideo_status status;

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(check(model, options, CV_STEP_REFINE, 0, err));
    if (in->height != side || in->width != side)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the refiner follows super-resolution: it takes frames of %dx%d codes, these have %dx%d", side,
                       side, in->width, in->height);
    if (options->picture)
        CV_TRY(cv_need_image_tokenizer(model, err));
    CV_NEW(mask, (size_t)side * (size_t)side, err);
    CV_TRY(cv_mask_read(model, options, side, mask, &masked, err));
    *out = (cogvideo_plan){
        .weights = weights_of(model, model->description.files.refiner, model->description.files.refiner_trunk),
        .scratch = cv_refine_scratch(model) + cv_sampler_scratch(config->image_codes, model->clusters),
        .codes = in->frames * cv_refine_draws(config, mask),
        .out = codes_of(in->frames, side, in->rate),
    };
    if (options->picture)
        make_room(out, cv_photo_bytes(model, side * model->description.rate));
done:
    cv_free(mask);
    return status;
}

cogvideo_status cv_cogvideo_plan_fit(const cogvideo_model *head, const cogvideo_generate_options *options,
                                     const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const int rate = model->description.rate;
    cv_photo_part window;
    cogvideo_status status;

    CV_TRY(cv_need_image_tokenizer(model, err));
    if (!options->picture)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a picture is missing, into which codes are fitted");
    CV_TRY(cv_photo_window(model, options, &window, err));
    *out = (cogvideo_plan){ .weights = weights_of(model, model->description.files.image_tokenizer, NULL),
                            .scratch = cv_fit_bytes(model, in->height, in->rate),
                            .out = codes_of(1, cv_photo_side(model) / rate, rate) };
done:
    return status;
}

cogvideo_status cv_cogvideo_plan_decode(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const int side = in->height * in->rate;
    cogvideo_status status;
    int shown;

    CV_TRY(cv_need_image_tokenizer(model, err));
    CV_TRY(cv_decoded_side(model, options->decode, in, &shown, err));
    *out = (cogvideo_plan){
        .weights = weights_of(model, model->description.files.image_tokenizer, NULL),
        .scratch = cv_image_tokenizer_decode_scratch(model->image_tokenizer, &model->head.exec, in->width, in->height,
                                                     in->rate) +
                   3 * (1 + sizeof(float)) * (uint64_t)side * (uint64_t)side +
                   cv_pictures_bytes(shown, shown, side, side),
        .out = { .kind = COGVIDEO_KIND_PIXELS, .frames = in->frames, .height = shown, .width = shown },
    };
done:
    return status;
}
