#include "family/phenaki/steps/drawing.h"

#include "family/phenaki/steps/noise.h"

#include <math.h>
#include <string.h>

/* A chunk of samples as it goes through the steps. All but the sizes lies in an arena. */
typedef struct chunk {
    const cv_drawing *drawing;
    cv_unmask how;
    int first, count; /* samples of the drawing */
    bool guided;      /* the boxes stand twice in each pass: under the text, then under none */
    float guidance;
    int32_t *ids;       /* [count or twice that][places] */
    float *text;        /* [the same][rows][width] */
    uint8_t *text_mask; /* [the same][rows] */
    float *out;         /* [count][places][V]: logits, or scores in its first numbers */
    bool *recalled;     /* [count] */
    char *units;        /* [count]: boxes as they are kept */
} chunk;

static int places_of(const cv_drawing *d)
{
    return d->T * d->h * d->w;
}

size_t cv_drawing_unit_bytes(const cv_drawing *d)
{
    return (size_t)places_of(d) * (3 * sizeof(int32_t) + sizeof(float));
}

/* The guidance scale: 1 where it is not guided. */
static double guidance_of(const cv_drawing *drawing)
{
    return drawing->step->guidance == 0 ? 1 : drawing->step->guidance;
}

/* What the sampler is told. */
static cv_unmask how_of(const cv_drawing *drawing)
{
    const cogvideo_sampling *sampling = &drawing->step->sampling;

    return (cv_unmask){ .sampler = (cogvideo_sampler)sampling->sampler,
                        .steps = sampling->steps,
                        .temperature = sampling->temperature,
                        .choice_temperature = sampling->choice_temperature,
                        .critic_noise = sampling->critic_noise,
                        .critic_anneal = (cogvideo_anneal)sampling->critic_anneal,
                        .codes = cv_masked_config_of(drawing->model->masked)->codes,
                        .places = places_of(drawing),
                        .given = drawing->given * drawing->h * drawing->w };
}

/* The boxes of a chunk as a network takes them. */
static cv_masked_input input_of(const chunk *c)
{
    const cv_drawing *d = c->drawing;

    return (cv_masked_input){ .batch = c->guided ? 2 * c->count : c->count,
                              .T = d->T,
                              .h = d->h,
                              .w = d->w,
                              .ids = c->ids,
                              .text = c->text,
                              .text_mask = c->text_mask,
                              .text_rows = d->text->rows,
                              .guidance = c->guided ? c->guidance : 0 };
}

/* Takes the memory of a chunk, of which drawing, how, count and guided are set; and reserves what its passes take. */
static void take(chunk *c, cv_arena *arena)
{
    const cv_drawing *d = c->drawing;
    const cv_exec *exec = &d->model->head.exec;
    const size_t boxes = (size_t)(c->guided ? 2 * c->count : c->count), places = (size_t)c->how.places,
                 rows = (size_t)d->text->rows, width = (size_t)cv_masked_config_of(d->model->masked)->text_width;
    cv_masked_input input;

    c->ids = cv_arena_take(arena, boxes * places, sizeof *c->ids);
    c->text = cv_arena_take(arena, boxes * rows * width, sizeof *c->text);
    c->text_mask = cv_arena_take(arena, boxes * rows, sizeof *c->text_mask);
    c->out = cv_arena_take(arena, (size_t)c->count * places * (size_t)c->how.codes, sizeof *c->out);
    c->recalled = cv_arena_take(arena, (size_t)c->count, sizeof *c->recalled);
    c->units = cv_arena_take(arena, (size_t)c->count, cv_drawing_unit_bytes(d));
    input = input_of(c);
    cv_arena_reserve(arena, cv_masked_scratch(exec, d->model->masked, &input));
    if (c->how.sampler == COGVIDEO_SAMPLER_CRITIC && d->model->critic)
        cv_arena_reserve(arena, cv_masked_scratch(exec, d->model->critic, &input));
}

static void set_text(const chunk *c)
{
    const cv_phenaki_text *text = c->drawing->text;
    const size_t rows = (size_t)text->rows,
                 numbers = rows * (size_t)cv_masked_config_of(c->drawing->model->masked)->text_width;
    const int boxes = c->guided ? 2 * c->count : c->count;

    for (int b = 0; b < boxes; b++) {
        memcpy(c->text + (size_t)b * numbers, text->vectors, numbers * sizeof *c->text);
        if (b < c->count)
            memcpy(c->text_mask + (size_t)b * rows, text->mask, rows);
        else
            memset(c->text_mask + (size_t)b * rows, 0, rows);
    }
}

/* --- units ---------------------------------------------------------------------------------------------------- */

static cogvideo_unit unit_of(const cv_drawing *d, int sample, int step)
{
    return (cogvideo_unit){ .step = CV_SCENES_STEP,
                            .sample = d->first_sample + sample,
                            .index = (int64_t)d->scene * d->step->sampling.steps + step };
}

/* A box as a unit: ids, drawn, settled and confidence, one behind the other. */
static char *slot_of(const chunk *c, int b)
{
    return c->units + (size_t)b * cv_drawing_unit_bytes(c->drawing);
}

static void pack(const chunk *c, int b)
{
    const cv_unmask_box *box = &c->drawing->boxes[c->first + b];
    const size_t part = (size_t)c->how.places * sizeof(int32_t);
    char *slot = slot_of(c, b);

    memcpy(slot, box->ids, part);
    memcpy(slot + part, box->drawn, part);
    memcpy(slot + 2 * part, box->settled, part);
    memcpy(slot + 3 * part, box->confidence, part);
}

static void unpack(const chunk *c, int b)
{
    cv_unmask_box *box = &c->drawing->boxes[c->first + b];
    const size_t part = (size_t)c->how.places * sizeof(int32_t);
    const char *slot = slot_of(c, b);

    memcpy(box->ids, slot, part);
    memcpy(box->drawn, slot + part, part);
    memcpy(box->settled, slot + 2 * part, part);
    memcpy(box->confidence, slot + 3 * part, part);
}

/* Whether a run can have left this box after `step`. */
static bool is_sound(const chunk *c, int b, int step)
{
    const int32_t *given = c->drawing->boxes[c->first + b].ids, *ids = (const int32_t *)(const void *)slot_of(c, b),
                  *drawn = ids + c->how.places, *settled = drawn + c->how.places;
    const float *confidence = (const float *)(const void *)(settled + c->how.places);
    const bool last = step + 1 == c->how.steps; /* behind it nothing is masked */

    for (int p = 0; p < c->how.places; p++) {
        const bool made = p >= c->how.given;

        if (made ? ids[p] != drawn[p] && (last || ids[p] != c->how.codes) : ids[p] != given[p])
            return false;
        if (made ? drawn[p] < 0 || drawn[p] >= c->how.codes : drawn[p] != given[p])
            return false;
        if (made ? settled[p] < 0 || settled[p] > step : settled[p] != -1)
            return false;
        if (!(confidence[p] >= 0 && confidence[p] <= 1))
            return false;
    }
    return true;
}

/* Gives each box its state after `step`, where all of them are kept: true. Elsewhere no box changes, and those that
 * are kept need not be kept again. */
static bool recall(const chunk *c, int step)
{
    const cv_drawing *d = c->drawing;
    const cogvideo_callbacks *callbacks = d->callbacks;
    bool all = true;

    for (int b = 0; b < c->count; b++) {
        const cogvideo_unit unit = unit_of(d, c->first + b, step);

        c->recalled[b] = callbacks->recall &&
                         callbacks->recall(callbacks->user, &unit, slot_of(c, b), cv_drawing_unit_bytes(d)) &&
                         is_sound(c, b, step);
        all = all && c->recalled[b];
    }
    for (int b = 0; b < c->count && all; b++)
        unpack(c, b);
    return all;
}

static bool keep(const chunk *c, int step)
{
    const cv_drawing *d = c->drawing;
    const cogvideo_callbacks *callbacks = d->callbacks;

    for (int b = 0; b < c->count && callbacks->keep; b++) {
        const cogvideo_unit unit = unit_of(d, c->first + b, step);

        if (c->recalled[b])
            continue;
        pack(c, b);
        if (callbacks->keep(callbacks->user, &unit, slot_of(c, b), cv_drawing_unit_bytes(d)))
            return false;
    }
    return true;
}

/* --- a step --------------------------------------------------------------------------------------------------- */

/* One pass of a network over the boxes' `drawn` or `ids`; its numbers of the new places, `width` each, guided, of
 * sample b from b * places * width on. */
static cogvideo_status pass(const chunk *c, const cv_masked *network, const cv_self_critic *self, bool drawn, int width,
                            const char *what, cv_arena *arena, cogvideo_error *err)
{
    const cv_drawing *d = c->drawing;
    const cv_masked_input input = input_of(c);
    const size_t places = (size_t)c->how.places, box = places * (size_t)width,
                 from = (size_t)c->how.given * (size_t)width;

    for (int b = 0; b < input.batch; b++) {
        const cv_unmask_box *of = &d->boxes[c->first + b % c->count];

        memcpy(c->ids + (size_t)b * places, drawn ? of->drawn : of->ids, places * sizeof *c->ids);
    }
    cv_masked_run(&d->model->head.exec, network, self, &input, c->out, NULL, NULL, arena);
    for (int b = 0; b < c->count; b++) {
        const float *own = c->out + (size_t)b * box;

        if (cv_dtype_not_finite(CV_F32, own + from, box - from) != box - from)
            return cv_model_fail_unsound(&d->model->head, err, "scene %d, %s", d->scene + 1, what);
    }
    return COGVIDEO_OK;
}

static cogvideo_status run_step(const chunk *c, int step, cv_arena *arena, cogvideo_error *err)
{
    const cv_drawing *d = c->drawing;
    const cv_phenaki *model = d->model;
    const size_t given = (size_t)c->how.given, places = (size_t)c->how.places, V = (size_t)c->how.codes;
    cogvideo_status status;

    CV_TRY(pass(c, model->masked, NULL, false, c->how.codes, "the masked transformer", arena, err));
    for (int b = 0; b < c->count; b++) {
        cv_scene_noise noise = { d->seed, (uint32_t)(d->first_sample + c->first + b), (uint32_t)d->scene };

        cv_unmask_step(&model->head.exec, &c->how, step, &d->boxes[c->first + b],
                       c->out + ((size_t)b * places + given) * V, cv_scene_uniform, &noise, NULL);
    }
    if (c->how.sampler != COGVIDEO_SAMPLER_CRITIC)
        return COGVIDEO_OK;
    CV_TRY(model->critic ? pass(c, model->critic, NULL, true, 1, "the critic", arena, err)
                         : pass(c, model->masked, &model->self_critic, true, 1, "the critic", arena, err));
    for (int b = 0; b < c->count; b++) {
        cv_scene_noise noise = { d->seed, (uint32_t)(d->first_sample + c->first + b), (uint32_t)d->scene };

        cv_unmask_judge(&c->how, step, &d->boxes[c->first + b], c->out + (size_t)b * places + given, cv_scene_uniform,
                        &noise);
    }
done:
    return status;
}

static cogvideo_status run_chunk(const chunk *c, cv_arena *arena, cogvideo_error *err)
{
    const cv_drawing *d = c->drawing;
    cogvideo_status status = COGVIDEO_OK;

    set_text(c);
    for (int b = 0; b < c->count; b++)
        cv_unmask_begin(&c->how, &d->boxes[c->first + b]);
    for (int step = 0; step < c->how.steps; step++) {
        bool stop = false;

        if (!recall(c, step)) {
            CV_TRY(run_step(c, step, arena, err));
            stop = !keep(c, step);
        }
        if (stop || (d->stepped && d->stepped(d->user, step, c->first, c->count))) {
            status = cv_cancelled(err);
            break;
        }
    }
done:
    return status;
}

/* --- all samples ---------------------------------------------------------------------------------------------- */

static cogvideo_status check(const cv_drawing *d, const cv_unmask *how, cogvideo_error *err)
{
    const cv_masked_config *config = cv_masked_config_of(d->model->masked);
    cogvideo_status status = COGVIDEO_OK;

    if (how->places > config->places)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "scene %d: %d latent frames of %dx%d codes are %d places, and the masked transformer has %d: "
                       "at most %d latent frames fit",
                       d->scene + 1, d->T, d->h, d->w, how->places, config->places, config->places / (d->h * d->w));
    if (how->steps < 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a scene is filled in at least 1 of the 'steps', not %d",
                       how->steps);
    if (how->places > CV_NOISE_PLACES || how->steps > CV_NOISE_STEPS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "scene %d: at most %d places and %d steps are possible",
                       d->scene + 1, CV_NOISE_PLACES, CV_NOISE_STEPS);
    if (how->sampler == COGVIDEO_SAMPLER_CRITIC)
        CV_TRY(cv_need_critic(d->model, err));
done:
    return status;
}

static chunk chunk_of(const cv_drawing *d, int first, int count)
{
    const float guidance = (float)guidance_of(d);

    return (chunk){ .drawing = d,
                    .how = how_of(d),
                    .first = first,
                    .count = count,
                    .guided = guidance != 1.0f && cv_masked_config_of(d->model->masked)->text_width > 0,
                    .guidance = guidance };
}

cogvideo_status cv_drawing_plan(const cv_drawing *drawing, uint64_t *bytes, cogvideo_error *err)
{
    chunk c = chunk_of(drawing, 0, cv_side_by_side(drawing->batch, drawing->samples));
    cv_arena arena = { 0 };
    cogvideo_status status;

    CV_TRY(check(drawing, &c.how, err));
    take(&c, &arena);
    *bytes = arena.peak;
done:
    return status;
}

cogvideo_status cv_drawing_run(const cv_drawing *drawing, cogvideo_error *err)
{
    const int batch = cv_side_by_side(drawing->batch, drawing->samples);
    cv_arena arena = { 0 };
    cogvideo_status status;
    uint64_t bytes = 0;

    CV_TRY(cv_drawing_plan(drawing, &bytes, err));
    CV_TRY(cv_arena_create(&arena, (size_t)bytes, err));
    for (int first = 0; first < drawing->samples; first += batch) {
        chunk c = chunk_of(drawing, first, first + batch < drawing->samples ? batch : drawing->samples - first);
        const size_t mark = cv_arena_mark(&arena);

        take(&c, &arena);
        CV_TRY(run_chunk(&c, &arena, err));
        cv_arena_rewind(&arena, mark);
    }
done:
    cv_arena_free(&arena);
    return status;
}
