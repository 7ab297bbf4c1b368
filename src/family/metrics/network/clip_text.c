#include "family/metrics/network/clip_network.h"

#include "nn/embedding.h"

#include <string.h>

int cv_clip_text_end(const cv_clip_config *config, const int32_t *ids, int count)
{
    int end = 0;

    if (config->end >= 0) {
        while (end < count - 1 && ids[end] != config->end)
            end++;
        return end;
    }
    for (int i = 1; i < count; i++)
        end = ids[i] > ids[end] ? i : end;
    return end;
}

void cv_clip_text_pass_take(cv_clip_text_pass *pass, cv_arena *arena)
{
    const size_t rows = (size_t)pass->items * (size_t)pass->rows, W = (size_t)pass->clip->config.text.width;

    pass->tops = cv_arena_take(arena, (size_t)pass->items, W * sizeof *pass->tops);
    pass->ends = cv_arena_take(arena, (size_t)pass->items, sizeof *pass->ends);
    pass->x = cv_arena_take(arena, rows, W * sizeof *pass->x);
    pass->blocks = (cv_clip_pass){ .exec = pass->exec,
                                   .blocks = &pass->clip->text_blocks,
                                   .items = pass->items,
                                   .rows = pass->rows,
                                   .training = pass->training };
    cv_clip_pass_take(&pass->blocks, arena);
}

void cv_clip_text_pass_reserve(const cv_clip_text_pass *pass, cv_arena *arena)
{
    cv_clip_pass_reserve(&pass->blocks, arena);
}

void cv_clip_text_embed(cv_clip_text_pass *pass, const int32_t *ids)
{
    const cv_clip *clip = pass->clip;
    const int rows = pass->rows, W = clip->config.text.width;

    for (int item = 0; item < pass->items; item++) {
        const int32_t *own = ids + (size_t)item * (size_t)rows;

        pass->ends[item] = cv_clip_text_end(&clip->config, own, rows);
        for (int r = 0; r < rows; r++) {
            float *x = pass->x + ((size_t)item * (size_t)rows + (size_t)r) * (size_t)W;

            cv_embedding_row(x, clip->tokens, own[r], W);
            for (int i = 0; i < W; i++)
                x[i] += clip->text_places[(size_t)r * (size_t)W + (size_t)i];
        }
    }
}

/* Where the last row of an item lies in x. */
static size_t top_of(const cv_clip_text_pass *pass, int item)
{
    return ((size_t)item * (size_t)pass->rows + (size_t)pass->ends[item]) * (size_t)pass->clip->config.text.width;
}

void cv_clip_text_pass_run(cv_clip_text_pass *pass, const int32_t *ids, cv_arena *arena)
{
    const size_t W = (size_t)pass->clip->config.text.width;

    cv_clip_text_embed(pass, ids);
    cv_clip_pass_run(&pass->blocks, pass->x, arena);
    for (int item = 0; item < pass->items; item++)
        memcpy(pass->tops + (size_t)item * W, pass->x + top_of(pass, item), W * sizeof *pass->x);
}

/* --- forward -------------------------------------------------------------------------------------------------- */

static cogvideo_status check_ids(const cv_clip_config *config, const int32_t *ids, int count, cogvideo_error *err)
{
    if (count < 1 || count > config->context)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a text of %d ids: this CLIP reads 1 to %d", count,
                       config->context);
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= config->vocabulary)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the text has id %d, this CLIP knows 0 to %d", (int)ids[i],
                           config->vocabulary - 1);
    return COGVIDEO_OK;
}

/* Rows see themselves and those above, so the tower ends with the row that counts. */
cogvideo_status cv_clip_text(const cv_exec *exec, const cv_clip *clip, float *feature, const int32_t *ids, int count,
                             cv_arena *arena, cogvideo_error *err)
{
    const size_t mark = cv_arena_mark(arena);
    const bool measures = !arena->base;
    cv_clip_text_pass pass = { .exec = exec, .clip = clip, .items = 1, .rows = count };
    cogvideo_status status;
    float *normed;

    if (!measures) {
        CV_TRY(check_ids(&clip->config, ids, count, err));
        pass.rows = cv_clip_text_end(&clip->config, ids, count) + 1;
    }
    normed = cv_arena_take(arena, (size_t)clip->config.text.width, sizeof *normed);
    cv_clip_text_pass_take(&pass, arena);
    cv_clip_text_pass_reserve(&pass, arena);
    if (!measures) {
        cv_clip_text_pass_run(&pass, ids, arena);
        cv_clip_head_run(exec, &clip->text_head, feature, normed, pass.tops, 1);
        cv_clip_unit(feature, 1, clip->config.embed);
    }
    status = COGVIDEO_OK;
done:
    cv_arena_rewind(arena, mark);
    return status;
}

/* --- backward ------------------------------------------------------------------------------------------------- */

void cv_clip_text_pass_backward(cv_clip_text_pass *pass, const cv_clip *grad, const float *dtops, const int32_t *ids,
                                cv_arena *arena)
{
    const int rows = pass->items * pass->rows, W = pass->clip->config.text.width;
    float *dx = pass->x;

    memset(dx, 0, (size_t)rows * (size_t)W * sizeof *dx);
    for (int item = 0; item < pass->items; item++)
        memcpy(dx + top_of(pass, item), dtops + (size_t)item * (size_t)W, (size_t)W * sizeof *dx);
    cv_clip_pass_backward(&pass->blocks, &grad->text_blocks, dx, arena);
    cv_clip_sum_items((float *)grad->text_places, dx, pass->items, pass->rows, W);
    cv_embedding_backward(pass->exec, cv_tensor_values(grad->tokens), dx, (size_t)W, ids, rows, W);
}
