#include "family/cogvideo/bench/draw.h"

#include "base/clock.h"
#include "family/cogvideo/steps/autoregress.h"
#include "family/cogvideo/steps/step.h"

#define GUIDE 6
#define MOST_CODES 400

void cv_bench_text(int32_t ids[CV_BENCH_TEXT], int image_codes)
{
    for (int i = 0; i < CV_BENCH_TEXT; i++)
        ids[i] = image_codes + i;
}

static int advanced(void *user, long long codes)
{
    cv_bench_drawing *run = user;
    const cogvideo_progress progress = { .what = "steps", .unit = "measurements" };
    const double now = cv_clock() - run->started;

    run->cancelled = run->options->progress && run->options->progress(run->options->user, &progress);
    if (codes == 0) /* still in the pass over what is given */
        return run->cancelled;
    if (run->first == 0) {
        run->first = now;
        run->begun = codes;
    }
    run->took = now - run->first;
    run->places = (double)(codes - run->begun) / run->strands;
    return run->cancelled ||
           codes >= (run->most_places ? run->most_places : 1 + MOST_CODES) * (long long)run->strands ||
           run->took > run->seconds;
}

static int slot_done(void *user, int slot)
{
    (void)user;
    (void)slot;
    return 0;
}

double cv_drawing_rate(const cv_bench_drawing *drawing)
{
    return drawing->took > 0 ? drawing->places * drawing->strands / drawing->took : 0;
}

double cv_drawing_seconds(const cv_bench_drawing *drawing, int frames)
{
    const cv_cogvideo_config *config = &drawing->model->description.network;

    return (double)frames * drawing->strands * cv_cogvideo_places(config) / cv_drawing_rate(drawing);
}

cogvideo_status cv_bench_draw(cv_bench_drawing *run, cogvideo_error *err)
{
    const cv_cogvideo *model = run->model;
    const cv_cogvideo_config *config = &model->description.network;
    uint32_t frame_ids[CV_COGVIDEO_MAX_FRAMES];
    int32_t ids[CV_BENCH_TEXT];
    cv_ids text = { ids, CV_BENCH_TEXT }, guide = { ids, GUIDE };
    cv_strand list[CV_BENCH_STRANDS];
    cv_loop loop = { .model = model,
                     .text = &text,
                     .plus = run->given > 0,
                     .given = run->given,
                     .blank = !run->pass,
                     .slots = config->frames,
                     .strands = list,
                     .count = run->strands,
                     .step = CV_STEP_KEYFRAMES,
                     .lookahead = run->lookahead,
                     .ahead = &run->ahead,
                     .advanced = advanced,
                     .slot_done = slot_done,
                     .user = run };
    cogvideo_sampling sampling =
        model->description.sampling[run->kind == CV_STAGE_SEQUENTIAL ? CV_STEP_KEYFRAMES : CV_STEP_INTERPOLATE];
    size_t count = (size_t)config->frames * (size_t)cv_cogvideo_places(config);
    cogvideo_status status;
    int32_t *made = NULL, *codes = run->codes;

    run->first = run->took = 0;
    run->places = 0;
    for (uint32_t i = 0; i < CV_COGVIDEO_MAX_FRAMES; i++)
        frame_ids[i] = i;
    run->cancelled = false;
    run->ahead = (cv_lookahead){ .trial = run->trial };
    cv_bench_text(ids, config->image_codes);
    if (run->kind == CV_STAGE_SEQUENTIAL) {
        loop.slots = run->whole && run->given > 0 ? config->frames : run->given + 1;
        if (run->given > 0) {
            loop.guide = &guide;
            loop.guidance = 3;
        }
    }
    sampling.clusters = 0; /* the model has none */
    loop.sampling = &sampling;
    if (run->step) {
        loop.text = &run->step->text;
        loop.guide = run->step->guided ? &run->step->guide : NULL;
        loop.guidance = run->step->guidance;
        loop.text_weight = (float)run->step->text_weight;
        loop.sampling = &run->step->sampling;
        loop.step = run->step->kind;
    }
    if (run->given == 0)
        CV_TRY(cv_need_trunk(model, &loop.stage, err));
    else
        CV_TRY(cv_need_stage(model, run->kind, &loop.stage, err));
    if (!codes) {
        CV_NEW(made, (size_t)run->strands * count, err);
        codes = made;
        for (size_t i = 0; i < (size_t)run->strands * count; i++)
            codes[i] = (int32_t)(i * 7 % (size_t)config->image_codes);
    }
    for (int s = 0; s < run->strands; s++)
        list[s] = (cv_strand){ .codes = codes + (size_t)s * count, .sample = (uint32_t)s, .frames = frame_ids };
    run->started = cv_clock();
    status = cv_loop_run(&loop, err);
    if (status == COGVIDEO_ERROR_CANCELLED && !run->cancelled)
        status = COGVIDEO_OK;
done:
    cv_free(made);
    return status;
}
