#include "family/cogvideo/steps/forced.h"

#include "family/cogvideo/steps/autoregress.h"
#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/model/texts.h"
#include "family/work.h"
#include "sample/sampler.h"

#include <string.h>

/* Places whose logits are held at once. */
#define BLOCK 64

/* One of the models, and what its pass over a window leaves. */
typedef struct forced_side {
    const cv_cogvideo *model;
    const cogvideo_generate_options *options; /* its own */
    const cv_stage *stage;
    double guidance;
    float text_weight;
    int sequences; /* 1, or 2 with the guide */
    cv_ids texts[2];
    cv_text_cache text[2];
    cv_frames_cache frames;
    float *hidden[2]; /* [shown places, C] */
    float *logits[2]; /* [BLOCK, image_codes] */
    cv_arena arena;   /* of passes */
} forced_side;

typedef struct forced_walk {
    const cogvideo_tokens *clip;
    const cv_forced_viewer *viewer;
    cv_step_kind step;
    double seconds;
    bool plus;
    int given, slots; /* slots given .. slots-1 are shown */
    int windows;
    forced_side sides[CV_FORCED_MODELS];
    int count;
    int32_t *codes; /* [slots][L], of a window */
    cogvideo_progress progress;
} forced_walk;

static const cv_cogvideo_config *config_of(const forced_walk *walk)
{
    return &walk->sides[0].model->description.network;
}

static void side_close(forced_side *side)
{
    for (int i = 0; i < 2; i++) {
        cv_ids_free(&side->texts[i]);
        cv_text_cache_free(&side->text[i]);
        cv_free(side->hidden[i]);
        cv_free(side->logits[i]);
    }
    cv_frames_cache_free(&side->frames);
    cv_arena_free(&side->arena);
}

static cogvideo_status side_open(const forced_walk *walk, forced_side *side, cogvideo_error *err)
{
    const cv_cogvideo *model = side->model;
    const cogvideo_generate_options *options = side->options;
    const cv_exec *exec = &model->head.exec;
    const cv_cogvideo_config *config = &model->description.network;
    int L = cv_cogvideo_places(config), rows = walk->slots * L;
    cogvideo_status status;
    bool guided;

    side->guidance = cv_step_guidance(options, walk->step);
    guided = side->guidance != 1;
    side->sequences = guided ? 2 : 1;
    side->text_weight = (float)cv_step_text_weight(options, walk->step);
    CV_TRY(cv_need_stage(model, walk->step == CV_STEP_INTERPOLATE ? CV_STAGE_INTERPOLATE : CV_STAGE_SEQUENTIAL,
                         &side->stage, err));
    CV_TRY(cv_step_text(model, options, walk->step, guided, walk->seconds, &side->texts[0], err));
    if (guided)
        CV_TRY(cv_guide_text(model, options, walk->seconds, &side->texts[1], err));
    for (int i = 0; i < side->sequences; i++)
        rows = side->texts[i].count > rows ? side->texts[i].count : rows;
    CV_TRY(cv_arena_create(&side->arena, cv_forward_scratch(exec, side->stage, rows, false), err));
    CV_TRY(cv_frames_cache_create(&side->frames, config, exec->cache, walk->slots, walk->plus, err));
    for (int i = 0; i < side->sequences; i++) {
        CV_NEW(side->hidden[i], (size_t)((walk->slots - walk->given) * L) * (size_t)config->hidden, err);
        CV_NEW(side->logits[i], (size_t)BLOCK * (size_t)config->image_codes, err);
        CV_TRY(cv_text_cache_create(&side->text[i], config, exec->cache, side->texts[i].count, walk->plus, err));
        cv_forward_text(exec, side->stage, &side->text[i], side->texts[i].ids, NULL, &side->arena);
    }
done:
    return status;
}

/* A pass that the viewer watches. */
typedef struct watched_pass {
    const forced_walk *walk;
    int from; /* the frame of the clip at which the window begins */
} watched_pass;

static void look(void *user, int layer, bool plus, int first, int count, const cv_attention_query *queries)
{
    const watched_pass *watched = user;
    const forced_walk *walk = watched->walk;
    const cv_cogvideo_config *config = config_of(walk);
    const cv_stage_kind kind = walk->sides[0].stage->kind;
    int L = cv_cogvideo_places(config);

    for (int r = first; r < first + count; r++) {
        cv_forced_look seen = { layer,
                                plus,
                                watched->from + cv_slot_time(config, kind, walk->given + r / L),
                                r % L,
                                watched->from,
                                walk->slots,
                                kind,
                                &queries[r - first] };

        walk->viewer->look(walk->viewer->user, &seen);
    }
}

/* Hidden states of the shown slots of the window that begins at frame `from`. */
static void side_pass(const forced_walk *walk, forced_side *side, int from)
{
    watched_pass watched = { walk, from };
    const cv_observer observer = { .attention = look, .user = &watched };
    bool watch = walk->viewer->look && side == walk->sides;
    const cv_exec *exec = &side->model->head.exec;
    int L = cv_cogvideo_places(config_of(walk));

    for (int i = 0; i < side->sequences; i++) {
        cv_sequence sequence = { &side->text[i], &side->frames, side->text_weight, walk->plus };
        cv_frames_pass known = { 0, walk->given, walk->given, walk->codes };
        cv_frames_pass rest = { walk->given, walk->slots - walk->given, walk->given,
                                walk->codes + (size_t)walk->given * (size_t)L };

        if (walk->given > 0)
            cv_forward_frames(exec, side->stage, &sequence, &known, NULL, NULL, &side->arena);
        cv_forward_frames(exec, side->stage, &sequence, &rest, side->hidden[i], watch && i == 0 ? &observer : NULL,
                          &side->arena);
    }
}

/* Logits of places first .. first + count - 1 of the shown slots, into logits[0]. */
static void side_logits(const forced_walk *walk, forced_side *side, int first, int count)
{
    const cv_cogvideo_config *config = config_of(walk);

    for (int i = 0; i < side->sequences; i++)
        cv_forward_logits(&side->model->head.exec, side->stage, side->logits[i],
                          side->hidden[i] + (size_t)first * (size_t)side->model->description.network.hidden, count,
                          &side->arena);
    if (side->sequences == 2)
        cv_logits_guide(side->logits[0], side->logits[1], side->guidance, count * config->image_codes);
}

static cogvideo_status show_window(forced_walk *walk, int window, cogvideo_error *err)
{
    const cv_cogvideo_config *config = config_of(walk);
    const cv_stage_kind kind = walk->sides[0].stage->kind;
    int L = cv_cogvideo_places(config), shown = (walk->slots - walk->given) * L, from = window * (config->frames - 1);
    const int32_t *codes = walk->codes + (size_t)walk->given * (size_t)L;

    for (int slot = 0; slot < walk->slots; slot++)
        memcpy(walk->codes + (size_t)slot * (size_t)L,
               walk->clip->codes + (size_t)(from + cv_slot_time(config, kind, slot)) * (size_t)L,
               (size_t)L * sizeof *walk->codes);
    for (int s = 0; s < walk->count; s++)
        side_pass(walk, &walk->sides[s], from);
    for (int first = 0; first < shown; first += BLOCK) {
        int count = shown - first < BLOCK ? shown - first : BLOCK;

        for (int s = 0; s < walk->count; s++)
            side_logits(walk, &walk->sides[s], first, count);
        for (int i = 0; i < count; i++) {
            float *logits[CV_FORCED_MODELS] = { 0 };
            int frame = from + cv_slot_time(config, kind, walk->given + (first + i) / L);

            for (int s = 0; s < walk->count; s++) {
                logits[s] = walk->sides[s].logits[0] + (size_t)i * (size_t)config->image_codes;
                if (!cv_logits_sound(logits[s], config->image_codes))
                    return cv_fail_unsound(walk->sides[s].model, "scoring", frame, (first + i) % L / config->grid, err);
            }
            walk->viewer->see(walk->viewer->user, frame, (first + i) % L, logits, codes[first + i]);
        }
        walk->progress.done += count;
        if (cv_progress(&walk->sides[0].options->callbacks, &walk->progress))
            return cv_cancelled(err);
    }
    walk->progress.frame += walk->slots - walk->given;
    return COGVIDEO_OK;
}

/* Texts, then all windows; `walk` says of what. */
static cogvideo_status show(const forced_walk *what, cogvideo_error *err)
{
    forced_walk walk = *what;
    int made = walk.slots - walk.given, L = cv_cogvideo_places(config_of(&walk));
    cogvideo_status status = COGVIDEO_OK;

    walk.progress = (cogvideo_progress){ .what = "scoring",
                                         .unit = "codes",
                                         .rounds = 1,
                                         .frames = walk.windows * made,
                                         .total = (long long)walk.windows * made * L,
                                         .sequences = 1 };
    CV_NEW(walk.codes, (size_t)(walk.slots * L), err);
    for (int s = 0; s < walk.count; s++)
        CV_TRY(side_open(&walk, &walk.sides[s], err));
    if (walk.viewer->text)
        CV_TRY(walk.viewer->text(walk.viewer->user, walk.step, &walk.sides[0].texts[0], err));
    for (int window = 0; window < walk.windows; window++)
        CV_TRY(show_window(&walk, window, err));
done:
    cv_free(walk.codes);
    for (int s = 0; s < walk.count; s++)
        side_close(&walk.sides[s]);
    return status;
}

static cogvideo_status show_stage1(forced_walk *walk, bool first_frame, cogvideo_error *err)
{
    const cv_cogvideo *model = walk->sides[0].model;
    int frames = walk->clip->frames, most = config_of(walk)->frames;
    cogvideo_status status = COGVIDEO_OK;

    if (frames > most || (frames == 1 && !first_frame))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "stage 1 scores clips of 2 to %d key frames (or with first_frame the first frame of any), this "
                       "one has %d",
                       most, frames);
    walk->windows = 1;
    if (first_frame) {
        walk->step = CV_STEP_FIRST_FRAME;
        walk->slots = 1;
        CV_TRY(show(walk, err));
    }
    if (frames > 1) {
        walk->step = CV_STEP_KEYFRAMES;
        walk->seconds = cv_step_seconds(model, walk->sides[0].options, -1);
        walk->plus = true;
        walk->given = 1;
        walk->slots = frames;
        CV_TRY(show(walk, err));
    }
done:
    return status;
}

static cogvideo_status show_stage2(forced_walk *walk, cogvideo_error *err)
{
    const cv_cogvideo *model = walk->sides[0].model;
    const cv_cogvideo_config *config = config_of(walk);
    int frames = walk->clip->frames, step = config->frames - 1, round = cv_rounds_behind(model, frames) - 1;

    if (frames < config->frames || (frames - 1) % step != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "stage 2 scores clips of whole windows, %d, %d, %d, ... frames, this one has %d", step + 1,
                       2 * step + 1, 3 * step + 1, frames);
    walk->step = CV_STEP_INTERPOLATE;
    walk->seconds = cv_step_seconds(model, walk->sides[0].options, round < 0 ? 0 : round);
    walk->plus = true;
    walk->given = cv_cogvideo_known(config);
    walk->slots = config->frames;
    walk->windows = (frames - 1) / step;
    return show(walk, err);
}

cogvideo_status cv_forced_check(const cv_cogvideo *model, const cogvideo_generate_options *options,
                                const cogvideo_tokens *clip, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    cogvideo_status status;

    CV_TRY(cv_check_options(model, options, err));
    CV_TRY(cv_check_clip(clip, config->grid, config->image_codes, "this model", err));
done:
    return status;
}

cogvideo_status cv_forced_walk(const cv_cogvideo *const models[CV_FORCED_MODELS], int count,
                               const cogvideo_generate_options *const options[CV_FORCED_MODELS],
                               const cogvideo_score_options *what, const cogvideo_tokens *clip,
                               const cv_forced_viewer *viewer, cogvideo_error *err)
{
    forced_walk walk = { .clip = clip, .viewer = viewer, .count = count };

    for (int s = 0; s < count; s++) {
        walk.sides[s].model = models[s];
        walk.sides[s].options = options[s];
    }
    if (what->stage == 1)
        return show_stage1(&walk, what->first_frame != 0, err);
    if (what->stage == 2)
        return show_stage2(&walk, err);
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the stage to score must be 1 or 2, not %d", what->stage);
}
