/* upscale.c - direct super-resolution of every frame of a clip: all places of a frame from one pass, drawn apart. */
#include "family/cogvideo/steps/fine.h"
#include "family/cogvideo/steps/steps.h"

static void draw(void *user, int first, int count, const float *logits)
{
    cv_fine *run = user;

    for (int i = 0; i < count; i++)
        cv_fine_draw(run, 0, first + i, &run->step.sampling, logits + (size_t)i * (size_t)run->codes);
}

static cogvideo_status frame(cv_fine *run, const int32_t *codes, cogvideo_error *err)
{
    const cv_upscaler_callbacks network = { draw, cv_fine_after_layer, run };

    return cv_upscaler_run(&run->model->head.exec, run->model->upscaler, run->step.text.ids, run->step.text.count,
                           codes, &network, &run->arena, err);
}

cogvideo_status cv_cogvideo_need_upscaler(const cogvideo_model *head, cogvideo_error *err)
{
    return cv_need_upscaler(cv_cogvideo_of(head), err);
}

cogvideo_status cv_cogvideo_upscale(const cogvideo_model *head, const cogvideo_generate_options *options,
                                    const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_upscaler_config *config = &model->description.upscaler;
    cv_fine run = { .model = model,
                    .options = options,
                    .kind = CV_STEP_UPSCALE,
                    .what = "super-resolution",
                    .network = "the super-resolution network",
                    .side = config->upscaled_grid,
                    .codes = config->image_codes,
                    .side_in = config->grid,
                    .per_frame = (long long)config->upscaled_grid * config->upscaled_grid,
                    .scratch = cv_upscaler_scratch(model->upscaler, &model->head.exec),
                    .frame = frame };

    return cv_fine_run(&run, in, out, err);
}
