/* upscale.c - direct super-resolution of every frame of a clip: all places of a frame from one pass, drawn apart. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/rows.h"
#include "family/cogvideo/steps/step.h"

#include "base/rng.h"

typedef struct upscale_run {
    const cv_cogvideo *model;
    const cogvideo_generate_options *options;
    const cogvideo_sampling *sampling;
    cv_arena drawing; /* the network holds the other one while it asks for codes */
    int frame;
    int32_t *codes; /* of the frame that runs, [upscaled_grid^2] */
    int unsound;    /* its first place whose logits give no code, or -1 */
    cogvideo_progress progress;
} upscale_run;

static void draw(void *user, int first, int count, const float *logits)
{
    upscale_run *run = user;
    int n = run->model->description.upscaler.image_codes;

    for (int i = 0; i < count; i++) {
        uint32_t counter[4] = { (uint32_t)run->options->first_sample, (uint32_t)run->frame, (uint32_t)(first + i),
                                CV_STEP_UPSCALE };
        uint32_t bits[4];

        cv_rng_block(bits, run->options->seed, counter);
        run->codes[first + i] = cv_sample(logits + (size_t)i * (size_t)n, n, run->sampling, run->model->clusters,
                                          cv_rng_unit(bits[0], bits[1]), cv_rng_unit(bits[2], bits[3]), &run->drawing);
        if (run->codes[first + i] < 0 && run->unsound < 0)
            run->unsound = first + i;
    }
    run->progress.done += count;
}

static int report(const upscale_run *run)
{
    const cogvideo_callbacks *callbacks = &run->options->callbacks;

    return callbacks->progress ? callbacks->progress(callbacks->user, &run->progress) : 0;
}

static int after_layer(void *user, int done, int layers)
{
    (void)done, (void)layers;
    return report(user);
}

/* Whether an earlier run drew all of the frame's codes: one pass gives them all, so a part of them would spare
 * nothing. */
static bool recall(const upscale_run *run)
{
    const cv_upscaler_config *config = &run->model->description.upscaler;
    int side = config->upscaled_grid;

    for (int r = 0; r < side; r++) {
        const cv_code_row row = { CV_STEP_UPSCALE, 0, run->options->first_sample, run->frame, r, side };

        if (!cv_row_recall(&run->options->callbacks, &row, config->image_codes, run->codes + r * side))
            return false;
    }
    return true;
}

static int keep_rows(const upscale_run *run)
{
    int side = run->model->description.upscaler.upscaled_grid, stop = 0;

    for (int r = 0; r < side && !stop; r++) {
        const cv_code_row row = { CV_STEP_UPSCALE, 0, run->options->first_sample, run->frame, r, side };

        stop = cv_row_keep(&run->options->callbacks, &row, run->codes + r * side);
    }
    return stop;
}

cogvideo_status cv_cogvideo_need_upscaler(const cogvideo_model *head, cogvideo_error *err)
{
    return cv_need_upscaler(cv_cogvideo_of(head), err);
}

cogvideo_status cv_cogvideo_upscale(const cogvideo_model *head, const cogvideo_generate_options *options,
                                    const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cogvideo_tokens *coarse = &in->codes;
    const cv_upscaler_config *config = &model->description.upscaler;
    int L = config->upscaled_grid * config->upscaled_grid;
    cogvideo_status status;
    cogvideo_tokens clip = { 0 };
    cv_cogvideo_step step = { 0 };
    cv_json *record = NULL;
    cv_arena arena = { 0 };
    upscale_run run = { .model = model, .options = options, .sampling = &step.sampling };
    const cv_upscaler_callbacks network = { draw, after_layer, &run };

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(cv_check_clip(coarse, config->grid, config->image_codes, "the super-resolution network", err));
    CV_TRY(cv_cogvideo_step_begin(&step, model, options, CV_STEP_UPSCALE, 0, err));
    CV_TRY(cv_record_open(&record, model, options, coarse->header, err));
    cv_cogvideo_step_record(&step, options, cv_step_name(CV_STEP_UPSCALE), record);
    CV_TRY(
        cogvideo_tokens_alloc(&clip, config->upscaled_grid, config->upscaled_grid, coarse->rate, coarse->frames, err));
    CV_TRY(cv_arena_create(&arena, cv_upscaler_scratch(model->upscaler, &model->head.exec), err));
    CV_TRY(cv_arena_create(&run.drawing, cv_sampler_scratch(config->image_codes, model->clusters), err));
    run.progress = (cogvideo_progress){ .what = "super-resolution",
                                        .unit = "codes",
                                        .rounds = 1,
                                        .frames = coarse->frames,
                                        .total = (long long)coarse->frames * L,
                                        .sequences = 1 };
    for (run.frame = 0; run.frame < coarse->frames; run.frame++) {
        run.codes = clip.codes + (size_t)run.frame * (size_t)L;
        clip.times[run.frame] = coarse->times[run.frame];
        bool known = recall(&run);

        run.unsound = -1;
        if (!known)
            CV_TRY(cv_upscaler_run(&model->head.exec, model->upscaler, step.text.ids, step.text.count,
                                   coarse->codes + (size_t)run.frame * cogvideo_tokens_per_frame(coarse), &network,
                                   &arena, err));
        if (run.unsound >= 0) {
            status = cv_fail_unsound(model, "super-resolution", run.frame, run.unsound / config->upscaled_grid, err);
            goto done;
        }
        run.progress.frame++;
        run.progress.done = (long long)run.progress.frame * L;
        if ((!known && keep_rows(&run)) || report(&run) ||
            cv_frame_done(&options->callbacks, "upscale", &clip, options->first_sample, run.frame)) {
            status = cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
            goto done;
        }
    }
    CV_TRY(cv_record_close(&record, &clip, err));
    *out = (cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = clip };
    clip = (cogvideo_tokens){ 0 };
done:
    cv_json_free(&record);
    cogvideo_tokens_free(&clip);
    cv_cogvideo_step_free(&step);
    cv_arena_free(&arena);
    cv_arena_free(&run.drawing);
    return status;
}
