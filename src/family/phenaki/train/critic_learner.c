/* critic_learner.c - trains a token critic to tell codes that the masked transformer drew from those of clips. */
#include "base/rng.h"
#include "family/phenaki/train/first_weights.h"
#include "family/phenaki/train/networks.h"
#include "family/phenaki/train/parts.h"
#include "family/phenaki/train/predict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PART "critic"
#define FILE_NAME "critic.safetensors"
/* Seeds of draws in an evaluation. */
#define HELD_OUT_SEED 1

typedef struct critic_learner {
    cv_learner head;
    const cv_masked_recipe *recipe; /* the head's, with its own keys */
    cv_masked_config config;
    cv_boxes boxes;
    cv_train_texts texts;
    cv_box_networks networks;
    float *logits;   /* [tokens][V], of the masked transformer */
    uint8_t *labels; /* [tokens]: 1 where a code is wrong */
    cv_arena arena;  /* of the masked transformer */
} critic_learner;

static const cv_masked *masked_of(const critic_learner *l)
{
    return cv_phenaki_of(l->head.model)->masked;
}

static cv_train_texts *texts_of(critic_learner *l)
{
    return l->config.text_width > 0 ? &l->texts : NULL;
}

/* What the masked transformer draws takes the place of the masks. The share of places that are wrong then. */
static double predict(critic_learner *l, uint64_t seed, uint64_t index)
{
    cv_boxes *b = &l->boxes;
    cv_masked_input input;
    int wrong = 0;

    if (texts_of(l))
        cv_train_texts_run(&l->texts, false);
    input = cv_box_input(b, texts_of(l));
    cv_masked_run(l->head.exec, masked_of(l), NULL, &input, l->logits, NULL, NULL, &l->arena);
    cv_predict(b, l->logits, seed, index, b->ids);
    for (int i = 0; i < cv_boxes_tokens(b); i++) {
        l->labels[i] = b->ids[i] != b->truth[i];
        wrong += l->labels[i];
    }
    return (double)wrong / cv_boxes_tokens(b);
}

static double batch(cv_learner *learner, uint64_t index)
{
    critic_learner *l = (critic_learner *)learner;
    cv_masked_input input;

    cv_boxes_draw(&l->boxes, index, texts_of(l));
    predict(l, l->recipe->head.seed, index);
    input = cv_box_input(&l->boxes, texts_of(l));
    return cv_masked_learner_run_critic(cv_box_network(&l->networks, &l->boxes), &input, l->labels, NULL);
}

static bool evaluate(cv_learner *learner, double *loss, char *members, size_t size)
{
    critic_learner *l = (critic_learner *)learner;
    const int batches = l->recipe->head.evaluate_batches;
    double wrong = 0;

    *loss = 0;
    if (l->boxes.held_out.file.count == 0)
        return false;
    for (int i = 0; i < batches; i++) {
        cv_masked_input input;

        cv_boxes_draw_held_out(&l->boxes, (uint64_t)i, false, false, texts_of(l));
        wrong += predict(l, HELD_OUT_SEED, (uint64_t)i) / batches;
        input = cv_box_input(&l->boxes, texts_of(l));
        *loss += cv_masked_learner_measure_critic(cv_box_network(&l->networks, &l->boxes), &input, l->labels) / batches;
    }
    snprintf(members, size, ",\"wrong\":%.4f", wrong);
    return true;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status read_config(critic_learner *l, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(l->head.model);
    const cv_masked_config *masked;
    const char *kind = "";
    cogvideo_status status;
    cv_json *section;
    char origin[600];

    if (!model->masked)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: has no masked transformer, whose draws a critic judges: it is trained first ('cogvideo "
                       "train masked')",
                       l->head.options->model);
    CV_TRY(cv_phenaki_section(l->head.model, PART, &section, origin, err));
    CV_TRY(cv_json_string(section, "kind", &kind, origin, err));
    if (strcmp(kind, "token") != 0)
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "%s: 'kind' is '%.40s', but only a critic of the kind 'token' is trained here; a self critic can "
            "be imported",
            origin, kind);
    l->config.critic = true;
    CV_TRY(cv_masked_config_read(&l->config, section, origin, err));
    masked = cv_masked_config_of(model->masked);
    if (l->config.codes != masked->codes || l->config.text_width != masked->text_width ||
        l->config.places < masked->places)
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "%s: has %d codes, %d places and reads texts of %d numbers, the masked transformer %d, %d and %d", origin,
            l->config.codes, l->config.places, l->config.text_width, masked->codes, masked->places, masked->text_width);
done:
    return status;
}

static cogvideo_status make_network(critic_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_masked *planned = NULL;

    CV_TRY(cv_store_plan(&plan, "the critic", err));
    CV_TRY(cv_masked_open(&planned, &l->config, plan, err));
    CV_TRY(cv_add_stores(&l->head, plan, "weights of the critic", "gradients of the critic", err));
    if (options->finetune && !options->resume)
        CV_TRY(cv_begin_with(&l->head, l->head.weights[0], cv_phenaki_file_of(l->head.model, PART), "critic", err));
    else
        cv_first_masked(l->head.weights[0], l->recipe->embeddings, l->head.recipe->seed);
done:
    cv_masked_close(&planned);
    cv_store_close(&plan);
    return status;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Of the masked transformer, for batches of both kinds. */
static size_t scratch_of(const critic_learner *l)
{
    static const float some[1];
    static const uint8_t seen[1];
    const cv_boxes *b = &l->boxes;
    cv_masked_input input = { .batch = b->batch, .T = b->T, .h = b->h, .w = b->w, .ids = b->ids };
    size_t clips;

    if (l->config.text_width > 0) {
        input.text = some;
        input.text_mask = seen;
        input.text_rows = b->text_places;
    }
    clips = cv_masked_scratch(l->head.exec, masked_of(l), &input);
    input.batch = b->batch * b->T;
    input.T = 1;
    return most(clips, cv_masked_scratch(l->head.exec, masked_of(l), &input));
}

static cogvideo_status plan_memory(critic_learner *l, cogvideo_error *err)
{
    const cv_boxes *b = &l->boxes;
    const size_t tokens = (size_t)b->batch * (size_t)(b->T * b->h * b->w);
    cogvideo_status status;

    CV_NEW(l->logits, tokens * (size_t)l->config.codes, err);
    CV_NEW(l->labels, tokens, err);
    CV_TRY(cv_arena_create(&l->arena, scratch_of(l), err));
    l->head.memory = cv_box_networks_bytes(&l->networks) + l->texts.arena.capacity + l->arena.capacity +
                     tokens * (size_t)l->config.codes * sizeof *l->logits;
    l->head.items = (int)tokens;
done:
    return status;
}

static cogvideo_status publish(cv_learner *learner, cogvideo_error *err)
{
    return cv_publish_file(learner, learner->weights[0], PART, FILE_NAME, err);
}

static void learner_close(cv_learner *learner)
{
    critic_learner *l = (critic_learner *)learner;

    cv_box_networks_close(&l->networks);
    cv_train_texts_close(&l->texts);
    cv_boxes_close(&l->boxes);
    cv_learner_close_stores(learner);
    cv_arena_free(&l->arena);
    cv_free(l->logits);
    cv_free(l->labels);
    cv_free(l);
}

cogvideo_status cv_critic_part_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                    const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err)
{
    static const cv_learner_functions functions = { .batch = batch,
                                                    .evaluate = evaluate,
                                                    .publish = publish,
                                                    .close = learner_close };
    const cv_phenaki *own = cv_phenaki_of(model);
    cv_t5_config text = { 0 };
    cogvideo_status status;
    critic_learner *l = NULL;

    CV_NEW(l, 1, err);
    l->head = (cv_learner){ .functions = &functions,
                            .options = options,
                            .recipe = recipe,
                            .exec = exec,
                            .model = model,
                            .foundation = "masked transformer",
                            .useful_after = -1 };
    l->recipe = (const cv_masked_recipe *)(const void *)recipe;
    CV_TRY(read_config(l, err));
    if (texts_of(l))
        CV_TRY(cv_box_text_config(&text, model, l->config.text_width, false, err));
    CV_TRY(cv_boxes_open(&l->boxes, options, own, &l->config, l->recipe, text.vocabulary, err));
    cv_predict_stands_on(l->head.stands_on, model);
    CV_TRY(make_network(l, err));
    if (texts_of(l))
        CV_TRY(cv_train_texts_open(&l->texts, exec, &text, own->text_encoder, NULL, NULL, cv_box_texts(&l->boxes),
                                   l->boxes.text_places, err));
    CV_TRY(cv_box_networks_open(&l->networks, &l->boxes, &l->head, &l->config, texts_of(l) ? l->boxes.text_places : 0,
                                err));
    CV_TRY(plan_memory(l, err));
    *out = &l->head;
    return COGVIDEO_OK;
done:
    if (l)
        learner_close(&l->head);
    return status;
}
