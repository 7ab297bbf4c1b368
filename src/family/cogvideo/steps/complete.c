/* complete.c - a picture's codes that are drawn anew given all the others: CogView2's completion. It draws as the first
 * frame is drawn, by the same options and the same random numbers of each place: with no code given, the result would
 * be that. */
#include "family/cogvideo/steps/complete.h"

#include "base/clock.h"
#include "family/cogvideo/network/coglm.h"
#include "family/cogvideo/steps/draw.h"
#include "family/cogvideo/steps/header.h"
#include "family/cogvideo/steps/lookahead.h"
#include "family/cogvideo/steps/mask.h"
#include "family/cogvideo/steps/rows.h"
#include "family/cogvideo/steps/step.h"
#include "family/cogvideo/steps/steps.h"

#include <string.h>

#define NAME "complete"

typedef struct complete_run {
    const cv_cogvideo *model;
    const cogvideo_generate_options *options;
    const cv_stage *stage;
    cv_cogvideo_step step;
    uint8_t *mask; /* [L] */
    cv_completion layout;
    cogvideo_tokens *clips; /* [samples], of one frame each; what is drawn replaces the given codes */
    cv_text_cache text;
    cv_frames_cache caches[COGVIDEO_MAX_SAMPLES];
    cv_sequence sequences[COGVIDEO_MAX_SAMPLES];
    cv_lookahead ahead;
    int at[COGVIDEO_MAX_SAMPLES], seen[COGVIDEO_MAX_SAMPLES]; /* elements: the first that is not decided, the first that
                                                                 no step has looked at */
    int counts[COGVIDEO_MAX_SAMPLES];                         /* of a step: elements that it looks at */
    int32_t *recalled;                                        /* [grid] */
    cv_element *elements;                                     /* [rows]: of a step, with the codes of their samples */
    cv_coglm_row *rows;                                       /* [rows] */
    float *logits;                                            /* [rows][image_codes] */
    int32_t *drawn;                                           /* [rows] */
    cv_arena arena;
    cv_draw_room drawing;
    cogvideo_progress progress;
} complete_run;

/* --- memory --------------------------------------------------------------------------------------------------- */

static size_t scratch_of(const cv_cogvideo *model, const cv_stage *stage, int text, int rows)
{
    const cv_exec *exec = &model->head.exec;
    const int all = 1 + cv_cogvideo_places(stage->config), longest = text > all ? text : all;
    const size_t parts[] = { cv_forward_scratch(exec, stage, longest, false),
                             cv_coglm_scratch(exec, stage, all, text + all, false),
                             cv_coglm_scratch(exec, stage, rows, text + all, true) };
    size_t most = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        most = parts[i] > most ? parts[i] : most;
    return most;
}

void cv_complete_bytes(const cv_cogvideo *model, const cv_stage *stage, int text, int samples, int lookahead,
                       uint64_t *caches, uint64_t *scratch)
{
    const cv_cogvideo_config *config = stage->config;
    const cv_weight_type type = model->head.exec.cache;
    const int rows = cv_lookahead_rows(lookahead, samples, 1 + cv_cogvideo_places(config));

    *caches = cv_text_cache_bytes(config, type, text, false) +
              (uint64_t)samples * cv_elements_cache_bytes(config, type, 1 + cv_cogvideo_places(config));
    *scratch = scratch_of(model, stage, text, rows) + cv_draw_bytes(model, config->image_codes) +
               (uint64_t)rows * ((uint64_t)config->image_codes * sizeof(float) + sizeof(cv_element) +
                                 sizeof(cv_coglm_row) + sizeof(int32_t));
}

static void run_free(complete_run *run)
{
    cv_cogvideo_step_free(&run->step);
    cv_free(run->mask);
    cv_free(run->layout.elements);
    cv_free(run->layout.places);
    cv_text_cache_free(&run->text);
    for (int s = 0; s < COGVIDEO_MAX_SAMPLES; s++)
        cv_frames_cache_free(&run->caches[s]);
    cv_free(run->recalled);
    cv_free(run->elements);
    cv_free(run->rows);
    cv_free(run->logits);
    cv_free(run->drawn);
    cv_arena_free(&run->arena);
    cv_draw_room_free(&run->drawing);
}

/* All memory is taken here, before the first code. */
static cogvideo_status run_open(complete_run *run, cogvideo_error *err)
{
    const cv_cogvideo_config *config = run->stage->config;
    const cv_weight_type type = run->model->head.exec.cache;
    const int L = cv_cogvideo_places(config), text = run->step.text.count;
    const int rows = cv_lookahead_rows(run->options->lookahead, run->options->samples, 1 + L);
    cogvideo_status status;

    CV_NEW(run->layout.elements, 1 + L, err);
    CV_NEW(run->layout.places, 1 + L, err);
    cv_completion_lay(&run->layout, config, run->clips[0].codes, run->mask);
    CV_TRY(cv_text_cache_create(&run->text, config, type, text, false, err));
    for (int s = 0; s < run->options->samples; s++) {
        CV_TRY(cv_elements_cache_create(&run->caches[s], config, type, 1 + L, err));
        run->sequences[s] = (cv_sequence){ &run->text, &run->caches[s], (float)run->step.text_weight, false };
    }
    CV_NEW(run->recalled, config->grid, err);
    CV_NEW(run->elements, rows, err);
    CV_NEW(run->rows, rows, err);
    CV_NEW(run->logits, (size_t)rows * (size_t)config->image_codes, err);
    CV_NEW(run->drawn, rows, err);
    CV_TRY(cv_arena_create(&run->arena, scratch_of(run->model, run->stage, text, rows), err));
    CV_TRY(cv_draw_room_create(&run->drawing, run->model, config->image_codes, err));
done:
    return status;
}

/* --- reporting ------------------------------------------------------------------------------------------------ */

static bool report(complete_run *run, long long drawn)
{
    const cogvideo_callbacks *callbacks = &run->options->callbacks;

    run->progress.done += drawn;
    return cv_progress(callbacks, &run->progress) == 0;
}

static cv_code_row row_at(const complete_run *run, int sample, int row)
{
    const int grid = run->stage->config->grid;

    return (cv_code_row){ .step = run->step.kind,
                          .sample = run->options->first_sample + sample,
                          .row = row,
                          .count = grid };
}

/* Whether any place of the row from `column` on is a hole. */
static bool has_hole(const complete_run *run, int row, int column)
{
    const int grid = run->stage->config->grid;

    for (; column < grid; column++)
        if (run->mask[row * grid + column])
            return true;
    return false;
}

/* Keeps the rows of the picture whose last hole is among a sample's elements `at` .. `end` - 1; false: stop. */
static bool keep_rows(const complete_run *run, int sample, int at, int end)
{
    const int grid = run->stage->config->grid;

    for (; at < end; at++) {
        const int place = run->layout.places[at], row = place / grid;
        const cv_code_row kept = row_at(run, sample, row);

        if (run->mask[place] && !has_hole(run, row, place % grid + 1) &&
            cv_row_keep(&run->options->callbacks, &kept, run->clips[sample].codes + row * grid))
            return false;
    }
    return true;
}

/* Fills in what an earlier run drew of a sample, row by row of the picture; gives the first element that is left. */
static int recall(complete_run *run, int sample)
{
    const int grid = run->stage->config->grid, all = 1 + grid * grid;
    int i = run->layout.known;

    for (int row = 0; row < grid; row++) {
        const cv_code_row known = row_at(run, sample, row);

        if (has_hole(run, row, 0) &&
            !cv_row_recall(&run->options->callbacks, &known, run->stage->config->image_codes, run->recalled))
            break;
        for (; i < all && run->layout.places[i] < (row + 1) * grid; i++) {
            const int place = run->layout.places[i];

            if (run->mask[place]) {
                run->clips[sample].codes[place] = run->recalled[place % grid];
                run->progress.done++;
            }
        }
    }
    return i;
}

/* --- drawing -------------------------------------------------------------------------------------------------- */

/* Row r of a step: element `index` with the code that it has in this sample. */
static void set_row(complete_run *run, int r, int sample, int index)
{
    const int place = run->layout.places[index];

    run->elements[r] = run->layout.elements[index];
    if (place >= 0)
        run->elements[r].id = run->clips[sample].codes[place];
    run->rows[r] = (cv_coglm_row){ &run->sequences[sample], &run->elements[r], index };
}

/* The text, and what is given before the first hole. Its last element goes again as a step, for its logits. */
static cogvideo_status prefill(complete_run *run, cogvideo_error *err)
{
    const cv_exec *exec = &run->model->head.exec;

    cv_forward_text(exec, run->stage, &run->text, run->step.text.ids, NULL, &run->arena);
    for (int s = 0; s < run->options->samples; s++) {
        if (s == 0)
            cv_coglm_pass(exec, run->stage, &run->sequences[0], run->layout.elements, 0, run->layout.known, NULL, NULL,
                          &run->arena);
        else
            cv_frames_cache_copy(&run->caches[s], &run->caches[0], run->stage->config);
        if (!report(run, 0))
            return cv_cancelled(err);
    }
    return COGVIDEO_OK;
}

/* What the drawing of the known elements would have left behind, by the kernels of a step, which give the same bits for
 * any number of rows; nothing of samples that are finished. */
static cogvideo_status replay(complete_run *run, cogvideo_error *err)
{
    for (int s = 0; s < run->options->samples; s++) {
        const int end = run->at[s] == 1 + cv_cogvideo_places(run->stage->config) ? 0 : run->at[s] - 1;

        for (int at = run->layout.known - 1, count; at < end; at += count) {
            for (count = 0; count < CV_REPLAY && at + count < end; count++)
                set_row(run, count, s, at + count);
            cv_coglm_step(&run->model->head.exec, run->stage, run->rows, count, run->logits, &run->arena);
            if (!report(run, 0))
                return cv_cancelled(err);
        }
    }
    return COGVIDEO_OK;
}

/* Guesses of a sample's holes up to element `end` that no step has looked at: the code above, else the one before. */
static void guess(complete_run *run, int sample, int end)
{
    const int grid = run->stage->config->grid;
    int32_t *codes = run->clips[sample].codes;

    for (int *seen = &run->seen[sample]; *seen < end; ++*seen) {
        const int place = run->layout.places[*seen];

        if (run->mask[place] && place > 0)
            codes[place] = codes[place - (place >= grid ? grid : 1)];
    }
}

/* The code that row r of a step predicts: drawn where the next element is a hole, else the given one. */
static int32_t draw(const complete_run *run, int r)
{
    const cv_cogvideo_config *config = run->stage->config;
    const int sample = (int)(run->rows[r].sequence - run->sequences),
              place = run->layout.places[run->rows[r].index + 1];
    const cv_draw what = { .step = run->step.kind,
                           .sample = (uint32_t)(run->options->first_sample + sample),
                           .place = (uint32_t)place };

    if (!run->mask[place])
        return run->clips[sample].codes[place];
    return cv_draw_code(run->model, &run->step.sampling, run->options->seed, &what,
                        run->logits + (size_t)r * (size_t)config->image_codes, config->image_codes,
                        cv_draw_room_own(&run->drawing));
}

/* Goes on by the elements that a step has decided in a sample, and counts the holes among them; false: stop. */
static bool advance(complete_run *run, int sample, int decided, long long *holes)
{
    const int first = run->at[sample];

    for (int i = 0; i < decided; i++)
        *holes += run->mask[run->layout.places[first + i]];
    run->at[sample] += decided;
    return keep_rows(run, sample, first, run->at[sample]);
}

/* One step of all samples: what stands before their next elements goes through the network. */
static cogvideo_status step(complete_run *run, cogvideo_error *err)
{
    const cv_exec *exec = &run->model->head.exec;
    const int all = 1 + cv_cogvideo_places(run->stage->config), samples = run->options->samples;
    const int width = cv_lookahead_width(&run->ahead);
    const double began = cv_clock();
    int decided[COGVIDEO_MAX_SAMPLES], rows = 0;
    long long holes = 0;

    for (int s = 0; s < samples; s++) {
        const int left = all - run->at[s];

        run->counts[s] = left < width ? left : width;
        guess(run, s, run->at[s] + run->counts[s]);
        for (int i = 0; i < run->counts[s]; i++)
            set_row(run, rows++, s, run->at[s] - 1 + i);
    }
    cv_coglm_step(exec, run->stage, run->rows, rows, run->logits, &run->arena);
#pragma omp parallel for num_threads(exec->threads) \
    schedule(dynamic) if (cv_draw_side_by_side(rows, run->stage->config->image_codes))
    for (int r = 0; r < rows; r++)
        run->drawn[r] = draw(run, r);
    for (int s = 0, first = 0; s < samples; first += run->counts[s++]) {
        decided[s] = cv_lookahead_decide(run->clips[s].codes, run->layout.places + run->at[s], run->drawn + first,
                                         run->counts[s]);
        if (run->counts[s] > 0)
            cv_lookahead_count(&run->ahead, run->counts[s], decided[s]);
    }
    cv_lookahead_time(&run->ahead, rows, cv_clock() - began);
    for (int s = 0; s < samples; s++)
        if (run->counts[s] > 0 && !advance(run, s, decided[s], &holes))
            return cv_cancelled(err);
    if (!report(run, holes))
        return cv_cancelled(err);
    /* only now: what the step decided in other samples is kept */
    for (int s = 0; s < samples; s++)
        if (run->counts[s] > 0 && decided[s] == 0)
            return cv_fail_unsound(run->model, run->progress.what, 0,
                                   run->layout.places[run->at[s]] / run->stage->config->grid, err);
    return COGVIDEO_OK;
}

/* How many samples have elements left. */
static int left_in(const complete_run *run)
{
    int samples = 0;

    for (int s = 0; s < run->options->samples; s++)
        samples += run->at[s] < 1 + cv_cogvideo_places(run->stage->config);
    return samples;
}

static cogvideo_status draw_all(complete_run *run, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int s = 0; s < run->options->samples; s++)
        run->at[s] = run->seen[s] = recall(run, s);
    CV_TRY(report(run, 0) ? COGVIDEO_OK : cv_cancelled(err));
    if (left_in(run) > 0) {
        CV_TRY(prefill(run, err));
        CV_TRY(replay(run, err));
    }
    cv_lookahead_begin(&run->ahead, run->options->lookahead, (int)run->step.kind, run->options->samples, left_in(run),
                       1 + cv_cogvideo_places(run->stage->config));
    while (left_in(run) > 0)
        CV_TRY(step(run, err));
    for (int s = 0; s < run->options->samples; s++)
        if (cv_frame_done(&run->options->callbacks, NAME, &run->clips[s], run->options->first_sample + s, 0))
            return cv_cancelled(err);
done:
    return status;
}

/* --- the step ------------------------------------------------------------------------------------------------- */

cogvideo_status cv_complete_mask(const cv_cogvideo *model, const cogvideo_generate_options *options, uint8_t *mask,
                                 int *count, cogvideo_error *err)
{
    const int grid = model->description.network.grid;
    cogvideo_status status;

    if (!options->mask)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a mask is missing: it marks what is to be drawn anew");
    CV_TRY(cv_mask_read(model, options, grid, mask, count, err));
    if (*count == grid * grid && options->picture)
        status = cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "the mask marks everything that the model would see of the picture, %dx%d codes: mark less, or leave "
            "the picture out for a new one",
            grid, grid);
    else if (*count == grid * grid)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "the mask marks all of the picture's %dx%d codes, and nothing of it would stay: leave the "
                         "picture out, or mark less",
                         grid, grid);
done:
    return status;
}

cogvideo_status cv_complete_check(const cv_cogvideo *model, const cogvideo_generate_options *options, int grid,
                                  cogvideo_error *err)
{
    const int own = model->description.network.grid;

    if ((grid > 0) == (options->picture != NULL))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "completion takes codes or a picture: %s",
                       grid > 0 ? "both were given" : "neither was given");
    if (options->picture)
        return cv_need_image_tokenizer(model, err);
    if (grid != own)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "completion takes pictures of %dx%d codes, these have %dx%d", own,
                       own, grid, grid);
    return COGVIDEO_OK;
}

/* The given codes, or those of the photo's window, once for each sample. */
static cogvideo_status make_clips(complete_run *run, const cogvideo_tokens *given, cogvideo_error *err)
{
    const cv_description *d = &run->model->description;
    const int grid = d->network.grid;
    cogvideo_status status = COGVIDEO_OK;

    for (int s = 0; s < run->options->samples; s++) {
        int32_t *codes;

        CV_TRY(cogvideo_tokens_alloc(&run->clips[s], grid, grid, d->rate, 1, err));
        codes = run->clips[s].codes;
        if (s > 0)
            memcpy(codes, run->clips[0].codes, (size_t)grid * (size_t)grid * sizeof *codes);
        else if (given)
            memcpy(codes, given->codes, (size_t)grid * (size_t)grid * sizeof *codes);
        else
            CV_TRY(cv_photo_codes(run->model, run->options, grid * d->rate, codes, err));
    }
done:
    return status;
}

cogvideo_status cv_cogvideo_complete(const cogvideo_model *head, const cogvideo_generate_options *options,
                                     const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_cogvideo_config *config = &model->description.network;
    const cogvideo_tokens *given = in && in->kind == COGVIDEO_KIND_CODES ? &in->codes : NULL;
    cogvideo_tokens clips[COGVIDEO_MAX_SAMPLES] = { { 0 } };
    complete_run run = { .model = model, .options = options, .clips = clips };
    cv_json *header = NULL;
    cogvideo_status status;
    int holes = 0;

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(cv_need_coglm(model, &run.stage, err));
    CV_TRY(cv_complete_check(model, options, given ? given->height : 0, err));
    if (given)
        CV_TRY(cv_check_clip(given, config->grid, config->image_codes, "completion", err));
    CV_NEW(run.mask, cv_cogvideo_places(config), err);
    CV_TRY(cv_complete_mask(model, options, run.mask, &holes, err));
    cv_warn_language(model, options);
    CV_TRY(cv_cogvideo_step_begin(&run.step, model, options, CV_STEP_FIRST_FRAME, 0, err));
    CV_TRY(make_clips(&run, given, err));
    CV_TRY(run_open(&run, err));
    run.progress = (cogvideo_progress){ .what = "completion",
                                        .unit = "codes",
                                        .rounds = 1,
                                        .frames = 1,
                                        .sequences = options->samples,
                                        .total = (long long)holes * options->samples };
    CV_TRY(draw_all(&run, err));
    CV_TRY(cv_header_begin(&header, model, options, given ? given->header : NULL, err));
    cv_cogvideo_step_put(&run.step, options, NAME, header);
    CV_TRY(cv_header_end_samples(&header, clips, options, err));
    for (int s = 0; s < options->samples; s++) {
        out[s] = (cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = clips[s] };
        clips[s] = (cogvideo_tokens){ 0 };
    }
done:
    for (int s = 0; s < COGVIDEO_MAX_SAMPLES; s++)
        cogvideo_tokens_free(&clips[s]);
    cv_json_free(&header);
    run_free(&run);
    return status;
}
