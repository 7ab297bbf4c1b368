#include "family/cogvideo/steps/autoregress.h"

#include "family/cogvideo/steps/draw.h"
#include "family/cogvideo/steps/rows.h"

/* The caches and buffers of a run. Strand i is sequence i; its guide, where there is one, sequence count + i. */
typedef struct workspace {
    cv_text_cache text[2];
    cv_frames_cache *frames; /* [sequences] */
    cv_sequence *sequences;
    cv_step_row *rows;
    int sequence_count;
    int row_count;  /* sequences, or CV_REPLAY where those are fewer and codes are known */
    float *logits;  /* [row_count][image_codes] */
    cv_arena arena; /* of passes, steps and draws */
} workspace;

static size_t scratch_bytes(const cv_cogvideo *model, const cv_stage *stage, int text, int given, int sequences)
{
    int L = cv_cogvideo_places(stage->config), rows = given * L > text ? given * L : text;
    size_t pass = cv_forward_scratch(&model->head.exec, stage, rows, false);
    size_t step = cv_forward_scratch(&model->head.exec, stage, sequences, true);
    size_t draw = cv_sampler_scratch(stage->config->image_codes, model->clusters), most = pass > step ? pass : step;

    return most > draw ? most : draw;
}

void cv_loop_bytes(const cv_cogvideo *model, const cv_stage *stage, int text, int guide, bool plus, int given,
                   int slots, int count, uint64_t *caches, uint64_t *scratch)
{
    const cv_cogvideo_config *config = stage->config;
    const cv_weight_type cache = model->head.exec.cache;
    int sequences = count * (guide ? 2 : 1), longest = text > guide ? text : guide;

    *caches = cv_text_cache_bytes(config, cache, text, plus) +
              (guide ? cv_text_cache_bytes(config, cache, guide, plus) : 0) +
              (uint64_t)sequences * cv_frames_cache_bytes(config, cache, slots, plus);
    *scratch = scratch_bytes(model, stage, longest, given, sequences) +
               (uint64_t)sequences * (uint64_t)config->image_codes * sizeof(float);
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
    cv_arena_free(&w->arena);
}

/* All memory is taken here, before the first code. */
static cogvideo_status workspace_create(workspace *w, const cv_loop *loop, bool replays, cogvideo_error *err)
{
    const cv_cogvideo_config *config = loop->stage->config;
    int guided = loop->guide ? 1 : 0, longest = loop->text->count;
    cogvideo_status status;

    if (guided && loop->guide->count > longest)
        longest = loop->guide->count;
    w->sequence_count = loop->count * (1 + guided);
    CV_NEW(w->frames, w->sequence_count, err);
    CV_NEW(w->sequences, w->sequence_count, err);
    w->row_count = replays && w->sequence_count < CV_REPLAY ? CV_REPLAY : w->sequence_count;
    CV_NEW(w->rows, w->row_count, err);
    CV_NEW(w->logits, (size_t)w->row_count * (size_t)config->image_codes, err);
    CV_TRY(cv_text_cache_create(&w->text[0], config, loop->model->head.exec.cache, loop->text->count, loop->plus, err));
    if (guided)
        CV_TRY(cv_text_cache_create(&w->text[1], config, loop->model->head.exec.cache, loop->guide->count, loop->plus,
                                    err));
    for (int i = 0; i < w->sequence_count; i++) {
        CV_TRY(
            cv_frames_cache_create(&w->frames[i], config, loop->model->head.exec.cache, loop->slots, loop->plus, err));
        w->sequences[i] = (cv_sequence){ &w->text[i >= loop->count], &w->frames[i], loop->text_weight, loop->plus };
    }
    CV_TRY(
        cv_arena_create(&w->arena, scratch_bytes(loop->model, loop->stage, longest, loop->given, w->row_count), err));
done:
    return status;
}

/* Texts once each, then the given frames of every sequence. */
static cogvideo_status prefill(const cv_loop *loop, workspace *w, cogvideo_error *err)
{
    const cv_exec *exec = &loop->model->head.exec;

    cv_forward_text(exec, loop->stage, &w->text[0], loop->text->ids, NULL, &w->arena);
    if (loop->guide)
        cv_forward_text(exec, loop->stage, &w->text[1], loop->guide->ids, NULL, &w->arena);
    for (int i = 0; loop->blank && i < w->sequence_count; i++)
        cv_frames_cache_clear(&w->frames[i], loop->stage->config);
    for (int i = 0; loop->given > 0 && !loop->blank && i < w->sequence_count; i++) {
        cv_frames_pass pass = { 0, loop->given, loop->given, loop->strands[i % loop->count].codes };

        cv_forward_frames(exec, loop->stage, &w->sequences[i], &pass, NULL, NULL, &w->arena);
        if (loop->advanced && loop->advanced(loop->user, 0))
            return cv_cancelled(err);
    }
    return COGVIDEO_OK;
}

/* One place in every strand. */
static cogvideo_status step(const cv_loop *loop, workspace *w, int slot, int index, cogvideo_error *err)
{
    int L = cv_cogvideo_places(loop->stage->config), at = slot * L + index;
    size_t codes = (size_t)loop->stage->config->image_codes;

    for (int i = 0; i < w->sequence_count; i++) {
        const cv_strand *strand = &loop->strands[i % loop->count];

        w->rows[i] = (cv_step_row){ &w->sequences[i], slot, index, index ? strand->codes[at - 1] : 0 };
    }
    cv_forward_step(&loop->model->head.exec, loop->stage, w->rows, w->sequence_count, w->logits, &w->arena);
    for (int i = 0; i < loop->count; i++) {
        const cv_strand *strand = &loop->strands[i];
        const cv_draw draw = { loop->step, loop->round, strand->sample, strand->frames[slot], (uint32_t)index };
        float *logits = w->logits + (size_t)i * codes;

        if (loop->guide)
            cv_logits_guide(logits, w->logits + (size_t)(loop->count + i) * codes, loop->guidance, (int)codes);
        strand->codes[at] = cv_draw_code(loop->model, loop->sampling, loop->seed, &draw, logits, (int)codes, &w->arena);
        if (strand->codes[at] < 0)
            return cv_fail_unsound(loop->model, loop->what, (int)strand->frames[slot],
                                   index / loop->stage->config->grid, err);
    }
    return COGVIDEO_OK;
}

/* --- telling -------------------------------------------------------------------------------------------------- */

static cv_code_row row_at(const cv_loop *loop, const cv_strand *strand, int at)
{
    int grid = loop->stage->config->grid, L = cv_cogvideo_places(loop->stage->config);

    return (
        cv_code_row){ loop->step, loop->round, (int)strand->sample, (int)strand->frames[at / L], at % L / grid, grid };
}

static bool keep_rows(const cv_loop *loop, int at)
{
    for (int i = 0; i < loop->count; i++) {
        const cv_code_row row = row_at(loop, &loop->strands[i], at);

        if (cv_row_keep(loop->rows, &row, loop->strands[i].codes + at))
            return false;
    }
    return true;
}

/* Of the slot that ends before `end`, if one does; false: stop. */
static bool tell_slot(const cv_loop *loop, int end)
{
    int L = cv_cogvideo_places(loop->stage->config);

    return end % L != 0 || !loop->slot_done || !loop->slot_done(loop->user, end / L - 1);
}

static bool tell_codes(const cv_loop *loop, int end)
{
    int L = cv_cogvideo_places(loop->stage->config);

    return !loop->advanced || !loop->advanced(loop->user, (long long)(end - loop->given * L) * loop->count);
}

/* What is known is told at once, so that whoever watches the time counts from there. */
static bool tell_known(const cv_loop *loop, int known)
{
    int L = cv_cogvideo_places(loop->stage->config);

    for (int end = (loop->given + 1) * L; end <= known; end += L)
        if (!tell_slot(loop, end))
            return false;
    return known == loop->given * L || tell_codes(loop, known);
}

/* --- rows that are known -------------------------------------------------------------------------------------- */

/* Fills in the rows that the caller knows and gives the place behind them. Sequences go side by side, so a row counts
 * only where it is known in all. */
static int recall(const cv_loop *loop)
{
    const cv_cogvideo_config *config = loop->stage->config;
    int L = cv_cogvideo_places(config), end = loop->slots * L, at = loop->given * L;

    for (; at < end; at += config->grid)
        for (int i = 0; i < loop->count; i++) {
            const cv_code_row row = row_at(loop, &loop->strands[i], at);

            if (!cv_row_recall(loop->rows, &row, config->image_codes, loop->strands[i].codes + at))
                return at;
        }
    return at;
}

/* What the drawing of these places would have left behind: their keys and values, by the kernels of a step, which give
 * the same bits for any number of rows. */
static cogvideo_status replay(const cv_loop *loop, workspace *w, int end, cogvideo_error *err)
{
    int L = cv_cogvideo_places(loop->stage->config);

    for (int i = 0; i < w->sequence_count; i++) {
        const int32_t *codes = loop->strands[i % loop->count].codes;

        for (int at = loop->given * L, count; at < end; at += count) {
            for (count = 0; count < CV_REPLAY && at + count < end && (at + count) / L == at / L; count++)
                w->rows[count] = (cv_step_row){ &w->sequences[i], at / L, at % L + count,
                                                (at + count) % L ? codes[at + count - 1] : 0 };
            cv_forward_step(&loop->model->head.exec, loop->stage, w->rows, count, w->logits, &w->arena);
            if (!tell_codes(loop, end))
                return cv_cancelled(err);
        }
    }
    return COGVIDEO_OK;
}

/* --- the loop ------------------------------------------------------------------------------------------------- */

cogvideo_status cv_loop_run(const cv_loop *loop, cogvideo_error *err)
{
    int grid = loop->stage->config->grid, L = cv_cogvideo_places(loop->stage->config);
    int first = loop->given * L, end = loop->slots * L, known = recall(loop);
    cogvideo_status status = COGVIDEO_OK;
    workspace w = { 0 };

    if (!tell_known(loop, known))
        return cv_cancelled(err);
    if (known == end)
        return COGVIDEO_OK;
    CV_TRY(workspace_create(&w, loop, known > first, err));
    CV_TRY(prefill(loop, &w, err));
    CV_TRY(replay(loop, &w, known, err));
    for (int at = known; at < end; at++) {
        CV_TRY(step(loop, &w, at / L, at % L, err));
        if (((at + 1) % grid == 0 && !keep_rows(loop, at + 1 - grid)) || !tell_slot(loop, at + 1) ||
            !tell_codes(loop, at + 1)) {
            status = cv_cancelled(err);
            goto done;
        }
    }
done:
    workspace_free(&w);
    return status;
}
