/* score.c - how likely the codes of a clip are: log-probabilities under softmax of the guided logits at temperature 1,
 * each code masked while it is asked for. The places of a scene are dealt into groups by the seed; one pass masks one
 * group, so that every code is scored once. */
#include "base/rng.h"
#include "family/phenaki/steps/steps.h"
#include "family/work.h"
#include "sample/sampler.h"
#include "tokens/header.h"

#include <math.h>
#include <string.h>

#define DRAW_ORDER 0x6f72 /* the stream of random numbers by which places are dealt */

typedef struct scoring {
    const cv_phenaki *model;
    const cogvideo_generate_options *options;
    const cogvideo_tokens *clip;
    int places, given; /* of the box at hand */
    int32_t *order;    /* [places - given]: places in the order in which they are dealt */
    int32_t *ids;      /* [2][places]: under the text and under none */
    float *text;       /* [2][rows][width] */
    uint8_t *mask;     /* [2][rows] */
    float *logits;     /* [places][V] */
    double *logprob;   /* of the box at hand */
    cogvideo_progress *progress;
} scoring;

static int guided(const scoring *s)
{
    const double guidance = s->options->steps[0].guidance;

    return guidance != 0 && guidance != 1 && cv_masked_config_of(s->model->masked)->text_width > 0;
}

/* A random order of the new places: Fisher and Yates' shuffle. */
static void deal(const scoring *s, int scene)
{
    const int count = s->places - s->given;

    for (int i = 0; i < count; i++)
        s->order[i] = s->given + i;
    for (int i = count - 1; i > 0; i--) {
        const uint32_t counter[4] = { (uint32_t)i, (uint32_t)scene, 0, DRAW_ORDER };
        uint32_t bits[4];
        int32_t swapped = s->order[i];
        int other;

        cv_rng_block(bits, s->options->seed, counter);
        other = (int)(bits[0] % (uint32_t)(i + 1));
        s->order[i] = s->order[other];
        s->order[other] = swapped;
    }
}

/* One pass, with the places order[from .. to - 1] masked. */
static cogvideo_status run_group(const scoring *s, const cv_masked_input *input, const int32_t *codes, int from, int to,
                                 cv_arena *arena, cogvideo_error *err)
{
    const int V = cv_masked_config_of(s->model->masked)->codes;

    for (int b = 0; b < input->batch; b++) {
        int32_t *ids = s->ids + (size_t)b * (size_t)s->places;

        memcpy(ids, codes, (size_t)s->places * sizeof *ids);
        for (int i = from; i < to; i++)
            ids[s->order[i]] = V;
    }
    cv_masked_run(&s->model->head.exec, s->model->masked, NULL, input, s->logits, NULL, NULL, arena);
    for (int i = from; i < to; i++) {
        const float *own = s->logits + (size_t)s->order[i] * (size_t)V;

        if (cv_dtype_not_finite(CV_F32, own, (size_t)V) != (size_t)V)
            return cv_model_fail_unsound(&s->model->head, err, "scoring");
        s->logprob[s->order[i]] = cv_log_probability(own, V, codes[s->order[i]]);
    }
    s->progress->done += to - from;
    return cv_progress(&s->options->callbacks, s->progress) ? cv_cancelled(err) : COGVIDEO_OK;
}

/* Memory for a box of so many places under a text of so many rows. */
static cogvideo_status take(scoring *s, int boxes, const cv_phenaki_text *text, cogvideo_error *err)
{
    const cv_masked_config *config = cv_masked_config_of(s->model->masked);
    const size_t rows = (size_t)text->rows, numbers = rows * (size_t)config->text_width;
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(s->order, s->places - s->given, err);
    CV_NEW(s->ids, (size_t)boxes * (size_t)s->places, err);
    CV_NEW(s->logits, (size_t)s->places * (size_t)config->codes, err);
    CV_NEW(s->text, (size_t)boxes * numbers, err);
    CV_NEW(s->mask, (size_t)boxes * rows, err);
    for (int b = 0; b < boxes; b++)
        memcpy(s->text + (size_t)b * numbers, text->vectors, numbers * sizeof *s->text);
    memcpy(s->mask, text->mask, rows); /* of the second box nothing is seen */
done:
    return status;
}

static void give_back(scoring *s)
{
    cv_free(s->order);
    cv_free(s->ids);
    cv_free(s->logits);
    cv_free(s->text);
    cv_free(s->mask);
}

/* The box of a scene of T latent frames under a text. */
static cogvideo_status score_box(scoring s, int scene, int first, int T, const char *prompt, double masked_share,
                                 cogvideo_error *err)
{
    const int boxes = guided(&s) ? 2 : 1, count = s.places - s.given;
    const int32_t *codes = s.clip->codes + (size_t)first * cogvideo_tokens_per_frame(s.clip);
    int group = masked_share > 0 ? (int)lround(masked_share * count) : 1;
    cv_masked_input input = { .batch = boxes, .T = T, .h = s.clip->height, .w = s.clip->width };
    cv_phenaki_text text = { 0 };
    cv_arena arena = { 0 };
    cogvideo_status status;

    group = group < 1 ? 1 : group > count ? count : group;
    CV_TRY(cv_phenaki_read_text(s.model, prompt, s.options->cut_text, &text, err));
    CV_TRY(take(&s, boxes, &text, err));
    input.ids = s.ids;
    input.text = s.text;
    input.text_mask = s.mask;
    input.text_rows = text.rows;
    input.guidance = guided(&s) ? (float)s.options->steps[0].guidance : 0;
    CV_TRY(cv_arena_create(&arena, cv_masked_scratch(&s.model->head.exec, s.model->masked, &input), err));
    deal(&s, scene);
    for (int from = 0; from < count; from += group)
        CV_TRY(run_group(&s, &input, codes, from, from + group < count ? from + group : count, &arena, err));
done:
    cv_arena_free(&arena);
    cv_phenaki_text_free(&text);
    give_back(&s);
    return status;
}

/* The prompt of a scene, as the clip's header tells it; NULL where it does not. A scene that a list of scenes leaves
 * out has none: another scene's prompt would be a wrong one. */
static const char *prompt_of(const cv_json *header, int scene)
{
    const cv_json *scenes = cv_json_get(header, "scenes"), *item = cv_json_first(scenes);
    const char *prompt = NULL;

    for (int i = 0; i < scene && item; i++)
        item = cv_json_next(item);
    if (cv_json_optional_string(scenes ? item : header, "prompt", &prompt, "", NULL) != COGVIDEO_OK)
        prompt = NULL;
    return prompt;
}

static cogvideo_status check(const cv_phenaki *model, const cogvideo_tokens *clip, cogvideo_error *err)
{
    const cv_masked_config *config = cv_masked_config_of(model->masked);
    const size_t places = cogvideo_tokens_per_frame(clip);
    int first, frames, given;
    cogvideo_status status;

    CV_TRY(cv_tokens_check_codes(clip, config->codes, "the masked transformer", err));
    for (int i = 0; cogvideo_tokens_scene(clip, i, &first, &frames, &given); i++)
        if ((size_t)frames * places > (size_t)config->places)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "scene %d of the clip has %zu codes, and the masked transformer has %d places", i + 1,
                           (size_t)frames * places, config->places);
done:
    return status;
}

cogvideo_status cv_phenaki_score(const cogvideo_model *head, const cogvideo_generate_options *options,
                                 const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                                 int *scored, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const size_t places = cogvideo_tokens_per_frame(clip);
    cogvideo_progress progress = { .what = "scoring", .unit = "codes", .rounds = 1, .sequences = 1 };
    int first, frames, given;
    cv_json *header = NULL;
    cogvideo_status status;

    CV_TRY(cv_options_check_steps(head, options, err));
    CV_TRY(cv_options_check(head, options, err));
    if (what->stage > 1 || what->first_frame)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "this model has no stages and no first frame of its own: leave '--stage' and '--first-frame' out");
    if (!(what->masked_share >= 0 && what->masked_share <= 1))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "masked_share must be from 0 to 1, not %g", what->masked_share);
    CV_TRY(cv_need_masked(model, err));
    CV_TRY(check(model, clip, err));
    if (clip->header)
        CV_TRY(cv_json_parse(&header, clip->header, strlen(clip->header), "the clip's header", err));
    memset(scored, 0, (size_t)clip->frames * sizeof *scored);
    memset(logprob, 0, (size_t)clip->frames * places * sizeof *logprob);
    for (int i = 0; cogvideo_tokens_scene(clip, i, &first, &frames, &given); i++) {
        progress.frames += frames - given;
        progress.total += (long long)(frames - given) * (long long)places;
    }
    for (int i = 0; cogvideo_tokens_scene(clip, i, &first, &frames, &given); i++) {
        const scoring s = { .model = model,
                            .options = options,
                            .clip = clip,
                            .places = frames * (int)places,
                            .given = given * (int)places,
                            .logprob = logprob + (size_t)first * places,
                            .progress = &progress };

        const char *prompt = options->prompt ? options->prompt : prompt_of(header, i);

        if (!prompt) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "no prompt of scene %d is known: the clip's header has none; give one (--prompt)", i + 1);
            goto done;
        }
        CV_TRY(score_box(s, i, first, frames, prompt, what->masked_share, err));
        progress.frame += frames - given;
        for (int f = first + given; f < first + frames; f++)
            scored[f] = 1;
    }
done:
    cv_json_free(&header);
    return status;
}
