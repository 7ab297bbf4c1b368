#include "family/cogvideo/steps/autoregress.h"

#include "base/clock.h"
#include "family/cogvideo/steps/draw.h"
#include "family/cogvideo/steps/rows.h"

#include <string.h>

/* The caches and buffers of a run. Strand i is sequence i; its guide, where there is one, sequence count + i. */
typedef struct workspace {
    cv_text_cache text[2];
    cv_frames_cache *frames; /* [sequences] */
    cv_sequence *sequences;
    int sequence_count;
    int row_count; /* of the widest step: of all sequences, or of places of one whose codes are known */
    cv_step_row *rows;
    float *logits;  /* [row_count][image_codes] */
    int32_t *drawn; /* [row_count] */
    cv_arena arena; /* of passes and steps */
    cv_draw_room drawing;
} workspace;

/* How far the strands are, in places from slot 0 on. */
typedef struct paces {
    int *at;      /* [count]: the first that is not decided */
    int *seen;    /* [count]: the first that no step has looked at */
    int *counts;  /* [count]: places that the newest step looked at */
    int *decided; /* [count]: those of them that it decided */
    int reported; /* slots before it are finished in all strands, and the caller knows */
    int unsound;  /* the strand whose next code could not be drawn, the least advanced of several; -1 = none */
} paces;

/* Of passes and steps. */
static size_t scratch_bytes(const cv_cogvideo *model, const cv_stage *stage, int text, int given, int rows)
{
    int L = cv_cogvideo_places(stage->config), passed = given * L > text ? given * L : text;
    size_t pass = cv_forward_scratch(&model->head.exec, stage, passed, false);
    size_t step = cv_forward_scratch(&model->head.exec, stage, rows, true);

    return pass > step ? pass : step;
}

void cv_loop_bytes(const cv_cogvideo *model, const cv_stage *stage, int text, int guide, bool plus, int given,
                   int slots, int count, int lookahead, uint64_t *caches, uint64_t *scratch)
{
    const cv_cogvideo_config *config = stage->config;
    const cv_exec *exec = &model->head.exec;
    const int sequences = count * (guide ? 2 : 1), longest = text > guide ? text : guide;
    const int rows = cv_lookahead_rows(lookahead, sequences, cv_cogvideo_places(config));

    *caches = cv_text_cache_bytes(config, exec->cache, text, plus) +
              (guide ? cv_text_cache_bytes(config, exec->cache, guide, plus) : 0) +
              (uint64_t)sequences * cv_frames_cache_bytes(config, exec->cache, slots, plus);
    *scratch = scratch_bytes(model, stage, longest, given, rows) + cv_draw_bytes(model, config->image_codes) +
               (uint64_t)rows * ((uint64_t)config->image_codes * sizeof(float) + sizeof(cv_step_row) + sizeof(int32_t));
}

static void workspace_free(workspace *w)
{
    cv_text_cache_free(&w->text[0]);
    cv_text_cache_free(&w->text[1]);
    for (int i = 0; w->frames && i < w->sequence_count; i++)
        cv_frames_cache_free(&w->frames[i]);
    cv_free(w->frames);
    cv_free(w->sequences);
    cv_free(w->rows);
    cv_free(w->logits);
    cv_free(w->drawn);
    cv_draw_room_free(&w->drawing);
    cv_arena_free(&w->arena);
}

/* All memory is taken here, before the first code. */
static cogvideo_status workspace_create(workspace *w, const cv_loop *loop, cogvideo_error *err)
{
    const cv_cogvideo_config *config = loop->stage->config;
    const cv_exec *exec = &loop->model->head.exec;
    int guided = loop->guide ? 1 : 0, longest = loop->text->count;
    cogvideo_status status;

    if (guided && loop->guide->count > longest)
        longest = loop->guide->count;
    w->sequence_count = loop->count * (1 + guided);
    w->row_count = cv_lookahead_rows(loop->lookahead, w->sequence_count, cv_cogvideo_places(config));
    CV_NEW(w->frames, w->sequence_count, err);
    CV_NEW(w->sequences, w->sequence_count, err);
    CV_NEW(w->rows, w->row_count, err);
    CV_NEW(w->logits, (size_t)w->row_count * (size_t)config->image_codes, err);
    CV_NEW(w->drawn, w->row_count, err);
    CV_TRY(cv_text_cache_create(&w->text[0], config, exec->cache, loop->text->count, loop->plus, err));
    if (guided)
        CV_TRY(cv_text_cache_create(&w->text[1], config, exec->cache, loop->guide->count, loop->plus, err));
    for (int i = 0; i < w->sequence_count; i++) {
        CV_TRY(cv_frames_cache_create(&w->frames[i], config, exec->cache, loop->slots, loop->plus, err));
        w->sequences[i] = (cv_sequence){ &w->text[i >= loop->count], &w->frames[i], loop->text_weight, loop->plus };
    }
    CV_TRY(
        cv_arena_create(&w->arena, scratch_bytes(loop->model, loop->stage, longest, loop->given, w->row_count), err));
    CV_TRY(cv_draw_room_create(&w->drawing, loop->model, config->image_codes, err));
done:
    return status;
}

static bool has_ended(const cv_loop *loop, const paces *pace, int i)
{
    return pace->at[i] == loop->slots * cv_cogvideo_places(loop->stage->config);
}

/* Whether two sequences have the same text and the same given frames. */
static bool begin_alike(const cv_loop *loop, int a, int b)
{
    const size_t given = (size_t)(loop->given * cv_cogvideo_places(loop->stage->config));

    return a / loop->count == b / loop->count &&
           memcmp(loop->strands[a % loop->count].codes, loop->strands[b % loop->count].codes,
                  given * sizeof(int32_t)) == 0;
}

/* Texts once each, then the given frames of every sequence that is not finished, once where several have the same. */
static cogvideo_status prefill(const cv_loop *loop, workspace *w, const paces *pace, cogvideo_error *err)
{
    const cv_exec *exec = &loop->model->head.exec;
    int last = -1; /* that was given its frames */

    cv_forward_text(exec, loop->stage, &w->text[0], loop->text->ids, NULL, &w->arena);
    if (loop->guide)
        cv_forward_text(exec, loop->stage, &w->text[1], loop->guide->ids, NULL, &w->arena);
    for (int i = 0; loop->blank && i < w->sequence_count; i++)
        cv_frames_cache_clear(&w->frames[i], loop->stage->config);
    for (int i = 0; loop->given > 0 && !loop->blank && i < w->sequence_count; i++) {
        const cv_frames_pass pass = { 0, loop->given, loop->given, loop->strands[i % loop->count].codes };

        if (has_ended(loop, pace, i % loop->count))
            continue;
        if (last >= 0 && begin_alike(loop, last, i)) /* those that do stand side by side */
            cv_frames_cache_copy(&w->frames[i], &w->frames[last], loop->stage->config);
        else
            cv_forward_frames(exec, loop->stage, &w->sequences[i], &pass, NULL, NULL, &w->arena);
        last = i;
        if (loop->advanced && loop->advanced(loop->user, 0))
            return cv_cancelled(err);
    }
    return COGVIDEO_OK;
}

/* --- a step --------------------------------------------------------------------------------------------------- */

/* The frame that a frame resembles most of those that are known by then: a slot, or -1. */
static int neighbour_of(const cv_loop *loop, int slot)
{
    const cv_cogvideo_config *config = loop->stage->config;
    const int before = cv_slot_time(config, loop->stage->kind, slot) - 1;
    int other = slot - 1;

    while (other >= 0 && cv_slot_time(config, loop->stage->kind, other) != before)
        other--;
    return other;
}

/* Guesses of a strand's places up to `end` that no step has looked at: the code at the same place of the neighbouring
 * frame or, of a first frame, the code above, else the one before. What a step has drawn is a better guess. */
static void guess(const cv_loop *loop, const paces *pace, int i, int end)
{
    const int L = cv_cogvideo_places(loop->stage->config), grid = loop->stage->config->grid, at = pace->at[i];
    const cv_lookahead_trial *trial = loop->ahead->trial;
    int32_t *codes = loop->strands[i].codes;

    for (int *seen = &pace->seen[i]; *seen < end; ++*seen) {
        const int neighbour = neighbour_of(loop, *seen / L), index = *seen % L;

        if (neighbour >= 0)
            codes[*seen] = codes[neighbour * L + index];
        else
            codes[*seen] = index == 0 ? 0 : codes[*seen - (index >= grid ? grid : 1)];
    }
    if (trial && trial->guess)
        trial->guess(trial->user, i, at, end - at, codes + at);
}

/* Places of a strand that a step of this width looks at, which are all of one frame; 0: it has ended. */
static int places_of(const cv_loop *loop, const paces *pace, int i, int width)
{
    const int L = cv_cogvideo_places(loop->stage->config), left = L - pace->at[i] % L;

    return has_ended(loop, pace, i) ? 0 : width < left ? width : left;
}

/* Rows `first` and on: so many places of a sequence from `at` on. */
static void set_rows(const cv_loop *loop, workspace *w, int first, int sequence, int at, int count)
{
    const int L = cv_cogvideo_places(loop->stage->config);
    const int32_t *codes = loop->strands[sequence % loop->count].codes;

    for (int i = 0; i < count; i++, at++)
        w->rows[first + i] = (cv_step_row){ &w->sequences[sequence], at / L, at % L, at % L ? codes[at - 1] : 0 };
}

/* Draws the code of a row, whose guide's row stands `guides` rows behind it. */
static int32_t draw(const cv_loop *loop, workspace *w, int row, int guides)
{
    const size_t codes = (size_t)loop->stage->config->image_codes;
    const cv_strand *strand = &loop->strands[w->rows[row].sequence - w->sequences];
    const cv_draw what = { .step = loop->step,
                           .round = loop->round,
                           .sample = strand->sample,
                           .frame = strand->frames[w->rows[row].slot],
                           .place = (uint32_t)w->rows[row].index,
                           .candidate = strand->candidate };
    float *logits = w->logits + (size_t)row * codes;

    if (loop->guide)
        cv_logits_guide(logits, w->logits + (size_t)(guides + row) * codes, loop->guidance, (int)codes);
    return cv_draw_code(loop->model, loop->sampling, loop->seed, &what, logits, (int)codes,
                        cv_draw_room_own(&w->drawing));
}

/* One step of all strands: pace->decided takes how many more of their codes are. */
static void step(const cv_loop *loop, workspace *w, paces *pace)
{
    const cv_cogvideo_config *config = loop->stage->config;
    const cv_exec *exec = &loop->model->head.exec;
    const int width = cv_lookahead_width(loop->ahead);
    const double began = cv_clock();
    int *counts = pace->counts, *decided = pace->decided, rows = 0, all;

    for (int i = 0; i < loop->count; i++) {
        counts[i] = places_of(loop, pace, i, width);
        guess(loop, pace, i, pace->at[i] + counts[i]);
        set_rows(loop, w, rows, i, pace->at[i], counts[i]);
        rows += counts[i];
    }
    all = loop->guide ? 2 * rows : rows;
    for (int i = 0, first = rows; first < all; first += counts[i++])
        set_rows(loop, w, first, loop->count + i, pace->at[i], counts[i]);
    cv_forward_step(exec, loop->stage, w->rows, all, w->logits, &w->arena);
#pragma omp parallel for num_threads(exec->threads) \
    schedule(dynamic) if (cv_draw_side_by_side(rows, config->image_codes))
    for (int row = 0; row < rows; row++)
        w->drawn[row] = draw(loop, w, row, rows);
    for (int i = 0, first = 0; i < loop->count; first += counts[i++]) {
        decided[i] = cv_lookahead_decide(loop->strands[i].codes + pace->at[i], NULL, w->drawn + first, counts[i]);
        if (counts[i] == 0)
            continue;
        if (decided[i] == 0 && (pace->unsound < 0 || pace->at[i] < pace->at[pace->unsound]))
            pace->unsound = i;
        cv_lookahead_count(loop->ahead, counts[i], decided[i]);
    }
    cv_lookahead_time(loop->ahead, all, cv_clock() - began);
}

/* The error of a strand's next code. */
static cogvideo_status fail_at(const cv_loop *loop, const paces *pace, int i, cogvideo_error *err)
{
    const int L = cv_cogvideo_places(loop->stage->config), at = pace->at[i];

    return cv_fail_unsound(loop->model, loop->what, (int)loop->strands[i].frames[at / L],
                           at % L / loop->stage->config->grid, err);
}

/* --- reporting ------------------------------------------------------------------------------------------------ */

static cv_code_row row_at(const cv_loop *loop, const cv_strand *strand, int at)
{
    int grid = loop->stage->config->grid, L = cv_cogvideo_places(loop->stage->config);

    return (cv_code_row){ .step = loop->step,
                          .round = loop->round,
                          .sample = (int)strand->sample,
                          .frame = (int)strand->frames[at / L],
                          .candidate = (int)strand->candidate,
                          .row = at % L / grid,
                          .count = grid };
}

/* The rows of codes that end behind a strand's place `at`, up to `end`; false: stop. */
static bool keep_rows(const cv_loop *loop, const cv_strand *strand, int at, int end)
{
    const int grid = loop->stage->config->grid;

    for (at -= at % grid; at + grid <= end; at += grid) {
        const cv_code_row row = row_at(loop, strand, at);

        if (cv_row_keep(loop->rows, &row, strand->codes + at))
            return false;
    }
    return true;
}

/* Of the slots that are finished in all strands, and of the codes that are decided; false: stop. */
static bool report(const cv_loop *loop, paces *pace)
{
    const int L = cv_cogvideo_places(loop->stage->config);
    int least = loop->slots * L;
    long long codes = 0;

    for (int i = 0; i < loop->count; i++) {
        least = pace->at[i] < least ? pace->at[i] : least;
        codes += pace->at[i] - loop->given * L;
    }
    for (; (pace->reported + 1) * L <= least; pace->reported++)
        if (loop->slot_done && loop->slot_done(loop->user, pace->reported))
            return false;
    return codes == 0 || !loop->advanced || !loop->advanced(loop->user, codes);
}

/* Goes on by what the step has decided; false: stop. */
static bool advance(const cv_loop *loop, paces *pace)
{
    for (int i = 0; i < loop->count; i++) {
        const int at = pace->at[i];

        pace->at[i] += pace->decided[i];
        if (!keep_rows(loop, &loop->strands[i], at, pace->at[i]))
            return false;
    }
    return report(loop, pace);
}

/* --- rows that are known -------------------------------------------------------------------------------------- */

/* Fills in a strand's rows that the caller knows and gives the place behind them. */
static int recall(const cv_loop *loop, const cv_strand *strand)
{
    const cv_cogvideo_config *config = loop->stage->config;
    const int L = cv_cogvideo_places(config), end = loop->slots * L;
    int at = loop->given * L;

    for (; at < end; at += config->grid) {
        const cv_code_row row = row_at(loop, strand, at);

        if (!cv_row_recall(loop->rows, &row, config->image_codes, strand->codes + at))
            break;
    }
    return at;
}

/* What the drawing of the known places would have left behind: their keys and values, by the kernels of a step, which
 * give the same bits for any number of rows. */
static cogvideo_status replay(const cv_loop *loop, workspace *w, paces *pace, cogvideo_error *err)
{
    const int L = cv_cogvideo_places(loop->stage->config);

    for (int i = 0; i < w->sequence_count; i++) {
        const int end = has_ended(loop, pace, i % loop->count) ? 0 : pace->at[i % loop->count];

        for (int at = loop->given * L, count; at < end; at += count) {
            count = L - at % L < CV_REPLAY ? L - at % L : CV_REPLAY;
            count = count < end - at ? count : end - at;
            set_rows(loop, w, 0, i, at, count);
            cv_forward_step(&loop->model->head.exec, loop->stage, w->rows, count, w->logits, &w->arena);
            if (!report(loop, pace))
                return cv_cancelled(err);
        }
    }
    return COGVIDEO_OK;
}

/* --- the loop ------------------------------------------------------------------------------------------------- */

static cogvideo_status pace_create(paces *pace, const cv_loop *loop, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(pace->at, loop->count, err);
    CV_NEW(pace->seen, loop->count, err);
    CV_NEW(pace->counts, loop->count, err);
    CV_NEW(pace->decided, loop->count, err);
    for (int i = 0; i < loop->count; i++)
        pace->at[i] = pace->seen[i] = recall(loop, &loop->strands[i]);
    pace->reported = loop->given;
    pace->unsound = -1;
done:
    return status;
}

cogvideo_status cv_loop_run(const cv_loop *loop, cogvideo_error *err)
{
    cogvideo_status status;
    workspace w = { 0 };
    paces pace = { 0 };
    int live = 0;

    CV_TRY(pace_create(&pace, loop, err));
    /* what is known is reported at once, so that whoever watches the time counts from there */
    CV_TRY(report(loop, &pace) ? COGVIDEO_OK : cv_cancelled(err));
    if (pace.reported == loop->slots)
        goto done;
    CV_TRY(workspace_create(&w, loop, err));
    CV_TRY(prefill(loop, &w, &pace, err));
    CV_TRY(replay(loop, &w, &pace, err));
    for (int i = 0; i < w.sequence_count; i++)
        live += !has_ended(loop, &pace, i % loop->count);
    cv_lookahead_begin(loop->ahead, loop->lookahead, (int)loop->step, w.sequence_count, live,
                       cv_cogvideo_places(loop->stage->config));
    while (pace.reported < loop->slots) {
        step(loop, &w, &pace);
        CV_TRY(advance(loop, &pace) ? COGVIDEO_OK : cv_cancelled(err));
        CV_TRY(pace.unsound < 0 ? COGVIDEO_OK : fail_at(loop, &pace, pace.unsound, err));
    }
done:
    workspace_free(&w);
    cv_free(pace.at);
    cv_free(pace.seen);
    cv_free(pace.counts);
    cv_free(pace.decided);
    return status;
}
