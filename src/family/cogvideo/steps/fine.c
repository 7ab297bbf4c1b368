#include "family/cogvideo/steps/fine.h"

#include "family/cogvideo/steps/draw.h"
#include "family/cogvideo/steps/header.h"
#include "family/cogvideo/steps/rows.h"

void cv_fine_draw(cv_fine *run, int round, int place, const cogvideo_sampling *sampling, const float *logits)
{
    const cv_draw draw = { .step = run->kind,
                           .round = round,
                           .sample = (uint32_t)run->options->first_sample,
                           .frame = (uint32_t)run->at,
                           .place = (uint32_t)place };

    run->made[place] = cv_draw_code(run->model, sampling, run->options->seed, &draw, logits, run->codes, &run->drawing);
    if (run->made[place] < 0 && run->unsound < 0)
        run->unsound = place;
    run->progress.done++;
}

static int report(const cv_fine *run)
{
    return cv_progress(&run->options->callbacks, &run->progress);
}

int cv_fine_after_layer(void *run, int done, int layers)
{
    (void)done, (void)layers;
    return report(run);
}

static cv_code_row row_of(const cv_fine *run, int row)
{
    return (cv_code_row){ .step = run->kind,
                          .sample = run->options->first_sample,
                          .frame = run->at,
                          .row = row,
                          .count = run->side };
}

/* Whether an earlier run drew all of the frame's codes: passes give them all, so a part of them would spare nothing. */
static bool recall(const cv_fine *run)
{
    for (int r = 0; r < run->side; r++) {
        const cv_code_row row = row_of(run, r);

        if (!cv_row_recall(&run->options->callbacks, &row, run->codes, run->made + r * run->side))
            return false;
    }
    return true;
}

static int keep_rows(const cv_fine *run)
{
    int stop = 0;

    for (int r = 0; r < run->side && !stop; r++) {
        const cv_code_row row = row_of(run, r);

        stop = cv_row_keep(&run->options->callbacks, &row, run->made + r * run->side);
    }
    return stop;
}

/* Frame run->at of `clip`, from its codes in the clip that was given. */
static cogvideo_status make_frame(cv_fine *run, const cogvideo_tokens *clip, const int32_t *codes, cogvideo_error *err)
{
    const bool known = recall(run);
    cogvideo_status status = COGVIDEO_OK;

    run->unsound = -1;
    if (!known)
        CV_TRY(run->frame(run, codes, err));
    if (run->unsound >= 0)
        return cv_fail_unsound(run->model, run->what, run->at, run->unsound / run->side, err);
    run->progress.frame++;
    run->progress.done = (long long)run->progress.frame * run->per_frame;
    if ((!known && keep_rows(run)) || report(run) ||
        cv_frame_done(&run->options->callbacks, cv_step_name(run->kind), clip, run->options->first_sample, run->at))
        status = cv_cancelled(err);
done:
    return status;
}

cogvideo_status cv_fine_run(cv_fine *run, const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cogvideo_tokens *given = &in->codes;
    const size_t places = (size_t)run->side * (size_t)run->side;
    cogvideo_tokens clip = { 0 };
    cv_json *header = NULL;
    cogvideo_status status;

    CV_TRY(cv_check_options(run->model, run->options, err));
    CV_TRY(cv_check_clip(given, run->side_in, run->codes, run->network, err));
    CV_TRY(cv_cogvideo_step_begin(&run->step, run->model, run->options, run->kind, 0, err));
    CV_TRY(cv_header_begin(&header, run->model, run->options, given->header, err));
    cv_cogvideo_step_put(&run->step, run->options, cv_step_name(run->kind), header);
    CV_TRY(cogvideo_tokens_alloc(&clip, run->side, run->side, given->rate, given->frames, err));
    CV_TRY(cv_arena_create(&run->arena, run->scratch, err));
    CV_TRY(cv_arena_create(&run->drawing, cv_sampler_scratch(run->codes, run->model->clusters), err));
    run->progress = (cogvideo_progress){ .what = run->what,
                                         .unit = "codes",
                                         .rounds = 1,
                                         .frames = given->frames,
                                         .total = (long long)given->frames * run->per_frame,
                                         .sequences = 1 };
    for (run->at = 0; run->at < given->frames; run->at++) {
        run->made = clip.codes + (size_t)run->at * places;
        clip.times[run->at] = given->times[run->at];
        CV_TRY(make_frame(run, &clip, given->codes + (size_t)run->at * cogvideo_tokens_per_frame(given), err));
    }
    CV_TRY(cv_header_end(&header, &clip, err));
    *out = (cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = clip };
    clip = (cogvideo_tokens){ 0 };
done:
    cv_json_free(&header);
    cogvideo_tokens_free(&clip);
    cv_cogvideo_step_free(&run->step);
    cv_arena_free(&run->arena);
    cv_arena_free(&run->drawing);
    return status;
}
