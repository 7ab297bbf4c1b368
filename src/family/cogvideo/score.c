/* score.c - how likely a clip's codes are: log-probabilities of a teacher-forced pass, at temperature 1. */
#include "family/cogvideo/arrows.h"
#include "family/cogvideo/autoregress.h"
#include "family/cogvideo/settings.h"

#include <string.h>

/* Places whose logits are held at once. */
#define BLOCK 64

typedef struct score_run {
    const cogvideo_model *model;
    const cv_stage *stage;
    const cogvideo_generate_options *options;
    double guidance;
    bool plus;
    int given, slots;            /* slots given .. slots-1 are scored */
    int sequences;               /* 1, or 2 with the guide */
    cv_text_memory text[2];
    cv_frame_memory frames;
    float *hidden[2];            /* [scored places, C] */
    float *logits[2];            /* [BLOCK, image_codes] */
    void *scratch;
    cogvideo_progress progress;
} score_run;

static void score_close(score_run *run)
{
    for (int i = 0; i < 2; i++) {
        cv_text_memory_free(&run->text[i]);
        cv_free(run->hidden[i]);
        cv_free(run->logits[i]);
    }
    cv_frame_memory_free(&run->frames);
    cv_free(run->scratch);
}

static cogvideo_status score_open(score_run *run, const cv_ids texts[2], cogvideo_error *err)
{
    const cv_exec *exec = &run->model->exec;
    const cv_cogvideo_config *config = run->stage->config;
    int L = cv_cogvideo_places(config), rows = run->slots * L;
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < run->sequences; i++)
        rows = texts[i].count > rows ? texts[i].count : rows;
    if (!(run->scratch = cv_alloc(cv_forward_scratch(exec, run->stage, rows, false), 1, err)))
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_frame_memory_create(&run->frames, config, run->slots, run->plus, err));
    for (int i = 0; i < run->sequences; i++) {
        CV_NEW(run->hidden[i], (size_t)((run->slots - run->given) * L) * (size_t)config->hidden, err);
        CV_NEW(run->logits[i], (size_t)BLOCK * (size_t)config->image_codes, err);
        CV_TRY(cv_text_memory_create(&run->text[i], config, texts[i].count, run->plus, err));
        cv_forward_text(exec, run->stage, &run->text[i], texts[i].ids, NULL, run->scratch);
    }
fail:
    return status;
}

/* Log-probabilities of codes [slots][L], for the scored slots: logprob [slots - given][L]. */
static cogvideo_status score_window(score_run *run, const int32_t *codes, float text_weight, double *logprob,
                                    cogvideo_error *err)
{
    const cv_exec *exec = &run->model->exec;
    const cogvideo_callbacks *callbacks = &run->options->callbacks;
    const cv_cogvideo_config *config = run->stage->config;
    int L = cv_cogvideo_places(config), scored = (run->slots - run->given) * L, n = config->image_codes;
    size_t C = (size_t)config->hidden;

    for (int i = 0; i < run->sequences; i++) {
        cv_sequence sequence = { &run->text[i], &run->frames, text_weight, run->plus };
        cv_frames_pass known = { 0, run->given, run->given, codes };
        cv_frames_pass rest = { run->given, run->slots - run->given, run->given,
                                codes + (size_t)run->given * (size_t)L };

        if (run->given > 0)
            cv_forward_frames(exec, run->stage, &sequence, &known, NULL, NULL, run->scratch);
        cv_forward_frames(exec, run->stage, &sequence, &rest, run->hidden[i], NULL, run->scratch);
    }
    codes += (size_t)run->given * (size_t)L;
    for (int first = 0; first < scored; first += BLOCK) {
        int count = scored - first < BLOCK ? scored - first : BLOCK;

        for (int i = 0; i < run->sequences; i++)
            cv_forward_logits(exec, run->stage, run->logits[i], run->hidden[i] + (size_t)first * C, count,
                              run->scratch);
        if (run->sequences == 2)
            cv_logits_guide(run->logits[0], run->logits[1], run->guidance, count * n);
        for (int i = 0; i < count; i++)
            logprob[first + i] = cv_log_probability(run->logits[0] + (size_t)i * (size_t)n, n, codes[first + i]);
        run->progress.codes += count;
        if (callbacks->progress && callbacks->progress(callbacks->user, &run->progress))
            return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
    }
    run->progress.frame += run->slots - run->given;
    return COGVIDEO_OK;
}

/* Texts, then one run over `windows` windows of `step` frames; `order` gives the frame of each slot of window 0. */
static cogvideo_status score_windows(score_run *run, cv_step_kind step, double seconds, const cogvideo_tokens *clip,
                                     int windows, double *logprob, int *scored, cogvideo_error *err)
{
    const cv_cogvideo_config *config = run->stage->config;
    size_t L = (size_t)cv_cogvideo_places(config);
    int made = run->slots - run->given;
    bool guided = run->guidance != 1;
    float weight = (float)cv_step_text_weight(run->model, run->options, guided);
    cogvideo_status status;
    cv_ids texts[2] = { { 0 } };
    int32_t *codes = NULL;
    double *values = NULL;

    run->sequences = guided ? 2 : 1;
    run->progress = (cogvideo_progress){ .stage = COGVIDEO_STAGE_SCORE, .rounds = 1, .frames = windows * made,
                                         .all_codes = (long long)windows * made * (long long)L, .sequences = 1 };
    CV_TRY(cv_step_text(run->model, run->options, step, guided, seconds, &texts[0], err));
    if (guided)
        CV_TRY(cv_guide_text(run->model, run->options, seconds, &texts[1], err));
    CV_NEW(codes, (size_t)run->slots * L, err);
    CV_NEW(values, (size_t)made * L, err);
    CV_TRY(score_open(run, texts, err));
    for (int w = 0; w < windows; w++) {
        for (int slot = 0; slot < run->slots; slot++) {
            int frame = w * (config->frames - 1) + cv_slot_time(config, run->stage->kind, slot);

            memcpy(codes + (size_t)slot * L, clip->codes + (size_t)frame * L, L * sizeof *codes);
        }
        CV_TRY(score_window(run, codes, weight, values, err));
        for (int slot = run->given; slot < run->slots; slot++) {
            int frame = w * (config->frames - 1) + cv_slot_time(config, run->stage->kind, slot);

            memcpy(logprob + (size_t)frame * L, values + (size_t)(slot - run->given) * L, L * sizeof *values);
            scored[frame] = 1;
        }
    }
fail:
    cv_ids_free(&texts[0]);
    cv_ids_free(&texts[1]);
    cv_free(codes);
    cv_free(values);
    score_close(run);
    return status;
}

static cogvideo_status score_stage1(const cogvideo_model *model, const cogvideo_generate_options *options,
                                    bool first_frame, const cogvideo_tokens *clip, double *logprob, int *scored,
                                    cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    cogvideo_status status;
    score_run run = { .model = model, .options = options, .guidance = 1, .slots = 1 };

    if (clip->frames > config->frames || (clip->frames == 1 && !first_frame))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "stage 1 scores clips of 2 to %d key frames (or with first_frame the first frame of any), this "
                       "one has %d",
                       config->frames, clip->frames);
    CV_TRY(cv_need_stage(model, CV_STAGE_SEQUENTIAL, &run.stage, err));
    if (first_frame)
        CV_TRY(score_windows(&run, CV_STEP_FIRST_FRAME, 0, clip, 1, logprob, scored, err));
    if (clip->frames > 1) {
        run = (score_run){ .model = model, .options = options, .stage = run.stage, .plus = true, .given = 1,
                           .slots = clip->frames, .guidance = cv_step_guidance(model, options, CV_STEP_KEYFRAMES) };
        CV_TRY(score_windows(&run, CV_STEP_KEYFRAMES, cv_step_seconds(model, options, -1), clip, 1, logprob, scored,
                             err));
    }
fail:
    return status;
}

static cogvideo_status score_stage2(const cogvideo_model *model, const cogvideo_generate_options *options,
                                    const cogvideo_tokens *clip, double *logprob, int *scored, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    int step = config->frames - 1, round = cv_rounds_behind(model, clip->frames) - 1;
    cogvideo_status status;
    score_run run = { .model = model, .options = options, .plus = true, .given = cv_cogvideo_known(config),
                      .slots = config->frames, .guidance = cv_step_guidance(model, options, CV_STEP_INTERPOLATE) };

    if (clip->frames < config->frames || (clip->frames - 1) % step != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "stage 2 scores clips of whole windows, %d, %d, %d, ... frames, this one has %d", step + 1,
                       2 * step + 1, 3 * step + 1, clip->frames);
    CV_TRY(cv_need_stage(model, CV_STAGE_INTERPOLATE, &run.stage, err));
    CV_TRY(score_windows(&run, CV_STEP_INTERPOLATE, cv_step_seconds(model, options, round < 0 ? 0 : round), clip,
                         (clip->frames - 1) / step, logprob, scored, err));
fail:
    return status;
}

cogvideo_status cv_arrow_score(const cogvideo_model *model, const cogvideo_generate_options *options,
                               const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                               int *scored, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    cogvideo_status status;

    CV_TRY(cv_check_options(options, err));
    CV_TRY(cv_check_clip(clip, config->grid, config->image_codes, "this model", err));
    memset(scored, 0, (size_t)clip->frames * sizeof *scored);
    if (what->stage == 1)
        return score_stage1(model, options, what->first_frame != 0, clip, logprob, scored, err);
    if (what->stage == 2)
        return score_stage2(model, options, clip, logprob, scored, err);
    status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the stage to score must be 1 or 2, not %d", what->stage);
fail:
    return status;
}
