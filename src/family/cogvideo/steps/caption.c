/* caption.c - how likely a text is under the pictures of a clip: CogView2's caption score. */
#include "family/cogvideo/steps/steps.h"

#include "base/utf8.h"
#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/network/coglm.h"
#include "family/work.h"
#include "sample/sampler.h"

#include <string.h>

/* The network and what it is run on. */
typedef struct caption_run {
    const cv_cogvideo *model;
    const cv_stage *stage;
    int32_t *ids; /* [count]: the id that starts the text, and those of the text */
    int count;
    cv_element *elements;   /* [L + count] */
    cv_text_cache no_text;  /* nothing stands before the codes */
    cv_frames_cache cache;  /* of the elements */
    float *hidden, *logits; /* [L + count, C]; [count - 1, vocabulary] */
    cv_arena arena;
} caption_run;

static void run_free(caption_run *run)
{
    cv_free(run->ids);
    cv_free(run->elements);
    cv_frames_cache_free(&run->cache);
    cv_free(run->hidden);
    cv_free(run->logits);
    cv_arena_free(&run->arena);
}

/* The ids, each a row of the embeddings, behind the one that starts them. */
static cogvideo_status read_text(caption_run *run, const cogvideo_caption_options *options, cogvideo_error *err)
{
    const cv_cogvideo_config *config = run->stage->config;
    const char *start = options->english ? "<start_of_english>" : "<start_of_chinese>";
    int32_t *part = NULL;
    size_t count = 0;
    cogvideo_status status;

    CV_TRY(cv_model_need_text(&run->model->head, err));
    if (cv_utf8_prefix(options->text, strlen(options->text)) < strlen(options->text))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the caption is not UTF-8 text: convert it to UTF-8");
    CV_TRY(cv_text_encode(run->model->head.text, options->text, strlen(options->text), false, &part, &count, err));
    if (count > (size_t)config->text_places && options->cut_text) {
        cv_log(&run->model->head.log, COGVIDEO_LOG_WARNING, "the caption has %zu tokens and was cut to the model's %d",
               count, config->text_places);
        count = (size_t)config->text_places;
    }
    if (count < 1 || count > (size_t)config->text_places) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the caption has %zu tokens, 1 to %d were expected", count,
                         config->text_places);
        goto done;
    }
    CV_NEW(run->ids, count + 1, err);
    run->ids[0] = cv_text_id(run->model->head.text, start);
    memcpy(run->ids + 1, part, count * sizeof *part);
    run->count = (int)count + 1;
    for (int i = 0; i < run->count; i++)
        if (run->ids[i] < 0 || run->ids[i] >= config->vocabulary) {
            status =
                cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: '%s' or a piece of the caption is none of the network's %d ids",
                        run->model->head.text_path, start, config->vocabulary);
            goto done;
        }
done:
    cv_free(part);
    return status;
}

/* Bytes of run_open. */
static uint64_t bytes_of(const caption_run *run)
{
    const cv_cogvideo_config *config = run->stage->config;
    const int L = cv_cogvideo_places(config), all = L + run->count;

    return (uint64_t)all * (sizeof(cv_element) + (uint64_t)config->hidden * sizeof(float)) +
           (uint64_t)(run->count - 1) * (uint64_t)config->vocabulary * sizeof(float) +
           cv_elements_cache_bytes(config, CV_WEIGHT_F32, all) +
           cv_coglm_scratch(&run->model->head.exec, run->stage, all, all, false);
}

static cogvideo_status run_open(caption_run *run, cogvideo_error *err)
{
    const cv_exec *exec = &run->model->head.exec;
    const cv_cogvideo_config *config = run->stage->config;
    const int L = cv_cogvideo_places(config), all = L + run->count;
    cogvideo_status status;

    CV_NEW(run->elements, all, err);
    CV_NEW(run->hidden, (size_t)all * (size_t)config->hidden, err);
    CV_NEW(run->logits, (size_t)(run->count - 1) * (size_t)config->vocabulary, err);
    /* of one pass, so exact: it never grows, and f16 would change scores in their fifth digit */
    CV_TRY(cv_elements_cache_create(&run->cache, config, CV_WEIGHT_F32, all, err));
    CV_TRY(cv_arena_create(&run->arena, cv_coglm_scratch(exec, run->stage, all, all, false), err));
done:
    return status;
}

/* logprob [count - 1] of the text's ids, and their mean, under one picture's codes. */
static cogvideo_status score_frame(caption_run *run, const int32_t *codes, int frame, double *logprob, double *score,
                                   cogvideo_error *err)
{
    const cv_exec *exec = &run->model->head.exec;
    const cv_cogvideo_config *config = run->stage->config;
    const int L = cv_cogvideo_places(config), n = run->count - 1, V = config->vocabulary;
    const cv_sequence sequence = { &run->no_text, &run->cache, 0, false };
    const cv_linear head = cv_trunk_head(run->stage->trunk, V); /* all ids, not those of images alone */
    double sum = 0;

    cv_caption_lay(run->elements, config, codes, run->ids, run->count);
    cv_coglm_pass(exec, run->stage, &sequence, run->elements, 0, L + run->count, run->hidden, NULL, &run->arena);
    cv_linear_rows(exec, &head, run->logits, (size_t)V, run->hidden + (size_t)L * (size_t)config->hidden,
                   (size_t)config->hidden, n, &run->arena);
    for (int i = 0; i < n; i++) {
        const float *logits = run->logits + (size_t)i * (size_t)V;

        if (!cv_logits_sound(logits, V))
            return cv_fail_unsound(run->model, "scoring", frame, -1, err);
        logprob[i] = cv_log_probability(logits, V, run->ids[i + 1]);
        sum += logprob[i];
    }
    *score = sum / n;
    return COGVIDEO_OK;
}

cogvideo_status cv_cogvideo_score_caption(const cogvideo_model *head, const cogvideo_caption_options *options,
                                          const cogvideo_tokens *clip, cogvideo_caption *out, cogvideo_error *err)
{
    caption_run run = { .model = cv_cogvideo_of(head) };
    cogvideo_caption caption = { .frames = clip ? clip->frames : 0 };
    cogvideo_status status;

    CV_TRY(cv_need_coglm(run.model, &run.stage, err));
    if (clip)
        CV_TRY(cv_check_clip(clip, run.stage->config->grid, run.stage->config->image_codes, "this model", err));
    CV_TRY(read_text(&run, options, err));
    caption.count = run.count - 1;
    caption.memory = bytes_of(&run);
    if (!clip) {
        *out = (cogvideo_caption){ .count = caption.count, .memory = caption.memory };
        goto done;
    }
    CV_TRY(run_open(&run, err));
    CV_NEW(caption.ids, caption.count, err);
    CV_NEW(caption.logprob, (size_t)caption.frames * (size_t)caption.count, err);
    CV_NEW(caption.score, caption.frames, err);
    memcpy(caption.ids, run.ids + 1, (size_t)caption.count * sizeof *caption.ids);
    for (int f = 0; f < caption.frames; f++)
        CV_TRY(score_frame(&run, clip->codes + (size_t)f * cogvideo_tokens_per_frame(clip), f,
                           caption.logprob + (size_t)f * (size_t)caption.count, &caption.score[f], err));
    *out = caption;
    caption = (cogvideo_caption){ 0 };
done:
    cogvideo_caption_free(&caption);
    run_free(&run);
    return status;
}
