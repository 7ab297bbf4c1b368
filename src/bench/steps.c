#include "bench/steps.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "family/cogvideo/autoregress.h"
#include "family/cogvideo/settings.h"

#include <stdio.h>

#define MOST_STRANDS 8
#define TEXT 20     /* pieces of the prompt: its words do not matter, its length does a little */
#define GUIDE 6
#define MOST_CODES 400

typedef struct step_run {
    const cogvideo_bench_request *request;
    double started, first, last; /* moments: of the call, of the first place done, of the newest */
    double seconds;
    int strands;
    long long places;            /* after the first */
    bool cancelled;
} step_run;

static int advanced(void *user, long long codes)
{
    step_run *run = user;

    run->cancelled = run->request->progress && run->request->progress(run->request->user, "steps", 0, 0);
    if (codes == 0) /* still in the pass over what is given */
        return run->cancelled;
    run->last = cv_clock();
    if (run->first == 0)
        run->first = run->last;
    run->places = codes / run->strands - 1;
    return run->cancelled || run->places >= MOST_CODES || run->last - run->first > run->seconds;
}

static int slot_done(void *user, int slot)
{
    (void)user;
    (void)slot;
    return 0;
}

static void add_row(cogvideo_bench_report *out, const char *name, double rate, const char *unit)
{
    cogvideo_bench_row *row = &out->rows[out->count];

    if (out->count == COGVIDEO_BENCH_ROWS)
        return;
    out->count++;
    *row = (cogvideo_bench_row){ .rate = rate };
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->unit, sizeof row->unit, "%s", unit);
}

/* `given` frames are known; the next place, and as many more as the time allows, are drawn in each strand. */
static cogvideo_status measure(const cogvideo_model *model, cv_stage_kind kind, int given, int strands, double seconds,
                               const cogvideo_bench_request *request, step_run *run, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    static const uint32_t frame_ids[64] = { 0 };
    int32_t ids[TEXT];
    cv_ids text = { ids, TEXT }, guide = { ids, GUIDE };
    cv_strand list[MOST_STRANDS];
    cv_loop loop = { .model = model, .text = &text, .plus = true, .given = given, .slots = config->frames,
                     .strands = list, .count = strands, .step_id = CV_STEP_KEYFRAMES, .advanced = advanced, .slot_done = slot_done, .user = run };
    cv_sampling sampling = model->description.sampling[kind == CV_STAGE_SEQUENTIAL ? CV_STEP_KEYFRAMES : CV_STEP_INTERPOLATE];
    size_t count = (size_t)config->frames * (size_t)cv_cogvideo_places(config);
    cogvideo_status status;
    int32_t *codes = NULL;

    *run = (step_run){ .request = request, .seconds = seconds, .strands = strands };
    for (int i = 0; i < TEXT; i++)
        ids[i] = config->image_codes + i;
    if (kind == CV_STAGE_SEQUENTIAL) {
        loop.guide = &guide;
        loop.guidance = 3;
        loop.slots = given + 1;
    }
    sampling.clusters = 0; /* the model has none */
    loop.sampling = &sampling;
    CV_TRY(cv_need_stage(model, kind, &loop.stage, err));
    CV_NEW(codes, (size_t)strands * count, err);
    for (size_t i = 0; i < (size_t)strands * count; i++)
        codes[i] = (int32_t)(i * 7 % (size_t)config->image_codes);
    for (int s = 0; s < strands; s++)
        list[s] = (cv_strand){ codes + (size_t)s * count, (uint32_t)s, frame_ids };
    run->started = cv_clock();
    status = cv_loop_run(&loop, err);
    if (status == COGVIDEO_ERROR_CANCELLED && !run->cancelled)
        status = COGVIDEO_OK;
fail:
    cv_free(codes);
    return status;
}

static double per_second(const step_run *run)
{
    return run->last > run->first ? (double)run->places * run->strands / (run->last - run->first) : 0;
}

cogvideo_status cv_bench_steps(const cogvideo_model *model, double seconds, const cogvideo_bench_request *request,
                               cogvideo_bench_report *out, cogvideo_error *err)
{
    const int frames = model->description.network.frames;
    cogvideo_status status = COGVIDEO_OK;
    step_run run;
    char name[48];

    for (int given = 1; given < frames; given++) {
        CV_TRY(measure(model, CV_STAGE_SEQUENTIAL, given, 1, seconds, request, &run, err));
        snprintf(name, sizeof name, "pass over text, frames < %d", given);
        add_row(out, name, run.first - run.started, "s");
        snprintf(name, sizeof name, "key frame %d, guided", given);
        add_row(out, name, per_second(&run), "codes/s");
    }
    add_row(out, "memory at its peak", (double)cv_memory_peak() / 1e9, "GB");
    for (int strands = 1; strands <= MOST_STRANDS; strands *= 2) {
        CV_TRY(measure(model, CV_STAGE_INTERPOLATE, cv_cogvideo_known(&model->description.network), strands, seconds, request, &run, err));
        snprintf(name, sizeof name, "interpolation, batch %d", strands);
        add_row(out, name, per_second(&run), "codes/s");
    }
    add_row(out, "memory at its peak", (double)cv_memory_peak() / 1e9, "GB");
fail:
    return status;
}
