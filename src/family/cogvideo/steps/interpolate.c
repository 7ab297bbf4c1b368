/* interpolate.c - recursive interpolation by stage 2: each round puts a frame between every two. CogVideo, section 3.2.
 *
 * A window has three known frames (2i, 2i+1, 2i+2 of the parent) and makes the two between them. Windows of a round
 * do not see each other, so they run side by side, and so do the candidates for the frames of each. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/autoregress.h"
#include "family/cogvideo/steps/candidates.h"
#include "family/cogvideo/steps/header.h"
#include "family/cogvideo/steps/step.h"
#include "family/work.h"
#include "sample/fields.h"

#include <stdio.h>
#include <string.h>

typedef struct round_run {
    const cv_cogvideo *model;
    const cogvideo_generate_options *options;
    const cv_stage *stage;
    int round, first_round, end_round; /* counted from the key frames */
    const cogvideo_tokens *parent;
    cogvideo_tokens *child;    /* twice the parent's frames less one */
    int windows, first_window; /* of the round; of the batch that runs */
    int batch;                 /* windows in the batch that runs */
    int32_t *codes;            /* [batch][candidates][slots][L], slots in the sequence's order */
    uint32_t *frame_ids;       /* [batch][slots]: the slot's frame of the child */
    cv_strand *strands;        /* [batch][candidates] */
    cv_candidates candidates;
    cv_lookahead *ahead;
    int reported; /* frames of the child that were given to the caller */
    cogvideo_progress progress;
    long long before; /* codes of earlier batches of the round */
} round_run;

static int advanced(void *user, long long codes)
{
    round_run *run = user;

    run->progress.done = run->before + codes;
    return cv_progress(&run->options->callbacks, &run->progress);
}

/* Tells the caller of the child's frames up to, not including, `end`. Only the last round's frames are results. */
static int report_frames(round_run *run, int end)
{
    const cogvideo_callbacks *callbacks = &run->options->callbacks;

    for (; run->reported < end; run->reported++)
        if (run->round == run->end_round - 1 &&
            cv_frame_done(callbacks, "interpolate", run->child, run->options->first_sample, run->reported))
            return 1;
    return 0;
}

static int slot_done(void *user, int slot)
{
    round_run *run = user;
    const cv_cogvideo_config *config = &run->model->description.network;
    const size_t L = (size_t)cv_cogvideo_places(config), slots = (size_t)config->frames;

    for (int w = 0; w < run->batch; w++) {
        const int32_t *codes = run->codes + ((size_t)w * (size_t)run->candidates.count * slots + (size_t)slot) * L;
        int32_t *frame = run->child->codes + run->frame_ids[(size_t)w * slots + (size_t)slot] * L;

        cv_candidates_merge(&run->candidates, frame, codes, slots * L, (int)L);
    }
    run->progress.frame += run->batch;
    return 0;
}

/* Codes and frame ids of the windows of a batch, in slot order. */
static void lay_out(round_run *run)
{
    const cv_cogvideo_config *config = &run->model->description.network;
    int slots = config->frames, known = cv_cogvideo_known(config), candidates = run->candidates.count;
    size_t L = (size_t)cv_cogvideo_places(config);

    for (int w = 0; w < run->batch; w++) {
        const int window = run->first_window + w;
        const int32_t *given = run->parent->codes + (size_t)(window * (known - 1)) * L;
        uint32_t *ids = run->frame_ids + w * slots;

        for (int slot = 0; slot < slots; slot++)
            ids[slot] = (uint32_t)(window * (slots - 1) + cv_slot_time(config, CV_STAGE_INTERPOLATE, slot));
        for (int c = 0, s = w * candidates; c < candidates; c++, s++) {
            int32_t *codes = run->codes + (size_t)s * (size_t)slots * L;

            memcpy(codes, given, (size_t)known * L * sizeof *codes);
            run->strands[s] = (cv_strand){ .codes = codes,
                                           .sample = (uint32_t)run->options->first_sample,
                                           .frames = ids,
                                           .candidate = (uint32_t)c };
        }
    }
}

/* The child's times, and the frames that it has of its parent. */
static void begin_child(round_run *run)
{
    size_t L = (size_t)cv_cogvideo_places(&run->model->description.network);

    for (int f = 0; f < run->parent->frames; f++) {
        memcpy(run->child->codes + 2 * (size_t)f * L, run->parent->codes + (size_t)f * L, L * sizeof *run->codes);
        run->child->times[2 * f] = run->parent->times[f];
        if (f > 0)
            run->child->times[2 * f - 1] = 0.5 * (run->parent->times[f - 1] + run->parent->times[f]);
    }
}

static cogvideo_status run_batches(round_run *run, cv_loop *loop, int batch, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &run->model->description.network;
    cogvideo_status status = COGVIDEO_OK;

    loop->strands = run->strands;
    for (int first = 0; first < run->windows; first += batch) {
        run->first_window = first;
        run->batch = run->windows - first < batch ? run->windows - first : batch;
        lay_out(run);
        loop->count = run->progress.sequences = run->batch * run->candidates.count;
        CV_TRY(cv_loop_run(loop, err));
        run->before = run->progress.done;
        if (report_frames(run, (first + run->batch) * (config->frames - 1) + (first + run->batch == run->windows))) {
            status = cv_cancelled(err);
            goto done;
        }
    }
done:
    return status;
}

/* Texts, sampling and header of a round, then its windows. */
static cogvideo_status run_step(round_run *run, int batch, cv_json *header, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &run->model->description.network;
    cogvideo_status status;
    cv_cogvideo_step step = { 0 };
    char name[40];
    cv_loop loop = { .model = run->model,
                     .stage = run->stage,
                     .text = &step.text,
                     .plus = true,
                     .given = cv_cogvideo_known(config),
                     .slots = config->frames,
                     .sampling = &step.sampling,
                     .seed = run->options->seed,
                     .step = CV_STEP_INTERPOLATE,
                     .round = run->round,
                     .lookahead = run->options->lookahead,
                     .ahead = run->ahead,
                     .advanced = advanced,
                     .slot_done = slot_done,
                     .user = run,
                     .rows = &run->options->callbacks,
                     .what = "interpolation" };

    CV_TRY(cv_cogvideo_step_begin(&step, run->model, run->options, CV_STEP_INTERPOLATE, run->round, err));
    loop.guide = step.guided ? &step.guide : NULL;
    loop.guidance = step.guidance;
    loop.text_weight = (float)step.text_weight;
    snprintf(name, sizeof name, "interpolate_%d", run->round);
    cv_cogvideo_step_put(&step, run->options, name, header);
    CV_TRY(run_batches(run, &loop, batch, err));
done:
    cv_cogvideo_step_free(&step);
    return status;
}

/* Makes the round's child in `out`. `run` holds model, options, stage and rounds. */
static cogvideo_status run_round(round_run run, int batch, const cogvideo_tokens *parent, cogvideo_tokens *out,
                                 cv_json *header, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &run.model->description.network;
    const int candidates = cv_sampling_candidates(&run.options->steps[CV_STEP_INTERPOLATE].sampling);
    int known = cv_cogvideo_known(config), L = cv_cogvideo_places(config), made;
    cogvideo_status status;
    cogvideo_tokens child = { 0 };

    run.parent = parent;
    run.child = &child;
    run.windows = (parent->frames - 1) / (known - 1);
    made = run.windows * (config->frames - known);
    CV_TRY(cogvideo_tokens_alloc(&child, parent->height, parent->width, parent->rate, 2 * parent->frames - 1, err));
    CV_TRY(cv_candidates_create(&run.candidates, run.model, candidates, err));
    batch = cv_side_by_side(batch, run.windows);
    CV_NEW(run.codes, (size_t)(batch * candidates) * (size_t)config->frames * (size_t)L, err);
    CV_NEW(run.frame_ids, batch * config->frames, err);
    CV_NEW(run.strands, batch * candidates, err);
    begin_child(&run);
    run.progress = (cogvideo_progress){ .what = "interpolation",
                                        .unit = "codes",
                                        .round = run.round - run.first_round,
                                        .rounds = run.end_round - run.first_round,
                                        .frames = made,
                                        .total = (long long)made * L * candidates };
    CV_TRY(run_step(&run, batch, header, err));
    *out = child;
    child = (cogvideo_tokens){ 0 };
done:
    cogvideo_tokens_free(&child);
    cv_candidates_free(&run.candidates);
    cv_free(run.codes);
    cv_free(run.frame_ids);
    cv_free(run.strands);
    return status;
}

cogvideo_status cv_cogvideo_interpolate(const cogvideo_model *head, const cogvideo_generate_options *options,
                                        const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    cogvideo_status status;
    cogvideo_tokens clip = { 0 }, next = { 0 };
    cv_json *header = NULL;
    cv_lookahead ahead = { 0 };
    round_run run = { .model = model, .options = options, .ahead = &ahead };

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(cv_check_clip(&in->codes, model->description.network.grid, model->description.network.image_codes, "stage 2",
                         err));
    CV_TRY(cv_rounds_of(model, in->codes.frames, options->rounds, &run.first_round, &run.end_round, err));
    CV_TRY(cv_need_stage(model, CV_STAGE_INTERPOLATE, &run.stage, err));
    CV_TRY(cv_header_begin(&header, model, options, in->codes.header, err));
    for (run.round = run.first_round; run.round < run.end_round; run.round++) {
        CV_TRY(run_round(run, options->batch, run.round > run.first_round ? &clip : &in->codes, &next, header, err));
        cogvideo_tokens_free(&clip);
        clip = next;
        next = (cogvideo_tokens){ 0 };
    }
    CV_TRY(cv_header_end(&header, &clip, err));
    *out = (cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = clip };
    return COGVIDEO_OK;
done:
    cv_json_free(&header);
    cogvideo_tokens_free(&clip);
    return status;
}
