/* video_learner.c - trains the video tokenizer, a C-ViViT with a codebook that follows what it is given, on clips and
 * on single pictures. */
#include "base/rng.h"
#include "family/phenaki/train/clips.h"
#include "family/phenaki/train/first_weights.h"
#include "family/phenaki/train/parts.h"
#include "family/phenaki/train/recipes.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PART "video_tokenizer"
#define FILE_NAME "video_tokenizer.safetensors"
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
    cv_codebook_learner codebook;
    float *pixels; /* of a batch */
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

static cv_codebook_batch batch_of(const cv_cvivit_learner *learner)
{
    return (cv_codebook_batch){ cv_cvivit_learner_vectors(learner), cv_cvivit_learner_codes(learner),
                                cv_cvivit_learner_rows(learner) };
}

static cv_codebook_batch measure(void *user, uint64_t index, bool counting)
{
    video_learner *l = user;
    cv_cvivit_losses losses;

    fill(l, &l->data, false, l->recipe->head.seed, index, counting ? DRAW_COUNT : DRAW_CLIP);
    cv_cvivit_learner_measure(l->clips, &losses, l->pixels, l->T, NULL);
    return batch_of(l->clips);
}

static void before(cv_learner *learner, int step)
{
    cv_codebook_before(&((video_learner *)learner)->codebook, step);
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
    cv_cvivit_learner_quantize(pictures ? l->pictures : l->clips, !cv_codebook_plain(&l->recipe->codebook, index));
    cv_cvivit_learner_run(pictures ? l->pictures : l->clips, &losses, l->pixels, pictures ? 1 : l->T, NULL);
    l->latest = pictures ? l->pictures : l->clips;
    return losses.loss;
}

static void moved(cv_learner *learner, int step)
{
    video_learner *l = (video_learner *)learner;

    cv_codebook_moved(&l->codebook, step, batch_of(l->latest));
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
        snprintf(members + used, size - used, ",\"codes_used\":%d",
                 cv_codebook_used(&l->codebook.codebook, l->recipe->codebook.dead));
    return true;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status make_stores(video_learner *l, cogvideo_error *err)
{
    cv_codebook *book = &l->codebook.codebook;
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
    CV_TRY(cv_codebook_bind_unit(book, head->weights[0], plan, l->config.codes, l->config.code_width, err));
    CV_TRY(cv_store_create_like(&head->state, "averages of the codebook", plan, err));
    CV_TRY(cv_codebook_bind_unit(book, head->weights[0], head->state, l->config.codes, l->config.code_width, err));
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
                               .decoder_only = l->recipe->codebook.decoder_only };
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

static cogvideo_status plan_memory(video_learner *l, cogvideo_error *err)
{
    const size_t most = (size_t)l->recipe->head.batch * (size_t)(l->frames > l->T ? l->frames : l->T);
    cogvideo_status status;

    CV_NEW(l->pixels, 3 * most * (size_t)l->height * (size_t)l->width, err);
    CV_TRY(cv_codebook_learner_open(&l->codebook, l->head.items, err));
    l->head.memory = cv_cvivit_learner_bytes(l->clips) + (l->pictures ? cv_cvivit_learner_bytes(l->pictures) : 0) +
                     l->codebook.arena.capacity;
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
    cv_codebook_learner_close(&l->codebook);
    cv_free(l->pixels);
    cv_free(l);
}

/* --- what is asked for ---------------------------------------------------------------------------------------- */

static cogvideo_status check_recipe(const video_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    const cv_codebook_recipe *recipe = &l->recipe->codebook;
    cogvideo_status status;

    CV_TRY(cv_codebook_check(recipe, &l->recipe->head, options, "video tokenizer", err));
    if (recipe->merge > 0 && !has_codebook(l))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "merge is %g, but the quantizer lfq has no codebook whose codes could be merged", recipe->merge);
    if (recipe->plain_steps > 0 && !has_codebook(l))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: video-tokenizer: plain_steps is %d, but the quantizer lfq has no codebook that could "
                       "start after them",
                       options->recipe, recipe->plain_steps);
done:
    return status;
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
    l->T = cv_cvivit_latent_frames(c, l->frames);
    if ((int64_t)l->recipe->head.batch * l->frames * l->height * l->width > INT_MAX / 3)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: video-tokenizer: batches of %d clips of %d frames of %dx%d pixels are too many", file,
                       l->recipe->head.batch, l->frames, l->width, l->height);
    return cv_codebook_check_rows(&l->recipe->codebook,
                                  (int64_t)l->recipe->head.batch * l->T * (l->height / c->patch_height) *
                                      (l->width / c->patch_width),
                                  COUNT_BATCHES, err);
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
    l->codebook = (cv_codebook_learner){ .recipe = &l->recipe->codebook,
                                         .seed = recipe->seed,
                                         .count_batches = COUNT_BATCHES,
                                         .measure = measure,
                                         .user = l,
                                         .exec = exec,
                                         .log = &options->log };
    l->head.items = recipe->batch * l->T * (l->height / l->config.patch_height) * (l->width / l->config.patch_width);
    l->head.useful_after = l->recipe->codebook.decoder_only || !has_codebook(l) ? -1 : l->recipe->codebook.plain_steps;
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
