#include "family/cogvideo/network/coglm.h"

#include "family/cogvideo/network/pass.h"

/* --- which sequences ------------------------------------------------------------------------------------------ */

static cv_element element(int32_t id, int position, int sees)
{
    return (cv_element){ .id = id, .position = position, .sees = { { 0, sees } }, .runs = 1 };
}

static cv_element code_element(const cv_cogvideo_config *config, int32_t code, int place, int sees)
{
    return element(code, config->frame_position + 1 + place, sees);
}

void cv_completion_lay(cv_completion *out, const cv_cogvideo_config *config, const int32_t *codes, const uint8_t *mask)
{
    const int L = cv_cogvideo_places(config), grid = config->grid;
    int count = 1;

    out->elements[0] = element(config->start_of_image, config->frame_position, 1);
    out->places[0] = -1;
    for (int part = 0; part < 2; part++) {
        for (int i = 0; i < L; i++) {
            const bool beside = (i + 1) % grid != 0 && mask[i + 1];

            if ((mask[i] || beside) != (part == 1))
                continue;
            out->elements[count] = code_element(config, mask[i] ? 0 : codes[i], i, count + 1);
            out->places[count++] = i;
        }
        if (part == 0)
            out->known = count;
    }
    for (int i = 1; i < out->known; i++)
        out->elements[i].sees[0].count = out->known;
}

void cv_caption_lay(cv_element *elements, const cv_cogvideo_config *config, const int32_t *codes, const int32_t *text,
                    int count)
{
    const int L = cv_cogvideo_places(config);

    for (int i = 0; i < L; i++)
        elements[i] = code_element(config, codes[i], i, L);
    for (int t = 0; t < count; t++)
        elements[L + t] = element(text[t], t, L + t + 1);
}

/* --- passes over them ----------------------------------------------------------------------------------------- */

static cv_pass pass_of(const cv_exec *exec, const cv_stage *stage, int rows, int keys, bool step)
{
    return (cv_pass){ .exec = exec, .stage = stage, .count = rows, .step = step, .frame_rows = true, .max_keys = keys };
}

size_t cv_coglm_scratch(const cv_exec *exec, const cv_stage *stage, int rows, int keys, bool step)
{
    cv_pass p = pass_of(exec, stage, rows, keys, step);

    return cv_pass_scratch(&p);
}

static int keys_of(const cv_sequence *sequence)
{
    return sequence->text->count + sequence->frames->base.positions;
}

void cv_coglm_pass(const cv_exec *exec, const cv_stage *stage, const cv_sequence *sequence, const cv_element *elements,
                   int first, int count, float *hidden, const cv_observer *observer, cv_arena *arena)
{
    cv_pass p = pass_of(exec, stage, count, keys_of(sequence), false);
    size_t mark = cv_arena_mark(arena);

    p.observer = observer;
    cv_pass_carve(&p, arena);
    for (int r = 0; r < count; r++)
        cv_pass_element(&p, r, sequence, first + r, &elements[first + r]);
    cv_pass_run(&p);
    if (hidden)
        cv_layer_norm_apply(exec, &stage->trunk->final_norm, hidden, p.x, count);
    cv_arena_rewind(arena, mark);
}

void cv_coglm_step(const cv_exec *exec, const cv_stage *stage, const cv_coglm_row *rows, int count, float *logits,
                   cv_arena *arena)
{
    cv_pass p = pass_of(exec, stage, count, keys_of(rows[0].sequence), true);
    size_t mark = cv_arena_mark(arena);

    cv_pass_carve(&p, arena);
    for (int r = 0; r < count; r++)
        cv_pass_element(&p, r, rows[r].sequence, rows[r].index, rows[r].element);
    cv_pass_run(&p);
    cv_pass_step_logits(&p, logits);
    cv_arena_rewind(arena, mark);
}
