/* picture_learner.c - trains the image tokenizer on squares cut from the frames of datasets. */
#include "base/path.h"
#include "base/rng.h"
#include "family/cogvideo/steps/steps.h"
#include "model/image_tokenizer/learn.h"
#include "tensor/store_write.h"
#include "family/cogvideo/train/frames.h"
#include "family/cogvideo/train/parts.h"
#include "family/cogvideo/train/recipes.h"
#include "train/codebook_learner.h"
#include "train/init.h"
#include "train/kmeans.h"

#include <cogvideo/dataset.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_DATASETS 8
#define COUNT_BATCHES 200 /* over which the use of codes is counted */
#define CLUSTER_ROUNDS 50
#define PLACES 4 /* among which a busy square is sought */
enum { DRAW_CROP = 0x6372, DRAW_HELD_OUT = 0x6865, DRAW_COUNT = 0x636f };

typedef struct picture_learner {
    cv_learner head;
    const cv_picture_recipe *recipe; /* the head's, with its own keys */
    cogvideo_dataset *data[MAX_DATASETS], *held_out;
    int datasets;
    cv_image_learner *learner;
    cv_codebook_learner codebook;
    uint8_t *pixels; /* [batch][crop][crop][3] */
    bool quantized;  /* the first steps of a run are not */
} picture_learner;

/* How much the pixels of a square vary: the sum of their variances, times its pixels. */
static double variation(const uint8_t *corner, int side, int crop)
{
    double total = 0;

    for (int c = 0; c < 3; c++) {
        int64_t sum = 0, squares = 0;

        for (int y = 0; y < crop; y++)
            for (int x = 0; x < crop; x++) {
                int value = corner[(y * side + x) * 3 + c];

                sum += value;
                squares += value * value;
            }
        total += (double)squares - (double)sum * (double)sum / (crop * crop);
    }
    return total;
}

/* The corner of a square at a random place of a frame: the most varied of a few where the recipe wants it busy. */
static const uint8_t *choose_place(const cv_picture_recipe *recipe, const uint8_t *frame, int side, uint64_t seed,
                                   uint32_t counter[4], bool any_place)
{
    const uint8_t *best = NULL;
    double most = -1;

    for (int i = 0; i < PLACES; i++) {
        const uint8_t *corner;
        uint32_t bits[4];
        double found;

        counter[2] = (uint32_t)i + 1;
        cv_rng_block(bits, seed, counter);
        corner = frame + (bits[0] % (uint32_t)(side - recipe->crop + 1) * (uint32_t)side +
                          bits[1] % (uint32_t)(side - recipe->crop + 1)) *
                             3;
        if (any_place || (i == 0 && cv_rng_unit(bits[2], bits[3]) >= recipe->busy))
            return corner;
        found = variation(corner, side, recipe->crop);
        if (found > most) {
            most = found;
            best = corner;
        }
    }
    return best;
}

/* A square of a random frame of a random clip; those of the evaluation lie anywhere. */
static void cut(picture_learner *l, const cogvideo_dataset *dataset, uint8_t *out, uint64_t seed, uint32_t index,
                uint32_t picture, uint32_t stream)
{
    uint32_t counter[4] = { index, picture, 0, stream }, bits[4];
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    int crop = l->recipe->crop;
    const uint8_t *corner;

    cv_rng_block(bits, seed, counter);
    cogvideo_dataset_get_info(dataset, &info);
    if (cogvideo_dataset_get_clip(dataset, (int)(bits[0] % (uint32_t)info.clips), &clip, NULL) != COGVIDEO_OK)
        return; /* an index below the count is always there */
    corner = clip.pixels + (size_t)(bits[1] % (uint32_t)clip.frames) * (size_t)(info.size * info.size * 3);
    corner = choose_place(l->recipe, corner, info.size, seed, counter, stream == DRAW_HELD_OUT);
    for (int row = 0; row < crop; row++)
        memcpy(out + (size_t)(row * crop * 3), corner + (size_t)(row * info.size * 3), (size_t)(crop * 3));
}

static void fill(picture_learner *l, uint32_t index, uint32_t stream)
{
    const cv_picture_recipe *recipe = l->recipe;
    size_t size = (size_t)(recipe->crop * recipe->crop * 3);

    for (int i = 0; i < recipe->head.batch; i++) {
        size_t number = (size_t)index * (size_t)recipe->head.batch + (size_t)i; /* of the picture, in the whole run */
        const cogvideo_dataset *dataset = stream == DRAW_HELD_OUT ? l->held_out : l->data[number % (size_t)l->datasets];

        cut(l, dataset, l->pixels + (size_t)i * size, stream == DRAW_HELD_OUT ? 1 : recipe->head.seed, index,
            (uint32_t)i, stream);
    }
}

static double loss_of(const picture_learner *l, const cv_image_losses *losses)
{
    const cv_picture_recipe *recipe = l->recipe;

    return recipe->l1 * losses->l1 + recipe->l2 * losses->l2 +
           (l->quantized ? recipe->commitment * losses->commitment : 0);
}

static cv_codebook_batch latest(const picture_learner *l)
{
    return (cv_codebook_batch){ cv_image_learner_vectors(l->learner), cv_image_learner_codes(l->learner),
                                cv_image_learner_rows(l->learner) };
}

static cv_codebook_batch measure(void *user, uint64_t index, bool counting)
{
    picture_learner *l = user;
    cv_image_losses losses;

    fill(l, (uint32_t)index, counting ? DRAW_COUNT : DRAW_CROP);
    cv_image_learner_measure(l->learner, &losses, l->pixels);
    return latest(l);
}

static void before(cv_learner *learner, int step)
{
    cv_codebook_before(&((picture_learner *)learner)->codebook, step);
}

static double batch(cv_learner *learner, uint64_t index)
{
    picture_learner *l = (picture_learner *)learner;
    cv_image_losses losses;

    /* one batch is a step here */
    l->quantized = !cv_codebook_plain(&l->recipe->codebook, index);
    cv_image_learner_quantize(l->learner, l->quantized);
    fill(l, (uint32_t)index, DRAW_CROP);
    cv_image_learner_run(l->learner, &losses, l->pixels);
    return loss_of(l, &losses);
}

static void moved(cv_learner *learner, int step)
{
    picture_learner *l = (picture_learner *)learner;

    cv_codebook_moved(&l->codebook, step, latest(l));
}

static bool evaluate(cv_learner *learner, double *loss, char *members, size_t size)
{
    picture_learner *l = (picture_learner *)learner;
    const cv_picture_recipe *recipe = l->recipe;
    double l2 = 0, commitment = 0;
    cv_image_losses losses;

    *loss = 0;
    if (!l->held_out)
        return false;
    for (int b = 0; b < recipe->head.evaluate_batches; b++) {
        fill(l, (uint32_t)b, DRAW_HELD_OUT);
        cv_image_learner_measure(l->learner, &losses, l->pixels);
        *loss += loss_of(l, &losses) / recipe->head.evaluate_batches;
        l2 += losses.l2;
        commitment += losses.commitment;
    }
    snprintf(members, size, ",\"psnr\":%.3f,\"commitment\":%.4g,\"codes_used\":%d",
             -10 * log10(fmax(l2 / recipe->head.evaluate_batches, 1e-12)), commitment / recipe->head.evaluate_batches,
             cv_codebook_used(&l->codebook.codebook, recipe->codebook.dead));
    return true;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status open_dataset(const picture_learner *l, const char *folder, cogvideo_dataset **out,
                                    cogvideo_error *err)
{
    cogvideo_status status = cogvideo_dataset_open(out, folder, err);
    cogvideo_dataset_info info;

    if (status != COGVIDEO_OK)
        return status;
    cogvideo_dataset_get_info(*out, &info);
    if (info.size < l->recipe->crop)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: has frames of %dx%d pixels, the recipe cuts squares of %d",
                       folder, info.size, info.size, l->recipe->crop);
    return COGVIDEO_OK;
}

static cogvideo_status open_data(picture_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    cogvideo_status status = COGVIDEO_OK;

    if (options->data_count < 1 || options->data_count > MAX_DATASETS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "1 to %d datasets are needed, not %d", MAX_DATASETS,
                       options->data_count);
    for (int i = 0; i < options->data_count; i++) {
        CV_TRY(open_dataset(l, options->data[i], &l->data[i], err));
        l->datasets++;
    }
    if (options->held_out)
        CV_TRY(open_dataset(l, options->held_out, &l->held_out, err));
done:
    return status;
}

static cogvideo_status make_stores(picture_learner *l, const cv_image_tokenizer_config *config, cogvideo_error *err)
{
    cv_codebook *book = &l->codebook.codebook;
    cv_learner *head = &l->head;
    cogvideo_status status;
    cv_store *plan = NULL;

    CV_TRY(cv_image_tokenizer_plan(&plan, config, err));
    CV_TRY(cv_store_create_like(&head->weights[0], "weights of the image tokenizer", plan, err));
    CV_TRY(cv_store_create_like(&head->gradients[0], "gradients of the image tokenizer", plan, err));
    head->stores = 1;
    cv_store_close(&plan);
    CV_TRY(cv_store_plan(&plan, "averages of the codebook", err));
    CV_TRY(cv_codebook_bind(book, head->weights[0], plan, config->codes, config->latent, err));
    CV_TRY(cv_store_create_like(&head->state, "averages of the codebook", plan, err));
    CV_TRY(cv_codebook_bind(book, head->weights[0], head->state, config->codes, config->latent, err));
done:
    cv_store_close(&plan);
    return status;
}

/* --- results -------------------------------------------------------------------------------------------------- */

/* Cluster labels by k-means on the codebook. */
static cogvideo_status publish_clusters(picture_learner *l, cogvideo_error *err)
{
    static const char *const keys[] = { "file", NULL }, *const files[] = { "clusters.safetensors", NULL };
    const cv_codebook *book = &l->codebook.codebook;
    size_t shape[1] = { (size_t)book->codes };
    int k = l->recipe->clusters;
    cogvideo_status status = COGVIDEO_OK;
    cv_store_writer *writer = NULL;
    char *path = cv_path_join(l->head.options->model, files[0], err);
    float *centres = NULL;
    int32_t *labels = NULL;
    cv_arena arena = { 0 }, measure = { 0 };

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    CV_NEW(centres, (size_t)k * (size_t)book->latent, err);
    CV_NEW(labels, book->codes, err);
    cv_kmeans(l->head.exec, centres, labels, book->vectors, book->codes, book->latent, k, CLUSTER_ROUNDS,
              l->head.recipe->seed, &measure);
    CV_TRY(cv_arena_create(&arena, measure.peak, err));
    cv_kmeans(l->head.exec, centres, labels, book->vectors, book->codes, book->latent, k, CLUSTER_ROUNDS,
              l->head.recipe->seed, &arena);
    CV_TRY(cv_store_writer_create(&writer, path, err));
    CV_TRY(cv_store_writer_declare(writer, "labels", CV_I32, 1, shape, err));
    CV_TRY(cv_store_writer_data(writer, labels, shape[0] * sizeof *labels, err));
    CV_TRY(cv_store_writer_commit(&writer, err));
    CV_TRY(cv_publish_part(&l->head, "clusters", keys, files, err));
done:
    cv_store_writer_abandon(&writer);
    cv_free(centres);
    cv_free(labels);
    cv_arena_free(&arena);
    cv_free(path);
    return status;
}

static cogvideo_status publish(cv_learner *learner, cogvideo_error *err)
{
    picture_learner *l = (picture_learner *)learner;
    cogvideo_status status;

    CV_TRY(cv_publish_file(learner, learner->weights[0], "image_tokenizer", "image_tokenizer.safetensors", err));
    if (l->recipe->clusters > 0)
        CV_TRY(publish_clusters(l, err));
    else if (cv_cogvideo_of(learner->model)->description.files.clusters)
        CV_TRY(cv_publish_part(learner, "clusters", NULL, NULL, err)); /* they would be those of another codebook */
done:
    return status;
}

/* A frame, and what remains of it. */
static cogvideo_status sample(cv_learner *learner, const cogvideo_model *newest, int index, cogvideo_video *out,
                              cogvideo_error *err)
{
    const picture_learner *l = (const picture_learner *)learner;
    const cogvideo_dataset *dataset = l->held_out ? l->held_out : l->data[0];
    const cogvideo_decode_options options = { 0 };
    cogvideo_video fitted = { 0 }, decoded = { 0 };
    cogvideo_tokens codes = { 0 };
    cogvideo_dataset_info info;
    cogvideo_dataset_clip clip;
    const uint8_t *frame;
    cogvideo_status status;
    size_t size;

    cogvideo_dataset_get_info(dataset, &info);
    CV_TRY(cogvideo_dataset_get_clip(dataset, (int)((long long)index * info.clips / learner->recipe->samples), &clip,
                                     err));
    frame = clip.pixels + (size_t)(clip.frames / 2) * (size_t)(info.size * info.size * 3);
    CV_TRY(cv_frames_encode(cv_cogvideo_of(newest), &info, &frame, 1, &fitted, &codes, err));
    CV_TRY(cogvideo_decode(newest, &options, &codes, &decoded, err));
    CV_TRY(cogvideo_video_alloc(out, fitted.width, fitted.height, 2, 0, err));
    size = (size_t)fitted.width * (size_t)fitted.height * 3;
    memcpy(out->pixels, fitted.pixels, size);
    memcpy(out->pixels + size, decoded.pixels, size);
done:
    cogvideo_video_free(&fitted);
    cogvideo_video_free(&decoded);
    cogvideo_tokens_free(&codes);
    return status;
}

static void learner_close(cv_learner *learner)
{
    picture_learner *l = (picture_learner *)learner;

    cv_image_learner_close(&l->learner);
    cv_learner_close_stores(learner);
    for (int i = 0; i < MAX_DATASETS; i++)
        cogvideo_dataset_close(&l->data[i]);
    cogvideo_dataset_close(&l->held_out);
    cv_codebook_learner_close(&l->codebook);
    cv_free(l->pixels);
    cv_free(l);
}

/* Products of sizes below stay within an int. */
static cogvideo_status check_options(const cogvideo_train_options *options, const cv_picture_recipe *recipe,
                                     const cv_description *d, cogvideo_error *err)
{
    const int side = recipe->crop / d->rate; /* of a square, in codes */
    cogvideo_status status;

    CV_TRY(cv_codebook_check(&recipe->codebook, &recipe->head, options, "image tokenizer", err));
    if (recipe->clusters > d->image_tokenizer.codes)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the recipe wants %d clusters of %d codes", recipe->clusters,
                       d->image_tokenizer.codes);
    if ((int64_t)recipe->head.batch * recipe->crop * recipe->crop > INT_MAX / 3)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe wants batches of %d squares of %d pixels, which are too many", recipe->head.batch,
                       recipe->crop);
    CV_TRY(cv_codebook_check_rows(&recipe->codebook, (int64_t)recipe->head.batch * side * side, COUNT_BATCHES, err));
done:
    return status;
}

cogvideo_status cv_picture_learner_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *head,
                                        const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err)
{
    static const cv_learner_functions functions = { before, batch, moved, evaluate, publish, sample, learner_close };
    static const cv_init_rule rules[] = { { "*conv2.weight", CV_INIT_FAN_IN, 0.3f },
                                          { "*.proj_out.weight", CV_INIT_FAN_IN, 0.3f } };
    const cv_picture_recipe *recipe = (const cv_picture_recipe *)(const void *)head;
    const cv_description *d = &cv_cogvideo_of(model)->description;
    cv_image_learning learning = {
        recipe->head.batch,           recipe->crop, d->rate, recipe->l1, recipe->l2, recipe->commitment,
        recipe->codebook.decoder_only
    };
    cogvideo_status status;
    picture_learner *l = NULL;

    CV_TRY(check_options(options, recipe, d, err));
    CV_NEW(l, 1, err);
    l->head = (cv_learner){ .functions = &functions,
                            .options = options,
                            .recipe = head,
                            .exec = exec,
                            .model = model,
                            .items = recipe->head.batch,
                            .useful_after = recipe->codebook.decoder_only ? -1 : recipe->codebook.plain_steps };
    l->recipe = recipe;
    l->codebook = (cv_codebook_learner){ .pairs = cv_colour_pairs_of(model),
                                         .recipe = &recipe->codebook,
                                         .seed = recipe->head.seed,
                                         .count_batches = COUNT_BATCHES,
                                         .measure = measure,
                                         .user = l,
                                         .exec = exec,
                                         .log = &options->log };
    CV_TRY(open_data(l, err));
    CV_TRY(make_stores(l, &d->image_tokenizer, err));
    if (options->finetune && !options->resume)
        CV_TRY(cv_begin_with(&l->head, l->head.weights[0], d->files.image_tokenizer, "image-tokenizer", err));
    else
        cv_init_store(l->head.weights[0], recipe->head.seed, rules, 2);
    CV_NEW(l->pixels, (size_t)recipe->head.batch * (size_t)(recipe->crop * recipe->crop * 3), err);
    CV_TRY(cv_image_learner_open(&l->learner, exec, l->head.weights[0], l->head.gradients[0], &d->image_tokenizer,
                                 &learning, err));
    CV_TRY(cv_codebook_learner_open(&l->codebook, cv_image_learner_rows(l->learner), err));
    l->head.memory = cv_image_learner_bytes(l->learner) + l->codebook.arena.capacity;
    *out = &l->head;
    return COGVIDEO_OK;
done:
    if (l)
        learner_close(&l->head);
    return status;
}
