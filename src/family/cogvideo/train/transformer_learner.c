/* transformer_learner.c - trains the trunk (text and one frame, or as CogLM) or a stage's second channel on training
 * rows. */
#include "base/hash.h"
#include "base/rng.h"
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/model/texts.h"
#include "family/cogvideo/network/train.h"
#include "family/cogvideo/train/coglm_draws.h"
#include "family/cogvideo/train/first_weights.h"
#include "family/cogvideo/train/parts.h"
#include "family/cogvideo/train/rows.h"
#include "family/cogvideo/train/shared_embeddings.h"
#include "train/learner.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_FILES 8
#define ROUNDING 1e-2 /* of embeddings that were stored in 16 bits */
/* Streams of random numbers: of training, of the evaluation. */
enum { DRAW_ROW = 0x7261, DRAW_HELD_OUT = 0x6865, DRAW_COGLM = 0x636f, DRAW_COGLM_HELD_OUT = 0x6368 };

typedef struct transformer_learner {
    cv_learner head;
    const cv_transformer_recipe *recipe; /* the head's, with its own keys */
    cv_cogvideo_part part;
    cv_trunk trunk, trunk_grads;
    cv_shared_embeddings shared, shared_grads; /* width 0: embeddings have nothing in common */
    cv_stage stage, grads;
    cv_store *frozen; /* the trunk's file where it is not trained */
    cv_frame_rows rows[MAX_FILES], held_out;
    int files;
    cv_ids guide; /* the text that replaces a dropped one */
    int slots, given;
    cv_coglm_draws coglm;
    cv_train_sequence *sequences;
    int32_t *texts, *codes; /* [batch][text_places], [batch][slots * L] */
    cv_arena arena;         /* of a batch */
} transformer_learner;

static const cv_cogvideo_config *config_of(const transformer_learner *l)
{
    return &cv_cogvideo_of(l->head.model)->description.network;
}

/* Whether the trunk alone is trained. */
static bool of_trunk(const transformer_learner *l)
{
    return l->part == CV_PART_IMAGE || l->part == CV_PART_COGLM;
}

/* --- batches -------------------------------------------------------------------------------------------------- */

/* Fills sequence s of the batch from a row; the trunk takes one frame of it, `frame`. */
static void fill(transformer_learner *l, int s, const cv_frame_rows *rows, size_t row, int frame, bool drop_text)
{
    const cv_cogvideo_config *config = config_of(l);
    size_t L = (size_t)cv_cogvideo_places(config);
    int32_t *text = l->texts + (size_t)s * (size_t)config->text_places;
    int32_t *codes = l->codes + (size_t)s * (size_t)l->slots * L;
    int count = cv_frame_rows_text(rows, row, text);

    if (drop_text) {
        memcpy(text, l->guide.ids, (size_t)l->guide.count * sizeof *text);
        count = l->guide.count;
    }
    for (int slot = 0; slot < l->slots; slot++) {
        int from = l->slots == 1 ? frame : cv_slot_time(config, l->stage.kind, slot);

        memcpy(codes + (size_t)slot * L, cv_frame_rows_frame(rows, row, from), L * sizeof *codes);
    }
    l->sequences[s] = (cv_train_sequence){ .text = text, .text_count = count, .codes = codes };
}

/* Of a batch: CogLM's sequences are elements. */
static int slots_of(const transformer_learner *l)
{
    return l->part == CV_PART_COGLM ? 0 : l->slots;
}

static double batch(cv_learner *learner, uint64_t index)
{
    transformer_learner *l = (transformer_learner *)learner;
    const cv_recipe *recipe = learner->recipe;
    cv_train_batch work = { .sequences = l->sequences,
                            .count = recipe->batch,
                            .slots = slots_of(l),
                            .given = l->given,
                            .plus = !of_trunk(l),
                            .dropout = (float)l->recipe->dropout,
                            .seed = recipe->seed,
                            .step = (uint32_t)index };
    double loss;

    for (int s = 0; s < recipe->batch; s++) {
        uint32_t counter[4] = { (uint32_t)index, (uint32_t)s, 0, DRAW_ROW }, bits[4];
        const cv_frame_rows *rows;

        cv_rng_block(bits, recipe->seed, counter);
        rows = &l->rows[bits[0] % (uint32_t)l->files];
        if (l->part == CV_PART_COGLM)
            l->sequences[s] = cv_coglm_draw(&l->coglm, s, (cv_draw_key){ recipe->seed, (uint32_t)index, DRAW_COGLM },
                                            rows, bits[1] % rows->file.count, (int)(bits[2] % (uint32_t)rows->frames));
        else
            fill(l, s, rows, bits[1] % rows->file.count, (int)(bits[2] % (uint32_t)rows->frames),
                 rows->file.kind != COGVIDEO_ROWS_IMAGE && cv_rng_unit(bits[3], 0) < l->recipe->text_dropout);
    }
    loss = cv_stage_train(learner->exec, &l->stage, &l->grads, &work, NULL, &l->arena);
    if (l->shared.width > 0)
        cv_shared_embeddings_gather(&l->shared_grads, (float *)l->trunk_grads.word_embeddings.data);
    return loss;
}

static void moved(cv_learner *learner, int step)
{
    const transformer_learner *l = (const transformer_learner *)learner;

    (void)step;
    if (l->shared.width > 0)
        cv_shared_embeddings_join(&l->shared, (float *)l->trunk.word_embeddings.data);
}

/* Room for the loss of each place of a batch. */
static float *take_losses(const transformer_learner *l, cv_arena *arena)
{
    const int places = l->part == CV_PART_COGLM ? l->coglm.places : l->slots * cv_cogvideo_places(config_of(l));

    return cv_arena_take(arena, (size_t)l->head.recipe->batch * (size_t)places, sizeof(float));
}

/* Losses over all evaluation batches: of each frame, or of each thing that CogLM predicts. */
typedef struct held_out_losses {
    double frames[65];
    cv_coglm_losses coglm;
} held_out_losses;

static double evaluate_batch(transformer_learner *l, int index, float *ce, held_out_losses *losses)
{
    const int count = l->head.recipe->batch, L = cv_cogvideo_places(config_of(l)), per = l->slots * L;
    const cv_train_batch work = { .sequences = l->sequences,
                                  .count = count,
                                  .slots = slots_of(l),
                                  .given = l->given,
                                  .plus = !of_trunk(l) };
    double loss;

    for (int s = 0; s < count; s++) {
        uint32_t counter[4] = { (uint32_t)index, (uint32_t)s, 0, DRAW_HELD_OUT }, bits[4];
        const cv_frame_rows *rows = &l->held_out;

        cv_rng_block(bits, 1, counter);
        if (l->part == CV_PART_COGLM)
            l->sequences[s] = cv_coglm_draw(&l->coglm, s, (cv_draw_key){ 1, (uint32_t)index, DRAW_COGLM_HELD_OUT },
                                            rows, bits[0] % rows->file.count, (int)(bits[1] % (uint32_t)rows->frames));
        else
            fill(l, s, rows, bits[0] % rows->file.count, (int)(bits[1] % (uint32_t)rows->frames), false);
    }
    loss = cv_stage_train(l->head.exec, &l->stage, NULL, &work, ce, &l->arena);
    for (int i = 0; i < count * per && l->part != CV_PART_COGLM; i++)
        losses->frames[i % per / L] += (double)ce[i];
    for (int s = 0; s < count && l->part == CV_PART_COGLM; ce += l->sequences[s++].count)
        cv_coglm_losses_add(&losses->coglm, &l->coglm, s, &l->sequences[s], ce);
    return loss;
}

/* What a line of the log has beside the loss. */
static void write_frames(const transformer_learner *l, const held_out_losses *losses, char *members, size_t size)
{
    const int summed = l->head.recipe->evaluate_batches * l->head.recipe->batch * cv_cogvideo_places(config_of(l));
    size_t used = (size_t)snprintf(members, size, ",\"frames\":[");

    for (int slot = 0; slot < l->slots && used < size; slot++)
        used += (size_t)snprintf(members + used, size - used, "%s%.4g", slot ? "," : "", losses->frames[slot] / summed);
    if (used < size)
        snprintf(members + used, size - used, "]");
}

static void write_coglm(const cv_coglm_losses *losses, char *members, size_t size)
{
    size_t used = 0;

    members[0] = '\0';
    for (int i = 0; i < CV_COGLM_LOSSES && used < size; i++)
        if (losses->counts[i] > 0)
            used += (size_t)snprintf(members + used, size - used, ",\"%s\":%.4g", cv_coglm_loss_names[i],
                                     losses->sums[i] / losses->counts[i]);
}

/* Over fixed held-out rows. */
static bool evaluate(cv_learner *learner, double *loss, char *members, size_t size)
{
    transformer_learner *l = (transformer_learner *)learner;
    const int batches = learner->recipe->evaluate_batches;
    held_out_losses losses = { 0 };

    *loss = 0;
    if (l->held_out.file.count == 0)
        return false;
    for (int b = 0; b < batches; b++) {
        size_t mark = cv_arena_mark(&l->arena);
        float *ce = take_losses(l, &l->arena);

        *loss += evaluate_batch(l, b, ce, &losses) / batches;
        cv_arena_rewind(&l->arena, mark);
    }
    if (l->part == CV_PART_COGLM)
        write_coglm(&losses.coglm, members, size);
    else
        write_frames(l, &losses, members, size);
    return true;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status bind_trunk(cv_trunk *out, cv_store *store, const cv_cogvideo_config *c, cogvideo_error *err)
{
    return cv_trunk_bind(out, store, c->layers, c->hidden, c->mlp, c->vocabulary, c->positions, (float)c->norm_epsilon,
                         err);
}

/* Weights and gradients of the trunk in memory. */
static cogvideo_status make_trunk(transformer_learner *l, cogvideo_error *err)
{
    cv_learner *head = &l->head;
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_trunk planned = { 0 };
    int s = head->stores;

    CV_TRY(cv_store_plan(&plan, "the trunk", err));
    CV_TRY(bind_trunk(&planned, plan, config_of(l), err));
    CV_TRY(cv_store_create_like(&head->weights[s], "weights of the trunk", plan, err));
    CV_TRY(cv_store_create_like(&head->gradients[s], "gradients of the trunk", plan, err));
    head->stores++;
    CV_TRY(bind_trunk(&l->trunk, head->weights[s], config_of(l), err));
    CV_TRY(bind_trunk(&l->trunk_grads, head->gradients[s], config_of(l), err));
done:
    cv_trunk_close(&planned);
    cv_store_close(&plan);
    return status;
}

/* The file of the trunk that a stage is trained on: its own where it goes on, else the bare one or that of a stage
 * which is there. */
static const char *trunk_file(const transformer_learner *l)
{
    const cogvideo_train_options *options = l->head.options;
    const cv_description *d = &cv_cogvideo_of(l->head.model)->description;
    int own = l->part == CV_PART_STAGE2;

    if (!of_trunk(l) && (options->finetune || options->resume) && d->files.trunk[own])
        return d->files.trunk[own];
    return d->files.bare_trunk ? d->files.bare_trunk : d->files.trunk[own] ? d->files.trunk[own] : d->files.trunk[!own];
}

/* Opens the trunk; it is used as it lies in the file. */
static cogvideo_status freeze_trunk(transformer_learner *l, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_begin_open(&l->head, &l->frozen, trunk_file(l), "image", err));
    CV_TRY(bind_trunk(&l->trunk, l->frozen, config_of(l), err));
    snprintf(l->head.stands_on, sizeof l->head.stands_on,
             "%016" PRIx64, /* the last norm differs in any two trainings */
             cv_hash_bytes(CV_HASH_START, l->trunk.final_norm.weight, (size_t)config_of(l)->hidden * sizeof(float)));
done:
    return status;
}

static cogvideo_status make_stage(transformer_learner *l, cv_stage_kind kind, cogvideo_error *err)
{
    cv_learner *head = &l->head;
    const cv_cogvideo_config *config = config_of(l);
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_stage planned = { 0 };
    int s = head->stores;

    CV_TRY(cv_store_plan(&plan, "the stage", err));
    CV_TRY(cv_stage_bind(&planned, kind, config, &l->trunk, plan, err));
    CV_TRY(cv_store_create_like(&head->weights[s], "weights of the stage", plan, err));
    CV_TRY(cv_store_create_like(&head->gradients[s], "gradients of the stage", plan, err));
    head->stores++;
    CV_TRY(cv_stage_bind(&l->stage, kind, config, &l->trunk, head->weights[s], err));
    CV_TRY(cv_stage_bind(&l->grads, kind, config, l->recipe->train_trunk ? &l->trunk_grads : &l->trunk,
                         head->gradients[s], err));
    if (!l->recipe->train_trunk)
        l->grads.trunk = NULL;
done:
    cv_stage_close(&planned);
    cv_store_close(&plan);
    return status;
}

/* NULL: the model has no image tokenizer yet. */
static const cv_tensor *find_codebook(const cogvideo_model *model)
{
    const cv_tensor *codebook = NULL;

    for (int i = 0; i < model->file_count && !codebook; i++)
        if (model->files[i].store)
            codebook = cv_store_find(model->files[i].store, CV_CODEBOOK);
    return codebook;
}

/* What embeddings share, with a codebook of pairs of colours. Fine-tuning goes on from the table that is there. */
static cogvideo_status share_embeddings(transformer_learner *l, bool finetune, cogvideo_error *err)
{
    const cv_colour_pairs codes = cv_colour_pairs_of(l->head.model);
    cv_learner *head = &l->head;
    const int s = head->stores, width = config_of(l)->hidden;
    cv_store *plan = NULL;
    cogvideo_status status;
    double change;

    if (codes.count == 0)
        return COGVIDEO_OK;
    if (codes.codes != config_of(l)->image_codes) {
        cv_log(
            &head->options->log, COGVIDEO_LOG_WARNING,
            "embeddings are not sums of those of patterns and pairs of colours: the network has %d 'image_codes', the "
            "image tokenizer %d 'codes'",
            config_of(l)->image_codes, codes.codes);
        return COGVIDEO_OK;
    }
    CV_TRY(cv_store_plan(&plan, "shared embeddings", err));
    CV_TRY(cv_shared_embeddings_bind(&l->shared, plan, &codes, width, err));
    CV_TRY(cv_store_create_like(&head->weights[s], "shared embeddings", plan, err));
    CV_TRY(cv_store_create_like(&head->gradients[s], "gradients of shared embeddings", plan, err));
    head->prefixes[s] = "shared_";
    head->stores++;
    CV_TRY(cv_shared_embeddings_bind(&l->shared, head->weights[s], &codes, width, err));
    CV_TRY(cv_shared_embeddings_bind(&l->shared_grads, head->gradients[s], &codes, width, err));
    cv_shared_embeddings_split(&l->shared, l->trunk.word_embeddings.data);
    change = cv_shared_embeddings_join(&l->shared, (float *)l->trunk.word_embeddings.data);
    if (finetune && change > ROUNDING)
        cv_log(&head->options->log, COGVIDEO_LOG_WARNING,
               "the embeddings of codes were not sums of those of patterns and pairs of colours, as after a training "
               "without 'colour_pairs'; they are now, and what each code had learned for itself is gone");
done:
    cv_store_close(&plan);
    return status;
}

static cogvideo_status make_networks(transformer_learner *l, cogvideo_error *err)
{
    const cv_cogvideo_config *config = config_of(l);
    const bool finetune = l->head.options->finetune && !l->head.options->resume;
    cogvideo_status status;

    if (of_trunk(l)) {
        const int ids = l->part == CV_PART_COGLM ? config->vocabulary : config->image_codes; /* that are predicted */

        CV_TRY(make_trunk(l, err));
        l->stage = (cv_stage){ .config = config,
                               .kind = CV_STAGE_SEQUENTIAL,
                               .trunk = &l->trunk,
                               .head = cv_trunk_head(&l->trunk, ids) };
        l->grads = (cv_stage){ .config = config,
                               .kind = CV_STAGE_SEQUENTIAL,
                               .trunk = &l->trunk_grads,
                               .head = cv_trunk_head(&l->trunk_grads, ids) };
        l->slots = 1;
        if (finetune)
            CV_TRY(cv_begin_with(&l->head, l->head.weights[0], trunk_file(l), "image", err));
        else
            CV_TRY(cv_first_trunk(&l->trunk, l->head.weights[0], config, find_codebook(l->head.model), l->recipe, err));
        return share_embeddings(l, finetune, err);
    }
    if (l->recipe->train_trunk) {
        CV_TRY(make_trunk(l, err));
        l->head.prefixes[0] = "trunk_";
        CV_TRY(cv_begin_with(&l->head, l->head.weights[0], trunk_file(l), "image", err));
    } else {
        CV_TRY(freeze_trunk(l, err));
    }
    CV_TRY(make_stage(l, l->part == CV_PART_STAGE1 ? CV_STAGE_SEQUENTIAL : CV_STAGE_INTERPOLATE, err));
    l->slots = l->part == CV_PART_STAGE1 && l->recipe->frames > 0 ? l->recipe->frames : config->frames;
    l->given = l->part == CV_PART_STAGE1 ? 1 : cv_cogvideo_known(config);
    if (finetune)
        return cv_begin_with(&l->head, l->head.weights[l->head.stores - 1],
                             cv_cogvideo_of(l->head.model)->description.files.own[l->part == CV_PART_STAGE2],
                             l->head.recipe->part->name, err);
    cv_first_stage(&l->stage, l->recipe);
done:
    return status;
}

static cogvideo_status open_rows(const transformer_learner *l, const char *path, const char *tokenizers,
                                 cv_frame_rows *out, cogvideo_error *err)
{
    const cv_cogvideo_config *c = config_of(l);
    cogvideo_status status = cv_frame_rows_open(out, path, c->grid, c->image_codes, c->vocabulary, err);

    if (status == COGVIDEO_OK)
        status = cv_rows_file_check(&out->file, tokenizers, l->head.options->model, err);
    if (status == COGVIDEO_OK && !of_trunk(l) &&
        out->file.kind != (l->part == CV_PART_STAGE1 ? COGVIDEO_ROWS_STAGE1 : COGVIDEO_ROWS_STAGE2))
        status = cv_fail(err, COGVIDEO_ERROR_MODEL,
                         "%s: has rows for %s, %s wants its own ('cogvideo dataset tokens --for')", path,
                         cv_rows_kind_name(out->file.kind), l->head.recipe->part->name);
    if (status == COGVIDEO_OK && (out->text_places > c->text_places || (l->slots > 1 && out->frames != c->frames)))
        status = cv_fail(err, COGVIDEO_ERROR_MODEL,
                         "%s: has rows of %d text places and %d frames, this part takes %d and %d", path,
                         out->text_places, out->frames, c->text_places, c->frames);
    return status;
}

static cogvideo_status open_data(transformer_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    char tokenizers[CV_TOKENIZERS_HASH];
    cogvideo_status status;

    if (options->data_count < 1 || options->data_count > MAX_FILES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "1 to %d files of training rows are needed, not %d", MAX_FILES,
                       options->data_count);
    CV_TRY(cv_frame_tokenizers(tokenizers, l->head.model, err));
    for (int i = 0; i < options->data_count; i++) {
        CV_TRY(open_rows(l, options->data[i], tokenizers, &l->rows[i], err));
        l->files++;
    }
    if (options->held_out)
        CV_TRY(open_rows(l, options->held_out, tokenizers, &l->held_out, err));
done:
    return status;
}

/* What would go wrong later: sizes beyond an int, a guide that nobody asks for. */
static cogvideo_status check_options(const transformer_learner *l, cogvideo_error *err)
{
    const cv_cogvideo_config *config = config_of(l);
    const cv_transformer_recipe *recipe = l->recipe;
    int64_t places = (int64_t)config->text_places + (int64_t)config->frames * cv_cogvideo_places(config);

    if (recipe->frames == 1 || recipe->frames > config->frames)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe wants %d frames of a clip; 2 to the network's %d were expected, or 0 "
                       "for all",
                       recipe->frames, config->frames);
    if (places * recipe->head.batch > INT_MAX / 4)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe wants batches of %d sequences of %lld places, which are too many",
                       recipe->head.batch, (long long)places);
    if (l->part == CV_PART_STAGE2 && recipe->text_dropout > 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "text_dropout is %g for stage2, but interpolation has no guidance: it must be 0",
                       recipe->text_dropout);
    return COGVIDEO_OK;
}

/* Everything that a step needs, for the longest texts that rows may have. */
static cogvideo_status plan_memory(transformer_learner *l, cogvideo_error *err)
{
    const cv_cogvideo_config *config = config_of(l);
    int n = l->head.recipe->batch;
    size_t L = (size_t)cv_cogvideo_places(config);
    cv_train_batch work = { .count = n, .slots = slots_of(l), .given = l->given, .plus = !of_trunk(l) };
    cogvideo_status status;
    cv_arena measure = { 0 };

    CV_NEW(l->sequences, n, err);
    CV_NEW(l->texts, (size_t)n * (size_t)config->text_places, err);
    CV_NEW(l->codes, (size_t)n * (size_t)l->slots * L, err);
    if (l->part == CV_PART_COGLM)
        CV_TRY(cv_coglm_draws_open(&l->coglm, cv_cogvideo_of(l->head.model), &l->recipe->coglm, n, err));
    for (int s = 0; s < n; s++)
        l->sequences[s] =
            l->part == CV_PART_COGLM
                ? (cv_train_sequence){ .count = l->coglm.places }
                : (cv_train_sequence){ .text = l->texts, .text_count = config->text_places, .codes = l->codes };
    work.sequences = l->sequences;
    take_losses(l, &measure);
    cv_stage_train(l->head.exec, &l->stage, &l->grads, &work, NULL, &measure);
    l->head.memory = measure.peak;
    l->head.items = n * l->slots * (int)L;
    CV_TRY(cv_arena_create(&l->arena, measure.peak, err));
done:
    return status;
}

/* --- results -------------------------------------------------------------------------------------------------- */

static cogvideo_status publish(cv_learner *learner, cogvideo_error *err)
{
    static const char *const stage_keys[] = { "trunk", "own", NULL }, *const trunk_keys[] = { "file", NULL };
    static const char *const trunk_files[] = { "trunk.safetensors", NULL };
    const transformer_learner *l = (const transformer_learner *)learner;
    const char *own = l->part == CV_PART_STAGE1 ? "stage1.safetensors" : "stage2.safetensors";
    const char *trunk, *files[3] = { NULL, own, NULL };
    cogvideo_status status;

    if (of_trunk(l)) {
        CV_TRY(cv_publish_store(learner, learner->weights[0], trunk_files[0], err));
        return cv_publish_part(learner, "trunk", trunk_keys, trunk_files, err);
    }
    trunk = trunk_file(l);
    if (l->recipe->train_trunk) { /* no longer the trunk that the other stage was trained on */
        trunk = l->part == CV_PART_STAGE1 ? "stage1.trunk.safetensors" : "stage2.trunk.safetensors";
        CV_TRY(cv_publish_store(learner, learner->weights[0], trunk, err));
    }
    files[0] = trunk;
    CV_TRY(cv_publish_store(learner, learner->weights[learner->stores - 1], own, err));
    CV_TRY(cv_publish_part(learner, l->head.recipe->part->name, stage_keys, files, err));
done:
    return status;
}

/* Every `step`-th frame of a row as a clip's codes. */
static cogvideo_status clip_of(const transformer_learner *l, const cv_frame_rows *rows, size_t row, int count, int step,
                               cogvideo_value *out, cogvideo_error *err)
{
    const cv_description *d = &cv_cogvideo_of(l->head.model)->description;
    cogvideo_status status;
    size_t L = (size_t)rows->places;

    out->kind = COGVIDEO_KIND_CODES;
    CV_TRY(cogvideo_tokens_alloc(&out->codes, d->network.grid, d->network.grid, d->rate, count, err));
    for (int f = 0; f < count; f++) {
        memcpy(out->codes.codes + (size_t)f * L, cv_frame_rows_frame(rows, row, f * step),
               L * sizeof *out->codes.codes);
        out->codes.times[f] = f;
    }
done:
    return status;
}

/* The first frame of a row's text; key frames from a row's first one on; a row's frames between its known ones. */
static cogvideo_status sample(cv_learner *learner, const cogvideo_model *newest, int index, cogvideo_video *out,
                              cogvideo_error *err)
{
    const transformer_learner *l = (const transformer_learner *)learner;
    const cv_frame_rows *rows = l->held_out.file.count ? &l->held_out : &l->rows[0];
    const size_t row = (size_t)index * rows->file.count / (size_t)learner->recipe->samples;
    const cogvideo_decode_options decode = { 0 };
    cogvideo_generate_options options;
    cogvideo_value given = { 0 }, clip = { 0 };
    cogvideo_status status;

    if (!cv_cogvideo_of(newest)->image_tokenizer) /* codes that nobody can see */
        return COGVIDEO_OK;
    cogvideo_generate_defaults(newest, &options);
    options.text_ids = l->texts;
    options.text_count = (size_t)cv_frame_rows_text(rows, row, l->texts);
    options.seed = (uint64_t)index;
    if (of_trunk(l)) {
        options.keyframes = 1;
        CV_TRY(cv_cogvideo_keyframes(newest, &options, NULL, &clip, err));
    } else if (l->part == CV_PART_STAGE1) {
        CV_TRY(clip_of(l, rows, row, 1, 1, &given, err));
        CV_TRY(cv_cogvideo_keyframes(newest, &options, &given, &clip, err));
    } else {
        CV_TRY(clip_of(l, rows, row, cv_cogvideo_known(config_of(l)), 2, &given, err));
        options.rounds = 1;
        CV_TRY(cv_cogvideo_interpolate(newest, &options, &given, &clip, err));
    }
    CV_TRY(cogvideo_decode(newest, &decode, &clip.codes, out, err));
done:
    cogvideo_value_free(&given);
    cogvideo_value_free(&clip);
    return status;
}

static void learner_close(cv_learner *learner)
{
    transformer_learner *l = (transformer_learner *)learner;

    cv_stage_close(&l->stage);
    cv_stage_close(&l->grads);
    cv_trunk_close(&l->trunk);
    cv_trunk_close(&l->trunk_grads);
    cv_learner_close_stores(learner);
    cv_store_close(&l->frozen);
    for (int i = 0; i < MAX_FILES; i++)
        cv_frame_rows_close(&l->rows[i]);
    cv_frame_rows_close(&l->held_out);
    cv_ids_free(&l->guide);
    cv_coglm_draws_close(&l->coglm);
    cv_free(l->sequences);
    cv_free(l->texts);
    cv_free(l->codes);
    cv_arena_free(&l->arena);
    cv_free(l);
}

cogvideo_status cv_transformer_learner_open(cv_learner **out, const cogvideo_train_options *options,
                                            const cv_recipe *recipe, const cv_exec *exec, const cogvideo_model *model,
                                            cogvideo_error *err)
{
    static const cv_learner_functions functions = { NULL, batch, moved, evaluate, publish, sample, learner_close };
    cogvideo_status status;
    transformer_learner *l = NULL;
    cogvideo_generate_options guide;

    cogvideo_generate_defaults(model, &guide);
    CV_NEW(l, 1, err);
    l->head = (cv_learner){ .functions = &functions,
                            .options = options,
                            .recipe = recipe,
                            .exec = exec,
                            .model = model,
                            .foundation = "trunk",
                            .useful_after = -1 };
    l->recipe = (const cv_transformer_recipe *)(const void *)recipe;
    l->part = (cv_cogvideo_part)(recipe->part - cv_cogvideo_parts);
    CV_TRY(check_options(l, err));
    CV_TRY(make_networks(l, err));
    CV_TRY(open_data(l, err));
    if (l->recipe->text_dropout > 0)
        CV_TRY(cv_guide_text(cv_cogvideo_of(model), &guide, cv_step_seconds(cv_cogvideo_of(model), &guide, -1),
                             &l->guide, err));
    CV_TRY(plan_memory(l, err));
    *out = &l->head;
    return COGVIDEO_OK;
done:
    if (l)
        learner_close(&l->head);
    return status;
}
