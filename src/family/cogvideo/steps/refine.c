/* refine.c - iterative super-resolution of every frame of a clip of fine codes: some of a frame's places drawn anew,
 * round after round. */
#include "family/cogvideo/steps/fine.h"
#include "family/cogvideo/steps/steps.h"

#include <string.h>

/* A round over the frame that runs. */
typedef struct round_run {
    cv_fine *run;
    int round;         /* from 1 */
    const int *places; /* drawn in it */
    cogvideo_sampling sampling;
} round_run;

/* The places that a round draws, rising; `places` may be NULL. Returns their number. */
static int places_of(const cv_refiner_config *config, int round, int *places)
{
    int count = 0;

    for (int i = 0; i < config->upscaled_grid * config->upscaled_grid; i++)
        if (cv_refiner_last_round(config, i) >= round) {
            if (places)
                places[count] = i;
            count++;
        }
    return count;
}

long long cv_refine_draws(const cv_refiner_config *config)
{
    long long draws = 0;

    for (int round = 1; round <= config->rounds; round++)
        draws += places_of(config, round, NULL);
    return draws;
}

static void draw(void *user, int first, int count, const float *logits)
{
    const round_run *r = user;

    for (int i = 0; i < count; i++)
        cv_fine_draw(r->run, r->round, r->places[first + i], &r->sampling, logits + (size_t)i * (size_t)r->run->codes);
}

static int after_layer(void *user, int done, int layers)
{
    return cv_fine_after_layer(((round_run *)user)->run, done, layers);
}

size_t cv_refine_scratch(const cv_cogvideo *model)
{
    const size_t side = (size_t)model->description.refiner.upscaled_grid;
    cv_arena measure = { 0 };

    cv_arena_take(&measure, side * side, sizeof(int));
    cv_arena_reserve(&measure,
                     cv_refiner_text_bytes(model->refiner) + cv_refiner_scratch(model->refiner, &model->head.exec));
    return measure.peak;
}

static cogvideo_status frame(cv_fine *run, int at, const int32_t *codes, cogvideo_error *err)
{
    const cv_refiner_config *config = &run->model->description.refiner;
    const cv_exec *exec = &run->model->head.exec;
    const size_t side = (size_t)config->upscaled_grid, mark = cv_arena_mark(&run->arena);
    int *places = cv_arena_take(&run->arena, side * side, sizeof *places);
    cv_refiner_text text;
    cogvideo_status status;

    (void)at;
    memcpy(run->made, codes, side * side * sizeof *codes);
    CV_TRY(
        cv_refiner_read(&text, exec, run->model->refiner, run->step.text.ids, run->step.text.count, &run->arena, err));
    for (int round = 1; round <= config->rounds && run->unsound < 0; round++) {
        round_run r = { .run = run, .round = round, .places = places, .sampling = run->step.sampling };
        const cv_refiner_callbacks network = { draw, after_layer, &r };

        if (r.sampling.top_k == 0)
            r.sampling.top_k = config->top_k[round - 1];
        CV_TRY(cv_refiner_run(exec, run->model->refiner, &text, run->made, places, places_of(config, round, places),
                              &network, &run->arena, err));
    }
done:
    cv_arena_rewind(&run->arena, mark);
    return status;
}

cogvideo_status cv_cogvideo_need_refiner(const cogvideo_model *head, cogvideo_error *err)
{
    return cv_need_refiner(cv_cogvideo_of(head), err);
}

cogvideo_status cv_cogvideo_refine(const cogvideo_model *head, const cogvideo_generate_options *options,
                                   const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_refiner_config *config = &model->description.refiner;
    cv_fine run = { .model = model,
                    .options = options,
                    .kind = CV_STEP_REFINE,
                    .what = "refining",
                    .network = "the refiner",
                    .side = config->upscaled_grid,
                    .codes = config->image_codes,
                    .side_in = config->upscaled_grid,
                    .per_frame = cv_refine_draws(config),
                    .scratch = cv_refine_scratch(model),
                    .frame = frame };

    return cv_fine_run(&run, in, out, err);
}
