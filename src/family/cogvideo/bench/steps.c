#include "family/cogvideo/bench/steps.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "bench/limits.h"
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/autoregress.h"
#include "family/cogvideo/model/settings.h"

#include <stdio.h>

#define MOST_STRANDS 8
#define TEXT 20 /* pieces of the prompt: its words do not matter, its length does a little */
#define GUIDE 6
#define MOST_CODES 400

typedef struct step_run {
    const cogvideo_bench_options *options;
    double started, first, last; /* moments: of the call, of the first place done, of the newest */
    double seconds;
    int strands;
    long long places; /* after the first */
    bool cancelled;
} step_run;

static int advanced(void *user, long long codes)
{
    step_run *run = user;
    const cogvideo_progress progress = { .what = "steps", .unit = "measurements" };

    run->cancelled = run->options->progress && run->options->progress(run->options->user, &progress);
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

/* `given` frames are known; the next place, and as many more as the time allows, are drawn in each strand. The pass
 * over what is given takes minutes at full size and is made where `pass` wants to know how long. */
static cogvideo_status measure(const cv_cogvideo *model, cv_stage_kind kind, int given, bool pass, int strands,
                               double seconds, const cogvideo_bench_options *options, step_run *run,
                               cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    static const uint32_t frame_ids[64] = { 0 };
    int32_t ids[TEXT];
    cv_ids text = { ids, TEXT }, guide = { ids, GUIDE };
    cv_strand list[MOST_STRANDS];
    cv_loop loop = { .model = model,
                     .text = &text,
                     .plus = given > 0,
                     .given = given,
                     .blank = !pass,
                     .slots = config->frames,
                     .strands = list,
                     .count = strands,
                     .step = CV_STEP_KEYFRAMES,
                     .advanced = advanced,
                     .slot_done = slot_done,
                     .user = run };
    cogvideo_sampling sampling =
        model->description.sampling[kind == CV_STAGE_SEQUENTIAL ? CV_STEP_KEYFRAMES : CV_STEP_INTERPOLATE];
    size_t count = (size_t)config->frames * (size_t)cv_cogvideo_places(config);
    cogvideo_status status;
    int32_t *codes = NULL;

    *run = (step_run){ .options = options, .seconds = seconds, .strands = strands };
    for (int i = 0; i < TEXT; i++)
        ids[i] = config->image_codes + i;
    if (kind == CV_STAGE_SEQUENTIAL) {
        loop.slots = given + 1;
        if (given > 0) {
            loop.guide = &guide;
            loop.guidance = 3;
        }
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
done:
    cv_free(codes);
    return status;
}

static double per_second(const step_run *run)
{
    return run->last > run->first ? (double)run->places * run->strands / (run->last - run->first) : 0;
}

/* Seconds until the codes of so many frames are drawn in each strand, after the pass over what is given. */
static double drawing_seconds(const cv_cogvideo *model, const step_run *run, int frames)
{
    return (double)frames * run->strands * cv_cogvideo_places(&model->description.network) / per_second(run);
}

/* Seconds of the codes of a whole clip: key frames as measured, and all rounds in the batches that are fastest. */
typedef struct clip_time {
    double keyframes, interpolation;
} clip_time;

static cogvideo_status keyframes(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                 cogvideo_bench_report *out, clip_time *clip, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    step_run run;
    char name[48];

    /* weights come from the disk; not counted */
    CV_TRY(measure(model, CV_STAGE_SEQUENTIAL, 0, true, 1, 0, options, &run, err));
    for (int given = 0; given < model->description.network.frames; given++) {
        CV_TRY(measure(model, CV_STAGE_SEQUENTIAL, given, given <= 1, 1, seconds, options, &run, err));
        if (given == 0)
            add_row(out, "text and the first code", run.first - run.started, "s");
        if (given == 1) { /* what follows continues from its keys and values */
            add_row(out, "pass over the first frame, guided", run.first - run.started, "s");
            clip->keyframes += run.first - run.started;
        }
        snprintf(name, sizeof name, given ? "key frame %d, guided" : "key frame %d", given);
        add_row(out, name, per_second(&run), "codes/s");
        clip->keyframes += drawing_seconds(model, &run, 1);
    }
    add_row(out, "memory so far at most", (double)cv_memory_peak() / 1e9, "GB");
done:
    return status;
}

/* Windows of all rounds: each round has twice those of the one before. */
static int window_count(const cv_cogvideo *model)
{
    const cv_cogvideo_config *config = &model->description.network;
    int windows = 0, frames = config->frames, known = cv_cogvideo_known(config);

    for (int round = 1; round < model->description.duration_count; round++) {
        int more = (frames - 1) / (known - 1);

        windows += more;
        frames += more * (config->frames - known);
    }
    return windows;
}

static cogvideo_status interpolation(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                     cogvideo_bench_report *out, clip_time *clip, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    cogvideo_status status = COGVIDEO_OK;
    double pass = 0; /* of one window */
    step_run run;
    char name[48];

    for (int strands = 1; strands <= MOST_STRANDS; strands *= 2) {
        double all;

        CV_TRY(measure(model, CV_STAGE_INTERPOLATE, cv_cogvideo_known(config), strands == 1, strands, seconds, options,
                       &run, err));
        if (strands == 1) {
            pass = run.first - run.started;
            snprintf(name, sizeof name, "pass over %d frames of a window", cv_cogvideo_known(config));
            add_row(out, name, pass, "s");
        }
        snprintf(name, sizeof name, "interpolation, batch %d", strands);
        add_row(out, name, per_second(&run), "codes/s");
        add_row(out, "memory so far at most", (double)cv_memory_peak() / 1e9, "GB");
        all = (pass + drawing_seconds(model, &run, config->frames - cv_cogvideo_known(config)) / strands) *
              window_count(model);
        if (strands == 1 || all < clip->interpolation)
            clip->interpolation = all;
    }
done:
    return status;
}

/* --- codes finer, and to pixels ------------------------------------------------------------------------------- */

static cogvideo_status seeded_frame(cogvideo_tokens *out, int grid, int rate, int codes, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cogvideo_tokens_alloc(out, grid, grid, rate, 1, err));
    for (int i = 0; i < grid * grid; i++)
        out->codes[i] = i * 7 % codes;
done:
    return status;
}

static cogvideo_status upscale(const cv_cogvideo *model, cogvideo_bench_report *out, cogvideo_error *err)
{
    const cv_upscaler_config *config = &model->description.upscaler;
    cogvideo_status status;
    cogvideo_generate_options options;
    cogvideo_value frame = { .kind = COGVIDEO_KIND_CODES }, fine = { 0 };
    int32_t ids[TEXT];
    double started;

    cogvideo_generate_defaults(&model->head, &options);
    options.steps[CV_STEP_UPSCALE].sampling.clusters = 0; /* the model has none */
    options.text_ids = ids;
    options.text_count = TEXT;
    for (int i = 0; i < TEXT; i++)
        ids[i] = config->image_codes + i;
    CV_TRY(seeded_frame(&frame.codes, config->grid, model->description.rate, config->image_codes, err));
    started = cv_clock();
    CV_TRY(cv_cogvideo_upscale(&model->head, &options, &frame, &fine, err));
    add_row(out, "super-resolution of a frame", cv_clock() - started, "s");
done:
    cogvideo_value_free(&frame);
    cogvideo_value_free(&fine);
    return status;
}

typedef struct decode_run {
    const cv_cogvideo *model;
    int32_t *codes;
    float *rgb;
    cv_arena arena;
    int grid;
} decode_run;

static double decode(void *user)
{
    decode_run *run = user;
    const cv_cogvideo *model = run->model;
    cogvideo_error err;

    if (cv_image_tokenizer_decode(&model->head.exec, model->image_tokenizer, run->rgb, run->codes, run->grid, run->grid,
                                  model->description.rate, &run->arena, &err) != COGVIDEO_OK)
        return 0;
    return cv_image_tokenizer_decode_operations(model->image_tokenizer, &model->head.exec, run->grid, run->grid,
                                                model->description.rate);
}

/* The finest frame that the model makes, beside the processor's peak. */
static cogvideo_status decoding(const cv_cogvideo *model, const cogvideo_bench_options *options,
                                cogvideo_bench_report *out, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    const int grid = d->files.upscaler ? d->upscaler.upscaled_grid : d->network.grid, rate = d->rate;
    cv_limits limits = { .exec = &model->head.exec };
    double seconds;
    decode_run run = { .model = model, .grid = grid };
    cv_bench_item items[2] = { { { .name = "f32 peak", .unit = "GFLOP/s" }, cv_limit_f32, &limits },
                               { { .name = "decoding", .unit = "GFLOP/s", .limit = "f32 peak" }, decode, &run } };
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(run.codes, grid * grid, err);
    CV_NEW(run.rgb, (size_t)(grid * rate) * (size_t)(grid * rate) * 3, err);
    CV_TRY(
        cv_arena_create(&run.arena,
                        cv_image_tokenizer_decode_scratch(model->image_tokenizer, &model->head.exec, grid, grid, rate),
                        err));
    CV_TRY(cv_bench_rounds(items, 2, out->rounds, options, err));
    seconds = cv_image_tokenizer_decode_operations(model->image_tokenizer, &model->head.exec, grid, grid, rate) /
              (items[1].row.rate * 1e9);
    for (int i = 0; i < 2 && out->count < COGVIDEO_BENCH_ROWS; i++)
        out->rows[out->count++] = items[i].row;
    add_row(out, "decoding of a frame", seconds, "s");
done:
    cv_free(run.codes);
    cv_free(run.rgb);
    cv_arena_free(&run.arena);
    return status;
}

cogvideo_status cv_cogvideo_bench(const cogvideo_model *head, const cogvideo_bench_options *options,
                                  cogvideo_bench_report *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const double seconds = options->seconds > 0 ? options->seconds : 10;
    cogvideo_status status;
    clip_time clip = { 0 };

    out->hidden = model->description.network.hidden;
    CV_TRY(keyframes(model, seconds, options, out, &clip, err));
    CV_TRY(interpolation(model, seconds, options, out, &clip, err));
    add_row(out, "all key frames", clip.keyframes, "s");
    add_row(out, "all rounds of interpolation", clip.interpolation, "s");
    if (model->image_tokenizer)
        CV_TRY(decoding(model, options, out, err));
    if (model->upscaler)
        CV_TRY(upscale(model, out, err));
done:
    return status;
}
