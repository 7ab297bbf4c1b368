/* masked_learner.c - trains the masked transformer on boxes of codes, and with it, where the recipe says so, a text
 * encoder of its own. */
#include "family/phenaki/train/first_weights.h"
#include "family/phenaki/train/networks.h"
#include "family/phenaki/train/parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PART "masked"
#define FILE_NAME "masked.safetensors"
#define TEXT_PART "text_encoder"
#define TEXT_FILE "text_encoder.safetensors"

typedef struct masked_learner {
    cv_learner head;
    const cv_masked_recipe *recipe; /* the head's, with its own keys */
    cv_masked_config config;
    cv_t5_config text_config;
    cv_boxes boxes;
    cv_train_texts texts;
    cv_box_networks networks;
    float *logprob; /* [tokens], of an evaluation */
} masked_learner;

static bool reads_text(const masked_learner *l)
{
    return l->config.text_width > 0;
}

static cv_train_texts *texts_of(masked_learner *l)
{
    return reads_text(l) ? &l->texts : NULL;
}

/* --- batches -------------------------------------------------------------------------------------------------- */

/* The batch at hand as the network sees it. */
static cv_masked_input input_of(masked_learner *l, bool training)
{
    if (reads_text(l))
        cv_train_texts_run(&l->texts, training);
    return cv_box_input(&l->boxes, texts_of(l));
}

static double batch(cv_learner *learner, uint64_t index)
{
    masked_learner *l = (masked_learner *)learner;
    cv_masked_input input;
    double loss;

    cv_boxes_draw(&l->boxes, index, texts_of(l));
    input = input_of(l, true);
    loss = cv_masked_learner_run(cv_box_network(&l->networks, &l->boxes), &input, l->boxes.labels,
                                 l->texts.own ? l->texts.dvectors : NULL);
    if (l->texts.own)
        cv_train_texts_backward(&l->texts);
    return loss;
}

/* --- evaluation ----------------------------------------------------------------------------------------------- */

/* Sums of losses, by the share of a box that was masked. */
typedef struct by_share {
    double loss[CV_BOX_SHARES];
    long long masks[CV_BOX_SHARES];
} by_share;

static void add_shares(const masked_learner *l, by_share *sums)
{
    const cv_boxes *b = &l->boxes;
    const int places = b->latent * b->h * b->w;

    for (int box = 0; box < b->count; box++) {
        const int share = (b->masks[box] - 1) * CV_BOX_SHARES / places;

        sums->masks[share] += b->masks[box];
        for (int i = box * places; i < (box + 1) * places; i++)
            if (b->labels[i] >= 0)
                sums->loss[share] -= (double)l->logprob[i];
    }
}

/* The mean loss over held-out batches. */
static double measure(masked_learner *l, bool pictures, bool wrong, by_share *sums)
{
    const int batches = l->recipe->head.evaluate_batches;
    double loss = 0;

    for (int i = 0; i < batches; i++) {
        cv_masked_input input;

        cv_boxes_draw_held_out(&l->boxes, (uint64_t)i, pictures, wrong, texts_of(l));
        input = input_of(l, false);
        loss += cv_masked_learner_measure(cv_box_network(&l->networks, &l->boxes), &input, l->boxes.labels,
                                          sums ? l->logprob : NULL) /
                batches;
        if (sums)
            add_shares(l, sums);
    }
    return loss;
}

static bool evaluate(cv_learner *learner, double *loss, char *members, size_t size)
{
    masked_learner *l = (masked_learner *)learner;
    by_share sums = { { 0 }, { 0 } };
    size_t used = 0;

    *loss = 0;
    if (l->boxes.held_out.file.count == 0)
        return false;
    *loss = measure(l, false, false, &sums);
    if (reads_text(l))
        used += (size_t)snprintf(members, size, ",\"wrong_text\":%.4g", measure(l, false, true, NULL));
    if (l->networks.pictures && l->networks.clips && used < size)
        used += (size_t)snprintf(members + used, size - used, ",\"pictures\":%.4g", measure(l, true, false, NULL));
    for (int i = 0; i < CV_BOX_SHARES && used < size; i++)
        used += (size_t)snprintf(members + used, size - used, "%s%.4g%s", i ? "," : ",\"shares\":[",
                                 sums.masks[i] > 0 ? sums.loss[i] / (double)sums.masks[i] : 0,
                                 i + 1 < CV_BOX_SHARES ? "" : "]");
    return true;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status make_masked(masked_learner *l, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_masked *planned = NULL;

    CV_TRY(cv_store_plan(&plan, "the masked transformer", err));
    CV_TRY(cv_masked_open(&planned, &l->config, plan, err));
    CV_TRY(
        cv_add_stores(&l->head, plan, "weights of the masked transformer", "gradients of the masked transformer", err));
done:
    cv_masked_close(&planned);
    cv_store_close(&plan);
    return status;
}

static cogvideo_status make_text(masked_learner *l, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_t5 *planned = NULL;

    CV_TRY(cv_store_plan(&plan, "the text encoder", err));
    CV_TRY(cv_t5_open(&planned, &l->text_config, plan, err));
    CV_TRY(cv_add_stores(&l->head, plan, "weights of the text encoder", "gradients of the text encoder", err));
    l->head.prefixes[1] = "text_";
done:
    cv_t5_close(&planned);
    cv_store_close(&plan);
    return status;
}

static cogvideo_status make_networks(masked_learner *l, cogvideo_error *err)
{
    const bool finetune = l->head.options->finetune && !l->head.options->resume;
    const cv_recipe *recipe = l->head.recipe;
    cogvideo_status status;

    CV_TRY(make_masked(l, err));
    if (finetune)
        CV_TRY(cv_begin_with(&l->head, l->head.weights[0], cv_phenaki_file_of(l->head.model, PART), "masked", err));
    else
        cv_first_masked(l->head.weights[0], l->recipe->embeddings, recipe->seed);
    if (!reads_text(l) || !l->recipe->train_text)
        return COGVIDEO_OK;
    CV_TRY(make_text(l, err));
    if (finetune)
        CV_TRY(
            cv_begin_with(&l->head, l->head.weights[1], cv_phenaki_file_of(l->head.model, TEXT_PART), "masked", err));
    else
        cv_first_t5(l->head.weights[1], &l->text_config, recipe->seed);
done:
    return status;
}

static cogvideo_status open_learners(masked_learner *l, cogvideo_error *err)
{
    const cv_boxes *b = &l->boxes;
    cv_learner *head = &l->head;
    const bool own = head->stores > 1;
    cogvideo_status status;

    CV_TRY(cv_box_networks_open(&l->networks, b, head, &l->config, reads_text(l) ? b->text_places : 0, err));
    if (reads_text(l))
        CV_TRY(cv_train_texts_open(&l->texts, head->exec, &l->text_config, cv_phenaki_of(head->model)->text_encoder,
                                   own ? head->weights[1] : NULL, own ? head->gradients[1] : NULL, cv_box_texts(b),
                                   b->text_places, err));
    CV_NEW(l->logprob, (size_t)b->batch * (size_t)(b->T * b->h * b->w), err);
    head->memory = cv_box_networks_bytes(&l->networks) + l->texts.arena.capacity;
    head->items = b->batch * b->T * b->h * b->w;
done:
    return status;
}

/* --- results -------------------------------------------------------------------------------------------------- */

static cogvideo_status publish(cv_learner *learner, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (learner->stores > 1)
        CV_TRY(cv_publish_file(learner, learner->weights[1], TEXT_PART, TEXT_FILE, err));
    CV_TRY(cv_publish_file(learner, learner->weights[0], PART, FILE_NAME, err));
done:
    return status;
}

static cogvideo_status sample(cv_learner *learner, const cogvideo_model *newest, int index, cogvideo_video *out,
                              cogvideo_error *err)
{
    const masked_learner *l = (const masked_learner *)learner;
    const cv_box_rows *rows = l->boxes.held_out.file.count > 0 ? &l->boxes.held_out : &l->boxes.rows[0];

    return cv_boxes_sample(newest, rows, (size_t)index * rows->file.count / (size_t)learner->recipe->samples, index,
                           out, err);
}

static void learner_close(cv_learner *learner)
{
    masked_learner *l = (masked_learner *)learner;

    cv_box_networks_close(&l->networks);
    cv_train_texts_close(&l->texts);
    cv_boxes_close(&l->boxes);
    cv_learner_close_stores(learner);
    cv_free(l->logprob);
    cv_free(l);
}

cogvideo_status cv_masked_part_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                    const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err)
{
    static const cv_learner_functions functions = { .batch = batch,
                                                    .evaluate = evaluate,
                                                    .publish = publish,
                                                    .sample = sample,
                                                    .close = learner_close };
    cogvideo_status status;
    masked_learner *l = NULL;
    char origin[600];
    cv_json *section;

    CV_NEW(l, 1, err);
    l->head = (cv_learner){ .functions = &functions,
                            .options = options,
                            .recipe = recipe,
                            .exec = exec,
                            .model = model,
                            .foundation = "video tokenizer",
                            .useful_after = -1 };
    l->recipe = (const cv_masked_recipe *)(const void *)recipe;
    CV_TRY(cv_phenaki_section(model, PART, &section, origin, err));
    CV_TRY(cv_masked_config_read(&l->config, section, origin, err));
    if (reads_text(l))
        CV_TRY(cv_box_text_config(&l->text_config, model, l->config.text_width, l->recipe->train_text, err));
    CV_TRY(cv_boxes_open(&l->boxes, options, cv_phenaki_of(model), &l->config, l->recipe,
                         reads_text(l) ? l->text_config.vocabulary : 0, err));
    CV_TRY(cv_box_tokenizers(l->head.stands_on, cv_phenaki_of(model), err));
    CV_TRY(make_networks(l, err));
    CV_TRY(open_learners(l, err));
    *out = &l->head;
    return COGVIDEO_OK;
done:
    if (l)
        learner_close(&l->head);
    return status;
}
