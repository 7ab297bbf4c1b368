/* keyframes.c - from a prompt to key frames: the first frame with the plus channel off (CogView2's text-to-image),
 * then the others by stage 1, guided. CogVideo, section 3.3. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/autoregress.h"
#include "family/cogvideo/steps/header.h"
#include "family/cogvideo/steps/step.h"
#include "family/work.h"

#include <string.h>

typedef struct keyframes_run {
    const cv_cogvideo *model;
    const cogvideo_generate_options *options;
    const char *name; /* of the step */
    int samples, frames;
    cogvideo_tokens *clips; /* [samples] */
    cv_lookahead ahead;
    cogvideo_progress progress;
} keyframes_run;

static int advanced(void *user, long long codes)
{
    keyframes_run *run = user;

    run->progress.done = codes;
    return cv_progress(&run->options->callbacks, &run->progress);
}

static int slot_done(void *user, int slot)
{
    keyframes_run *run = user;
    const cogvideo_callbacks *callbacks = &run->options->callbacks;

    run->progress.frame++;
    for (int s = 0; s < run->samples; s++)
        if (cv_frame_done(callbacks, run->name, &run->clips[s], run->options->first_sample + s, slot))
            return 1;
    return 0;
}

static void begin(keyframes_run *run, const char *what, int made)
{
    int L = cv_cogvideo_places(&run->model->description.network);

    run->progress = (cogvideo_progress){ .what = what,
                                         .unit = "codes",
                                         .rounds = 1,
                                         .frames = made,
                                         .sequences = run->samples,
                                         .total = (long long)made * L * run->samples };
}

/* One loop over all samples: slots `given` .. `slots` - 1. */
static cogvideo_status run_loop(keyframes_run *run, cv_loop *loop, const uint32_t *frame_ids, cogvideo_error *err)
{
    cv_strand strands[COGVIDEO_MAX_SAMPLES];

    for (int s = 0; s < run->samples; s++)
        strands[s] = (cv_strand){ .codes = run->clips[s].codes,
                                  .sample = (uint32_t)(run->options->first_sample + s),
                                  .frames = frame_ids };
    loop->model = run->model;
    loop->seed = run->options->seed;
    loop->strands = strands;
    loop->count = run->samples;
    loop->lookahead = run->options->lookahead;
    loop->ahead = &run->ahead;
    loop->advanced = advanced;
    loop->slot_done = slot_done;
    loop->user = run;
    loop->rows = &run->options->callbacks;
    loop->what = run->progress.what;
    return cv_loop_run(loop, err);
}

static cogvideo_status first_frame(keyframes_run *run, const cv_stage *stage, cv_json *header, cogvideo_error *err)
{
    static const uint32_t frame_id[1] = { 0 };
    cogvideo_status status;
    cv_cogvideo_step step = { 0 };
    cv_loop loop = { .stage = stage,
                     .text = &step.text,
                     .slots = 1,
                     .sampling = &step.sampling,
                     .step = CV_STEP_FIRST_FRAME };

    CV_TRY(cv_cogvideo_step_begin(&step, run->model, run->options, CV_STEP_FIRST_FRAME, 0, err));
    loop.text_weight = (float)step.text_weight;
    cv_cogvideo_step_put(&step, run->options, cv_step_name(CV_STEP_FIRST_FRAME), header);
    begin(run, "first frame", 1);
    CV_TRY(run_loop(run, &loop, frame_id, err));
done:
    cv_cogvideo_step_free(&step);
    return status;
}

static cogvideo_status other_frames(keyframes_run *run, const cv_stage *stage, cv_json *header, cogvideo_error *err)
{
    cogvideo_status status;
    cv_cogvideo_step step = { 0 };
    uint32_t *frame_ids = NULL;
    cv_loop loop = { .stage = stage,
                     .text = &step.text,
                     .plus = true,
                     .given = 1,
                     .slots = run->frames,
                     .sampling = &step.sampling,
                     .step = CV_STEP_KEYFRAMES };

    CV_TRY(cv_cogvideo_step_begin(&step, run->model, run->options, CV_STEP_KEYFRAMES, 0, err));
    loop.guide = step.guided ? &step.guide : NULL;
    loop.guidance = step.guidance;
    loop.text_weight = (float)step.text_weight;
    CV_NEW(frame_ids, run->frames, err);
    for (int i = 0; i < run->frames; i++)
        frame_ids[i] = (uint32_t)i;
    cv_cogvideo_step_put(&step, run->options, cv_step_name(CV_STEP_KEYFRAMES), header);
    begin(run, "key frames", run->frames - 1);
    CV_TRY(run_loop(run, &loop, frame_ids, err));
done:
    cv_free(frame_ids);
    cv_cogvideo_step_free(&step);
    return status;
}

/* Room for every sample's clip, its frames spread evenly over the clip's seconds. */
static cogvideo_status make_clips(keyframes_run *run, int slots, cogvideo_error *err)
{
    const cv_description *d = &run->model->description;
    double step = run->options->seconds / (slots > 1 ? slots - 1 : 1);
    cogvideo_status status = COGVIDEO_OK;

    for (int s = 0; s < run->samples; s++) {
        CV_TRY(cogvideo_tokens_alloc(&run->clips[s], d->network.grid, d->network.grid, d->rate, run->frames, err));
        for (int i = 0; i < run->frames; i++)
            run->clips[s].times[i] = i * step;
    }
done:
    return status;
}

/* The first `frames` of the key frames, from `given`, which may be NULL, for the step of this name. */
static cogvideo_status make(const cv_cogvideo *model, const cogvideo_generate_options *options, const char *name,
                            int frames, const cogvideo_tokens *given, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    const cogvideo_generate_options unmasked = cv_unmasked(options);
    int L = cv_cogvideo_places(config);
    cogvideo_status status;
    const cv_stage *stage;
    cv_json *header = NULL;
    cogvideo_tokens clips[COGVIDEO_MAX_SAMPLES] = { { 0 } };
    keyframes_run run = { .model = model,
                          .options = &unmasked,
                          .name = name,
                          .samples = options->samples,
                          .frames = frames,
                          .clips = clips };

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(run.frames > 1 ? cv_need_stage(model, CV_STAGE_SEQUENTIAL, &stage, err) : cv_need_trunk(model, &stage, err));
    if (given)
        CV_TRY(cv_check_clip(given, config->grid, config->image_codes, "stage 1", err));
    cv_warn_language(model, options);
    CV_TRY(make_clips(&run, config->frames, err));
    CV_TRY(cv_header_begin(&header, model, options, given ? given->header : NULL, err));
    if (given) {
        for (int s = 0; s < run.samples; s++)
            memcpy(clips[s].codes, given->codes, (size_t)L * sizeof *given->codes);
        if (slot_done(&run, 0)) {
            status = cv_cancelled(err);
            goto done;
        }
    } else {
        CV_TRY(first_frame(&run, stage, header, err));
    }
    if (run.frames > 1)
        CV_TRY(other_frames(&run, stage, header, err));
    CV_TRY(cv_header_end_samples(&header, clips, options, err));
    for (int s = 0; s < run.samples; s++)
        out[s] = (cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = clips[s] };
    return COGVIDEO_OK;
done:
    cv_json_free(&header);
    for (int s = 0; s < COGVIDEO_MAX_SAMPLES; s++)
        cogvideo_tokens_free(&clips[s]);
    return status;
}

cogvideo_status cv_cogvideo_first_frame(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    (void)in;
    return make(cv_cogvideo_of(head), options, "first_frame", 1, NULL, out, err);
}

cogvideo_status cv_cogvideo_keyframes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                      const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    cogvideo_status status;
    int frames;

    CV_TRY(cv_keyframes_of(model, options, &frames, err));
    status = make(model, options, "keyframes", frames, in ? &in->codes : NULL, out, err);
done:
    return status;
}
