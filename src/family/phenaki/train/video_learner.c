/* video_learner.c - trains the video tokenizer, a C-ViViT with a codebook that follows what it is given, on clips and
 * on single pictures. */
#include "base/rng.h"
#include "family/phenaki/train/clips.h"
#include "family/phenaki/train/first_weights.h"
#include "family/phenaki/train/parts.h"
#include "family/phenaki/train/recipes.h"
#include "train/codebook.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PART "video_tokenizer"
#define FILE_NAME "video_tokenizer.safetensors"
#define KMEANS_ROUNDS 10
#define COUNT_BATCHES 50 /* over which the use of codes is counted */
/* Streams of random numbers: of training, of the evaluation, of a count. */
enum { DRAW_CLIP = 0x636c, DRAW_KIND = 0x6b69, DRAW_HELD_OUT = 0x6865, DRAW_COUNT = 0x636f };

typedef struct video_learner {
    cv_learner head;
    const cv_video_recipe *recipe; /* the head's, with its own keys */
    cv_cvivit_config config;
    cv_clips data, held_out; /* held_out.count 0 = none */
    int height, width, frames, T;
    /* of clips, and of as many pictures as they have latent frames */
    cv_cvivit_learner *clips, *pictures, *latest;
    cv_codebook codebook;
    cv_codebook_options averaging;
    float *pixels;    /* of a batch */
    float *z;         /* [start_batches][rows][code_width], what the codebook starts from */
    double *away;     /* [rows], scratch of the codebook's update */
    int32_t *counted; /* [COUNT_BATCHES][rows] codes */
    bool *merged;     /* [codes], scratch */
    cv_arena arena;   /* of that start */
} video_learner;

static bool has_codebook(const video_learner *l)
{
    return l->config.quantizer == CV_QUANTIZER_COSINE;
}

/* --- batches -------------------------------------------------------------------------------------------------- */

/* Clips of a batch, or pictures; each a function of the seed, the batch and its place in it. */
static void fill(video_learner *l, const cv_clips *clips, bool pictures, uint64_t seed, uint64_t index, uint32_t stream)
{
    const int frames = pictures ? 1 : l->frames, count = l->recipe->head.batch * (pictures ? l->T : 1);
    const size_t size = 3 * (size_t)frames * (size_t)l->height * (size_t)l->width;

    for (int i = 0; i < count; i++) {
        const uint32_t counter[4] = { (uint32_t)index, (uint32_t)i, (uint32_t)(index >> 32), stream };
        const uint64_t number = index * (uint64_t)count + (uint64_t)i;
        uint32_t bits[4];

        cv_rng_block(bits, seed, counter);
        cv_clips_draw(clips, (int)(number % (uint64_t)clips->count), bits, frames, l->pixels + (size_t)i * size);
    }
}

static bool is_plain(const video_learner *l, uint64_t index)
{
    return !l->recipe->decoder_only && index < (uint64_t)l->recipe->plain_steps;
}

/* The first codebook: k-means over the vectors of some batches. */
static void start_codebook(video_learner *l, uint64_t index)
{
    const int batches = l->recipe->start_batches;
    cv_cvivit_losses losses;
    size_t rows = 0;

    for (int b = 0; b < batches; b++) {
        fill(l, &l->data, false, l->recipe->head.seed, index + (uint64_t)b, DRAW_CLIP);
        cv_cvivit_learner_measure(l->clips, &losses, l->pixels, l->T, NULL);
        rows = (size_t)cv_cvivit_learner_rows(l->clips);
        memcpy(l->z + rows * (size_t)l->codebook.latent * (size_t)b, cv_cvivit_learner_vectors(l->clips),
               rows * (size_t)l->codebook.latent * sizeof *l->z);
    }
    cv_codebook_start(l->head.exec, &l->codebook, l->z, (int)rows * batches, batches, KMEANS_ROUNDS,
                      l->head.recipe->seed, &l->arena);
}

/* Codes that look alike become one, where the recipe wants it; how often each is used is counted over some batches. */
static void count_codes(video_learner *l)
{
    cv_cvivit_losses losses;
    size_t rows = 0;

    for (int b = 0; b < COUNT_BATCHES; b++) {
        fill(l, &l->data, false, l->recipe->head.seed, (uint64_t)b, DRAW_COUNT);
        cv_cvivit_learner_measure(l->clips, &losses, l->pixels, l->T, NULL);
        rows = (size_t)cv_cvivit_learner_rows(l->clips);
        memcpy(l->counted + (size_t)b * rows, cv_cvivit_learner_codes(l->clips), rows * sizeof *l->counted);
    }
    cv_codebook_count(&l->codebook, l->counted, (int)rows * COUNT_BATCHES, COUNT_BATCHES);
    if (l->recipe->merge > 0)
        cv_log(&l->head.options->log, COGVIDEO_LOG_INFO, "merge %g leaves %d codes in use", l->recipe->merge,
               cv_codebook_merge(&l->codebook, l->recipe->merge, l->merged));
}

static void before(cv_learner *learner, int step)
{
    video_learner *l = (video_learner *)learner;

    if (!has_codebook(l))
        return;
    if (l->recipe->decoder_only && step == 0)
        count_codes(l);
    if (!l->recipe->decoder_only && step == l->recipe->plain_steps && !learner->options->finetune)
        start_codebook(l, (uint64_t)step);
}

/* One batch is a step here. */
static double batch(cv_learner *learner, uint64_t index)
{
    video_learner *l = (video_learner *)learner;
    const uint32_t counter[4] = { (uint32_t)index, 0, (uint32_t)(index >> 32), DRAW_KIND };
    cv_cvivit_losses losses;
    uint32_t bits[4];
    bool pictures;

    cv_rng_block(bits, l->recipe->head.seed, counter);
    pictures = l->pictures && cv_rng_unit(bits[0], bits[1]) < l->recipe->pictures;
    fill(l, &l->data, pictures, l->recipe->head.seed, index, DRAW_CLIP);
    cv_cvivit_learner_quantize(pictures ? l->pictures : l->clips, !is_plain(l, index));
    cv_cvivit_learner_run(pictures ? l->pictures : l->clips, &losses, l->pixels, pictures ? 1 : l->T, NULL);
    l->latest = pictures ? l->pictures : l->clips;
    return losses.loss;
}

static void moved(cv_learner *learner, int step)
{
    video_learner *l = (video_learner *)learner;

    if (has_codebook(l) && !l->recipe->decoder_only && !is_plain(l, (uint64_t)step))
        cv_codebook_update(&l->codebook, &l->averaging, (uint64_t)step, cv_cvivit_learner_vectors(l->latest),
                           cv_cvivit_learner_codes(l->latest), cv_cvivit_learner_rows(l->latest), l->away);
}

/* --- evaluation ----------------------------------------------------------------------------------------------- */

static double psnr(double squares)
{
    return -10 * log10(fmax(squares, 1e-12));
}

static bool evaluate(cv_learner *learner, double *loss, char *members, size_t size)
{
    video_learner *l = (video_learner *)learner;
    const int batches = l->recipe->head.evaluate_batches;
    double squares = 0, auxiliary = 0, pictures = 0;
    cv_cvivit_losses losses;
    size_t used;

    *loss = 0;
    if (l->held_out.count == 0)
        return false;
    for (int b = 0; b < batches; b++) {
        fill(l, &l->held_out, false, 1, (uint64_t)b, DRAW_HELD_OUT);
        cv_cvivit_learner_measure(l->clips, &losses, l->pixels, l->T, NULL);
        *loss += losses.loss / batches;
        squares += losses.reconstruction / batches;
        auxiliary += losses.auxiliary / batches;
        if (!l->pictures)
            continue;
        fill(l, &l->held_out, true, 1, (uint64_t)b, DRAW_HELD_OUT);
        cv_cvivit_learner_measure(l->pictures, &losses, l->pixels, 1, NULL);
        pictures += losses.reconstruction / batches;
    }
    used = (size_t)snprintf(members, size, ",\"psnr\":%.3f,\"auxiliary\":%.4g", psnr(squares), auxiliary);
    if (l->pictures && used < size)
        used += (size_t)snprintf(members + used, size - used, ",\"picture_psnr\":%.3f", psnr(pictures));
    if (has_codebook(l) && used < size)
        snprintf(members + used, size - used, ",\"codes_used\":%d", cv_codebook_used(&l->codebook, l->recipe->dead));
    return true;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status make_stores(video_learner *l, cogvideo_error *err)
{
    cv_learner *head = &l->head;
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_cvivit *planned = NULL;

    CV_TRY(cv_store_plan(&plan, "the video tokenizer", err));
    CV_TRY(cv_cvivit_open(&planned, &l->config, plan, err));
    CV_TRY(cv_store_create_like(&head->weights[0], "weights of the video tokenizer", plan, err));
    CV_TRY(cv_store_create_like(&head->gradients[0], "gradients of the video tokenizer", plan, err));
    head->stores = 1;
    if (!has_codebook(l))
        goto done;
    cv_store_close(&plan);
    CV_TRY(cv_store_plan(&plan, "averages of the codebook", err));
    CV_TRY(cv_codebook_bind_unit(&l->codebook, head->weights[0], plan, l->config.codes, l->config.code_width, err));
    CV_TRY(cv_store_create_like(&head->state, "averages of the codebook", plan, err));
    CV_TRY(
        cv_codebook_bind_unit(&l->codebook, head->weights[0], head->state, l->config.codes, l->config.code_width, err));
done:
    cv_cvivit_close(&planned);
    cv_store_close(&plan);
    return status;
}

static cogvideo_status open_networks(video_learner *l, cogvideo_error *err)
{
    const cv_learner *head = &l->head;
    cv_cvivit_learning how = { .box = { .batch = l->recipe->head.batch,
                                        .T = l->T,
                                        .h = l->height / l->config.patch_height,
                                        .w = l->width / l->config.patch_width },
                               .commitment = l->recipe->commitment,
                               .entropy = l->recipe->entropy,
                               .decoder_only = l->recipe->decoder_only };
    cogvideo_status status;

    CV_TRY(cv_cvivit_learner_open(&l->clips, head->exec, head->weights[0], head->gradients[0], &l->config, &how, err));
    l->latest = l->clips;
    if (l->recipe->pictures > 0) {
        how.box.batch *= l->T;
        how.box.T = 1;
        CV_TRY(cv_cvivit_learner_open(&l->pictures, head->exec, head->weights[0], head->gradients[0], &l->config, &how,
                                      err));
    }
done:
    return status;
}

/* Room for batches and for the codebook's start. */
static cogvideo_status plan_memory(video_learner *l, cogvideo_error *err)
{
    const int batches = l->recipe->start_batches;
    const size_t rows = (size_t)l->recipe->head.batch * (size_t)l->T * (size_t)(l->height / l->config.patch_height) *
                        (size_t)(l->width / l->config.patch_width),
                 most = (size_t)l->recipe->head.batch * (size_t)(l->frames > l->T ? l->frames : l->T);
    cogvideo_status status = COGVIDEO_OK;
    cv_arena measure = { 0 };

    CV_NEW(l->pixels, 3 * most * (size_t)l->height * (size_t)l->width, err);
    if (has_codebook(l)) {
        CV_NEW(l->z, rows * (size_t)batches * (size_t)l->codebook.latent, err);
        CV_NEW(l->away, rows, err);
        CV_NEW(l->counted, rows * COUNT_BATCHES, err);
        CV_NEW(l->merged, l->codebook.codes, err);
        cv_codebook_start(l->head.exec, &l->codebook, l->z, (int)rows * batches, batches, KMEANS_ROUNDS,
                          l->head.recipe->seed, &measure);
        CV_TRY(cv_arena_create(&l->arena, measure.peak, err));
    }
    l->head.memory = cv_cvivit_learner_bytes(l->clips) + (l->pictures ? cv_cvivit_learner_bytes(l->pictures) : 0) +
                     l->arena.capacity;
done:
    return status;
}

/* --- results -------------------------------------------------------------------------------------------------- */

static cogvideo_status publish(cv_learner *learner, cogvideo_error *err)
{
    return cv_publish_file(learner, learner->weights[0], PART, FILE_NAME, err);
}

/* Rows of 8-bit pixels of every `apart`-th frame of [3][frames][height][width]. */
static void show_frames(const video_learner *l, const float *pixels, int apart, int count, uint8_t *out)
{
    const size_t plane = (size_t)l->height * (size_t)l->width;

    for (size_t f = 0; f < (size_t)count; f++)
        for (size_t i = 0; i < plane; i++)
            for (size_t c = 0; c < 3; c++) {
                const float value = pixels[(c * (size_t)l->frames + f * (size_t)apart) * plane + i];

                out[(f * plane + i) * 3 + c] = (uint8_t)lrintf(255 * fminf(fmaxf(value, 0), 1));
            }
}

/* The last frames of latent frames of a clip, and below them what remains. */
static cogvideo_status sample(cv_learner *learner, const cogvideo_model *newest, int index, cogvideo_video *out,
                              cogvideo_error *err)
{
    const video_learner *l = (const video_learner *)learner;
    const cv_clips *clips = l->held_out.count > 0 ? &l->held_out : &l->data;
    const cv_cvivit *network = cv_phenaki_of(newest)->tokenizer;
    const cv_cvivit_box box = { 1, l->T, l->height / l->config.patch_height, l->width / l->config.patch_width };
    const int shown = l->T < 8 ? l->T : 8;
    const size_t size = 3 * (size_t)l->height * (size_t)l->width;
    cogvideo_status status;
    float *pixels = NULL;
    int32_t *codes = NULL;
    cv_arena arena = { 0 };

    if (!network)
        return COGVIDEO_OK;
    CV_NEW(pixels, size * (size_t)l->frames, err);
    CV_NEW(codes, (size_t)box.T * (size_t)box.h * (size_t)box.w, err);
    CV_TRY(cv_arena_create(&arena, cv_cvivit_scratch(&newest->exec, network, &box), err));
    CV_TRY(cogvideo_video_alloc(out, l->width, l->height, 2 * shown, 0, err));
    cv_clips_pixels(clips, 0, (int)((long long)index * clips->info[0].clips / learner->recipe->samples), 0, l->frames,
                    pixels);
    show_frames(l, pixels, l->config.patch_frames, shown, out->pixels);
    cv_cvivit_encode(&newest->exec, network, &box, codes, NULL, pixels, NULL, NULL, &arena);
    cv_cvivit_decode(&newest->exec, network, &box, pixels, codes, NULL, NULL, &arena);
    show_frames(l, pixels, l->config.patch_frames, shown, out->pixels + size * (size_t)shown);
done:
    cv_arena_free(&arena);
    cv_free(pixels);
    cv_free(codes);
    return status;
}

static void learner_close(cv_learner *learner)
{
    video_learner *l = (video_learner *)learner;

    cv_cvivit_learner_close(&l->clips);
    cv_cvivit_learner_close(&l->pictures);
    cv_learner_close_stores(learner);
    cv_clips_close(&l->data);
    cv_clips_close(&l->held_out);
    cv_free(l->pixels);
    cv_free(l->z);
    cv_free(l->away);
    cv_free(l->counted);
    cv_free(l->merged);
    cv_arena_free(&l->arena);
    cv_free(l);
}

/* --- what is asked for ---------------------------------------------------------------------------------------- */

static cogvideo_status check_recipe(const video_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    const cv_video_recipe *recipe = l->recipe;
    const char *file = options->recipe;

    if (recipe->head.accumulate > 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: video-tokenizer: accumulate is %d, but the codebook's averages follow every batch: "
                       "enlarge the batch instead",
                       file, recipe->head.accumulate);
    if (options->finetune && !recipe->decoder_only)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a video tokenizer cannot be fine-tuned as a whole: all else is trained on its codes; "
                       "decoder_only in the recipe leaves them as they are");
    if (recipe->decoder_only && !options->finetune && !options->resume)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe trains the decoder only, so the rest must be there: '--finetune' begins with the "
                       "model's video tokenizer");
    if (recipe->decoder_only && recipe->head.weight_decay > 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "weight_decay is %g, but decoder_only leaves the encoder as it is: it must be 0",
                       recipe->head.weight_decay);
    if (recipe->merge > 0 && (!recipe->decoder_only || !has_codebook(l)))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "merge is %g, but only a recipe with decoder_only merges codes, and only those of a codebook",
                       recipe->merge);
    if (recipe->plain_steps > 0 && !has_codebook(l))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: video-tokenizer: plain_steps is %d, but the quantizer lfq has no codebook that could "
                       "start after them",
                       file, recipe->plain_steps);
    return COGVIDEO_OK;
}

/* Sizes of a batch; products of them stay within an int. */
static cogvideo_status set_sizes(video_learner *l, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(l->head.model);
    const cv_cvivit_config *c = &l->config;
    const char *file = l->head.options->recipe;

    l->height = model->height;
    l->width = model->width;
    l->frames = l->recipe->frames > 0 ? l->recipe->frames : model->frames;
    if (l->height < 1 || l->frames < 1)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: model.json has no section 'clip', which says how large and how long clips are",
                       l->head.options->model);
    if ((l->frames - 1) % c->patch_frames != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: video-tokenizer: clips of %d frames have no whole latent frames; %d or %d would", file,
                       l->frames, (l->frames - 1) / c->patch_frames * c->patch_frames + 1,
                       (l->frames - 1) / c->patch_frames * c->patch_frames + c->patch_frames + 1);
    l->T = 1 + (l->frames - 1) / c->patch_frames;
    if ((int64_t)l->recipe->head.batch * l->frames * l->height * l->width >
        INT_MAX / (3 * (l->recipe->start_batches > COUNT_BATCHES ? l->recipe->start_batches : COUNT_BATCHES)))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: video-tokenizer: batches of %d clips of %d frames of %dx%d pixels are too many for %d "
                       "batches that the codebook starts from",
                       file, l->recipe->head.batch, l->frames, l->width, l->height, l->recipe->start_batches);
    return COGVIDEO_OK;
}

static cogvideo_status open_data(video_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    cogvideo_status status;

    CV_TRY(cv_clips_open(&l->data, (const char *const *)options->data, options->data_count, l->height, l->width,
                         l->frames, err));
    if (options->held_out)
        CV_TRY(cv_clips_open(&l->held_out, &options->held_out, 1, l->height, l->width, l->frames, err));
done:
    return status;
}

cogvideo_status cv_video_learner_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                      const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err)
{
    static const cv_learner_functions functions = { before, batch, moved, evaluate, publish, sample, learner_close };
    cogvideo_status status;
    video_learner *l = NULL;
    char origin[600];
    cv_json *section;

    CV_NEW(l, 1, err);
    l->head =
        (cv_learner){ .functions = &functions, .options = options, .recipe = recipe, .exec = exec, .model = model };
    l->recipe = (const cv_video_recipe *)(const void *)recipe;
    CV_TRY(cv_phenaki_section(model, PART, &section, origin, err));
    CV_TRY(cv_cvivit_config_read(&l->config, section, origin, err));
    CV_TRY(check_recipe(l, err));
    CV_TRY(set_sizes(l, err));
    l->averaging =
        (cv_codebook_options){ .decay = l->recipe->decay, .dead = l->recipe->dead, .seed = l->recipe->head.seed };
    l->head.items = recipe->batch * l->T * (l->height / l->config.patch_height) * (l->width / l->config.patch_width);
    l->head.useful_after = l->recipe->decoder_only || !has_codebook(l) ? -1 : l->recipe->plain_steps;
    CV_TRY(open_data(l, err));
    CV_TRY(make_stores(l, err));
    if (options->finetune && !options->resume)
        CV_TRY(cv_begin_with(&l->head, l->head.weights[0], cv_phenaki_file_of(model, PART), "video-tokenizer", err));
    else
        cv_first_cvivit(l->head.weights[0], &l->config, recipe->seed);
    CV_TRY(open_networks(l, err));
    CV_TRY(plan_memory(l, err));
    *out = &l->head;
    return COGVIDEO_OK;
done:
    if (l)
        learner_close(&l->head);
    return status;
}
