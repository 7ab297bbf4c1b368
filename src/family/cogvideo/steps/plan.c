/* plan.c - what a stage will take, before it runs: memory beside the mapped weights, and codes to draw. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/autoregress.h"
#include "family/cogvideo/model/settings.h"

#include <string.h>

static void plan_loop(const cv_cogvideo *model, const cogvideo_generate_options *options, const cv_stage *stage,
                      cv_step_kind step, int given, int slots, int count, cogvideo_plan *out)
{
    int room = stage->config->text_places, L = cv_cogvideo_places(stage->config);
    bool plus = step != CV_STEP_FIRST_FRAME;
    bool guided = plus && cv_step_guidance(model, options, step) != 1;

    cv_loop_bytes(model, stage, room, guided ? room : 0, plus, given, slots, count, &out->caches, &out->scratch);
    out->codes = (long long)(slots - given) * L * count;
}

/* The mapped files that the stage reads: all but those of the other parts. */
static uint64_t stage_weights(const cv_cogvideo *model, const char *own, const char *trunk)
{
    uint64_t bytes = 0;

    for (int i = 0; i < model->head.file_count; i++) {
        const cv_model_file *file = &model->head.files[i];

        if (file->store && ((own && strcmp(file->name, own) == 0) || (trunk && strcmp(file->name, trunk) == 0)))
            bytes += cv_store_mapped(file->store);
    }
    return bytes;
}

cogvideo_status cv_cogvideo_plan(const cogvideo_model *head, const cogvideo_generate_options *options,
                              cogvideo_stage stage, int frames, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_description *d = &model->description;
    int samples = options->samples ? options->samples : 1, known = cv_cogvideo_known(&d->network);
    cogvideo_status status = COGVIDEO_OK;
    cogvideo_plan plan = { 0 };
    const cv_stage *network;

    CV_TRY(cv_check_options(options, err));
    if (stage == COGVIDEO_STAGE_KEYFRAMES && frames == 1)
        stage = COGVIDEO_STAGE_FIRST_FRAME;
    switch (stage) {
    case COGVIDEO_STAGE_FIRST_FRAME:
    case COGVIDEO_STAGE_KEYFRAMES:
        CV_TRY(stage == COGVIDEO_STAGE_FIRST_FRAME ? cv_need_trunk(model, &network, err)
                                                   : cv_need_stage(model, CV_STAGE_SEQUENTIAL, &network, err));
        if (stage == COGVIDEO_STAGE_FIRST_FRAME)
            plan_loop(model, options, network, CV_STEP_FIRST_FRAME, 0, 1, samples, &plan);
        else
            plan_loop(model, options, network, CV_STEP_KEYFRAMES, 1, frames > 1 ? frames : 2, samples, &plan);
        plan.weights = stage_weights(model, d->files.own[0], d->files.trunk[0]);
        break;
    case COGVIDEO_STAGE_INTERPOLATE:
        CV_TRY(cv_need_stage(model, CV_STAGE_INTERPOLATE, &network, err));
        plan_loop(model, options, network, CV_STEP_INTERPOLATE, known, d->network.frames,
                  frames > known ? (frames - 1) / (known - 1) : 1, &plan);
        plan.weights = stage_weights(model, d->files.own[1], d->files.trunk[1]);
        break;
    case COGVIDEO_STAGE_UPSCALE:
        CV_TRY(cv_need_upscaler(model, err));
        plan.scratch = cv_upscaler_scratch(model->upscaler, &model->head.exec) +
                       cv_sampler_scratch(d->upscaler.image_codes, model->clusters);
        plan.codes = (long long)frames * d->upscaler.upscaled_grid * d->upscaler.upscaled_grid;
        plan.weights = stage_weights(model, d->files.upscaler, NULL);
        break;
    case COGVIDEO_STAGE_DECODE:
        CV_TRY(cv_need_image_tokenizer(model, err));
        plan.scratch = cv_image_tokenizer_decode_scratch(model->image_tokenizer, &model->head.exec, d->network.grid,
                                                         d->network.grid, d->rate);
        plan.weights = stage_weights(model, d->files.image_tokenizer, NULL);
        break;
    case COGVIDEO_STAGE_ENCODE:
        CV_TRY(cv_need_image_tokenizer(model, err));
        plan.scratch = cv_image_tokenizer_encode_scratch(model->image_tokenizer, &model->head.exec,
                                                         d->network.grid * d->rate, d->network.grid * d->rate);
        plan.weights = stage_weights(model, d->files.image_tokenizer, NULL);
        break;
    case COGVIDEO_STAGE_SCORE:
        break;
    }
    *out = plan;
fail:
    return status;
}
