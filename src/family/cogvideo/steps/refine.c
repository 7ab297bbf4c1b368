/* refine.c - iterative super-resolution of every frame of a clip of fine codes: some of a frame's places drawn anew,
 * round after round. */
#include "family/cogvideo/steps/fine.h"
#include "family/cogvideo/steps/mask.h"
#include "family/cogvideo/steps/steps.h"

typedef struct refine_run {
    cv_fine fine;         /* first */
    cv_refiner_text text; /* read when the first frame is drawn; it serves them all */
    int *places;          /* that a round draws */
    uint8_t *mask;        /* [side^2]: places that any round may draw */
    int32_t *photo;       /* [side^2]: codes of the photo, which stand outside of the mask; NULL = there is none */
} refine_run;

/* A round over the frame that runs. */
typedef struct round_run {
    refine_run *run;
    int round; /* from 1 */
    cogvideo_sampling sampling;
} round_run;

/* The places that a round draws, rising, inside of the mask (NULL = everywhere); `places` may be NULL. Returns their
 * number. */
static int places_of(const cv_refiner_config *config, const uint8_t *mask, int round, int *places)
{
    int count = 0;

    for (int i = 0; i < config->upscaled_grid * config->upscaled_grid; i++)
        if ((!mask || mask[i]) && cv_refiner_last_round(config, i) >= round) {
            if (places)
                places[count] = i;
            count++;
        }
    return count;
}

long long cv_refine_draws(const cv_refiner_config *config, const uint8_t *mask)
{
    long long draws = 0;

    for (int round = 1; round <= config->rounds; round++)
        draws += places_of(config, mask, round, NULL);
    return draws;
}

static void draw(void *user, int first, int count, const float *logits)
{
    const round_run *r = user;

    for (int i = 0; i < count; i++)
        cv_fine_draw(&r->run->fine, r->round, r->run->places[first + i], &r->sampling,
                     logits + (size_t)i * (size_t)r->run->fine.codes);
}

static int after_layer(void *user, int done, int layers)
{
    return cv_fine_after_layer(&((round_run *)user)->run->fine, done, layers);
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

static cogvideo_status read_text(refine_run *run, cogvideo_error *err)
{
    const cv_cogvideo *model = run->fine.model;
    const size_t side = (size_t)model->description.refiner.upscaled_grid;

    run->places = cv_arena_take(&run->fine.arena, side * side, sizeof *run->places);
    return cv_refiner_read(&run->text, &model->head.exec, model->refiner, run->fine.step.text.ids,
                           run->fine.step.text.count, &run->fine.arena, err);
}

static cogvideo_status frame(cv_fine *fine, const int32_t *codes, cogvideo_error *err)
{
    refine_run *run = (refine_run *)fine;
    const cv_refiner_config *config = &fine->model->description.refiner;
    cogvideo_status status = COGVIDEO_OK;

    if (!run->places)
        CV_TRY(read_text(run, err));
    for (int i = 0; i < fine->side * fine->side; i++)
        fine->made[i] = run->photo && !run->mask[i] ? run->photo[i] : codes[i];
    for (int round = 1; round <= config->rounds && fine->unsound < 0; round++) {
        const int count = places_of(config, run->mask, round, run->places);
        round_run r = { .run = run, .round = round, .sampling = fine->step.sampling };
        const cv_refiner_callbacks network = { draw, after_layer, &r };

        if (r.sampling.top_k == 0)
            r.sampling.top_k = config->top_k[round - 1];
        if (count > 0)
            CV_TRY(cv_refiner_run(&fine->model->head.exec, fine->model->refiner, &run->text, fine->made, run->places,
                                  count, &network, &fine->arena, err));
    }
done:
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
    refine_run run = { .fine = { .model = model,
                                 .options = options,
                                 .kind = CV_STEP_REFINE,
                                 .what = "refining",
                                 .network = "the refiner",
                                 .side = config->upscaled_grid,
                                 .codes = config->image_codes,
                                 .side_in = config->upscaled_grid,
                                 .scratch = cv_refine_scratch(model),
                                 .frame = frame } };
    cogvideo_status status;
    int masked;

    CV_NEW(run.mask, (size_t)run.fine.side * (size_t)run.fine.side, err);
    CV_TRY(cv_mask_read(model, options, run.fine.side, run.mask, &masked, err));
    if (options->picture) {
        CV_NEW(run.photo, (size_t)run.fine.side * (size_t)run.fine.side, err);
        CV_TRY(cv_photo_codes(model, options, run.fine.side * model->description.rate, run.photo, err));
    }
    run.fine.per_frame = cv_refine_draws(config, run.mask);
    status = cv_fine_run(&run.fine, in, out, err);
done:
    cv_free(run.mask);
    cv_free(run.photo);
    return status;
}
