#include "model/image_tokenizer/learn.h"

#include "base/parallel.h"
#include "model/image_tokenizer/planes.h"
#include "nn/nearest.h"

#include <math.h>
#include <string.h>

/* The most parts that a batch is split into, and so the most threads that are busy. Each part but the first has
 * gradients of its own. */
#define PARTS 8

/* Sums over one image. */
typedef struct sums {
    double l1, l2, commitment;
} sums;

struct cv_image_learner {
    cv_exec exec; /* of the batch; one image runs on one thread */
    cv_image_learning options;
    cv_image_tokenizer *weights;
    const cv_picture_network *decoder;
    int halvings, positions; /* of one image */
    bool plain;              /* the decoder gets the encoder's vectors, unquantized */
    int parts;
    cv_store *gradients[PARTS]; /* the first is the caller's */
    cv_image_tokenizer *twins[PARTS];
    float *z;       /* [batch * positions][latent] */
    int32_t *codes; /* [batch * positions] */
    sums *sums;     /* [batch] */
    char *scratch;  /* [threads] of scratch_size */
    size_t scratch_size, bytes;
};

/* The state of one image. */
typedef struct picture {
    const cv_image_learner *learner;
    const cv_image_tokenizer *grad; /* NULL: losses only */
    const uint8_t *rgb;
    float *z;
    int32_t *codes;
    sums *sums;
} picture;

/* dy [3][pixels] = dL/d(x), where x is the decoder's result; dy NULL: only the sums. */
static void reconstruction(const picture *p, float *dy, const float *x)
{
    const cv_image_tokenizer_config *config = &p->learner->weights->config;
    const cv_image_learning *options = &p->learner->options;
    size_t pixels = (size_t)options->side * (size_t)options->side;
    double count = (double)options->batch * (double)pixels * 3, l1 = 0, l2 = 0;
    float by_l1 = (float)(options->l1 / count), by_l2 = (float)(2 * options->l2 / count);

    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < pixels; i++) {
            float d = x[c * pixels + i] * config->std[c] + config->mean[c] - (float)p->rgb[3 * i + c] / 255.0f;
            float sign = d > 0 ? 1.0f : d < 0 ? -1.0f : 0.0f;

            l1 += (double)fabsf(d);
            l2 += (double)d * (double)d;
            if (dy)
                dy[c * pixels + i] = (by_l1 * sign + by_l2 * d) * config->std[c];
        }
    p->sums->l1 = l1;
    p->sums->l2 = l2;
}

/* dz [latent][positions], which holds the straight-through gradient, += the gradient of the commitment loss; dz
 * NULL: only the sum. */
static void commitment(const picture *p, float *dz)
{
    const cv_image_learner *learner = p->learner;
    const cv_weight *codebook = &learner->weights->codebook;
    double count = (double)learner->options.batch * (double)learner->positions * (double)codebook->K, sum = 0;
    float by = learner->plain ? 0.0f : (float)(2 * learner->options.commitment / count);

    for (int i = 0; i < learner->positions; i++)
        for (int k = 0; k < codebook->K; k++) {
            const float *vector = (const float *)codebook->data + (size_t)p->codes[i] * (size_t)codebook->K;
            float d = p->z[(size_t)i * (size_t)codebook->K + (size_t)k] - vector[k];

            sum += (double)d * (double)d;
            if (dz)
                dz[(size_t)k * (size_t)learner->positions + (size_t)i] += by * d;
        }
    p->sums->commitment = sum;
}

/* Runs forward and, where there are gradients, backward. Only measures on a measuring arena. */
static void run_picture(const picture *p, cv_arena *arena)
{
    const cv_image_learner *learner = p->learner;
    const cv_image_tokenizer *weights = learner->weights;
    const cv_exec one = { .threads = 1, .kernels = learner->exec.kernels };
    int side = learner->options.side, rate = learner->options.rate, latent = weights->config.latent;
    cv_tape tapes[2] = { { .count = 0 } };
    cv_planes encoder = { .exec = &one, .arena = arena, .height = side, .width = side };
    cv_planes decoder = { .exec = &one, .arena = arena, .height = side / rate, .width = side / rate };
    float *dy, *dz;

    encoder.tape = p->grad && !learner->options.decoder_only ? &tapes[0] : NULL;
    decoder.tape = p->grad ? &tapes[1] : NULL;
    cv_planes_take(&encoder, &weights->encoder, latent, side, side);
    cv_planes_encode(&encoder, weights, p->rgb, NULL, learner->halvings);
    if (arena->base)
        cv_planes_rows(&encoder, p->z, latent);
    cv_nearest(&one, p->codes, p->z, learner->positions, &weights->codebook, arena);
    cv_planes_take(&decoder, learner->decoder, latent, side, side);
    if (arena->base && learner->plain)
        memcpy(decoder.x, encoder.x, (size_t)learner->positions * (size_t)latent * sizeof *decoder.x);
    cv_planes_decode(&decoder, weights, learner->decoder, learner->plain ? NULL : p->codes);
    dy = cv_arena_take(arena, p->grad ? 3 * (size_t)side * (size_t)side : 0, sizeof *dy);
    if (arena->base)
        reconstruction(p, p->grad ? dy : NULL, decoder.x);
    if (p->grad) {
        dz = cv_tape_backward(&one, &tapes[1], weights, p->grad, dy, 3, side, side, true, arena);
        if (arena->base)
            commitment(p, learner->options.decoder_only ? NULL : dz);
        if (!learner->options.decoder_only)
            cv_tape_backward(&one, &tapes[0], weights, p->grad, dz, latent, side / rate, side / rate, false, arena);
    } else if (arena->base) {
        commitment(p, NULL);
    }
}

/* --- opening -------------------------------------------------------------------------------------------------- */

cogvideo_status cv_image_tokenizer_plan(cv_store **out, const cv_image_tokenizer_config *config, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_image_tokenizer *tokenizer = NULL;

    CV_TRY(cv_store_plan(&plan, "image tokenizer", err));
    CV_TRY(cv_image_tokenizer_open(&tokenizer, plan, config, err));
    cv_image_tokenizer_close(&tokenizer);
    *out = plan;
    return COGVIDEO_OK;
done:
    cv_store_close(&plan);
    return status;
}

static cogvideo_status check_options(const cv_image_learner *learner, cogvideo_error *err)
{
    const cv_image_learning *options = &learner->options;

    if (options->batch < 1 || options->batch > 1 << 16)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a batch must hold 1 to %d pictures, not %d", 1 << 16,
                       options->batch);
    if (learner->halvings < 0 || !learner->decoder || options->side % options->rate != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "an image tokenizer of this config cannot be trained at rate %d on pictures of %dx%d: it needs "
                       "a decoder of that rate, and sides that are multiples of it",
                       options->rate, options->side, options->side);
    return COGVIDEO_OK;
}

static cogvideo_status open_parts(cv_image_learner *learner, cv_store *gradients, cogvideo_error *err)
{
    cogvideo_status status;
    const cv_image_tokenizer_config *config = &learner->weights->config;

    for (; learner->parts < PARTS && learner->parts < learner->options.batch; learner->parts++) {
        cv_store **store = &learner->gradients[learner->parts];

        if (learner->parts == 0)
            *store = gradients;
        else
            CV_TRY(cv_store_create_like(store, "gradients", gradients, err));
        CV_TRY(cv_image_tokenizer_open(&learner->twins[learner->parts], *store, config, err));
        for (size_t i = 0; learner->parts > 0 && i < cv_store_count(*store); i++)
            learner->bytes += cv_store_at(*store, i)->count * sizeof(float);
    }
    return COGVIDEO_OK;
done:
    if (learner->parts > 0)
        cv_store_close(&learner->gradients[learner->parts]);
    return status;
}

static cogvideo_status open_memory(cv_image_learner *learner, cogvideo_error *err)
{
    cogvideo_status status;
    cv_arena arena = { 0 };
    size_t rows = (size_t)learner->options.batch * (size_t)learner->positions, scratch;
    size_t latent = (size_t)learner->weights->config.latent;

    if (learner->exec.threads > learner->parts) /* more threads would be idle */
        learner->exec.threads = learner->parts;
    run_picture(&(picture){ .learner = learner, .grad = learner->twins[0] }, &arena);
    learner->scratch_size = arena.peak;
    if (!cv_size_mul(arena.peak, (size_t)learner->exec.threads, &scratch))
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "a picture of %d pixels does not fit in memory",
                       learner->options.side);
    CV_NEW(learner->z, rows * latent, err);
    CV_NEW(learner->codes, rows, err);
    CV_NEW(learner->sums, learner->options.batch, err);
    CV_NEW(learner->scratch, scratch, err);
    learner->bytes += scratch + rows * (latent * sizeof(float) + sizeof(int32_t));
    return COGVIDEO_OK;
done:
    return status;
}

cogvideo_status cv_image_learner_open(cv_image_learner **out, const cv_exec *exec, cv_store *weights,
                                      cv_store *gradients, const cv_image_tokenizer_config *config,
                                      const cv_image_learning *options, cogvideo_error *err)
{
    cogvideo_status status;
    cv_image_learner *learner = NULL;
    int grid = options->rate > 0 ? options->side / options->rate : 0;

    CV_NEW(learner, 1, err);
    learner->exec = *exec;
    learner->options = *options;
    CV_TRY(cv_image_tokenizer_open(&learner->weights, weights, config, err));
    learner->halvings = cv_image_tokenizer_halvings(learner->weights, options->side, options->side, options->rate);
    learner->decoder = cv_image_tokenizer_decoder(learner->weights, grid, grid, options->rate);
    CV_TRY(check_options(learner, err));
    learner->positions = grid * grid;
    CV_TRY(open_parts(learner, gradients, err));
    CV_TRY(open_memory(learner, err));
    *out = learner;
    return COGVIDEO_OK;
done:
    cv_image_learner_close(&learner);
    return status;
}

void cv_image_learner_close(cv_image_learner **learner)
{
    cv_image_learner *l = *learner;

    if (!l)
        return;
    for (int i = 0; i < l->parts; i++) {
        cv_image_tokenizer_close(&l->twins[i]);
        if (i > 0)
            cv_store_close(&l->gradients[i]);
    }
    cv_image_tokenizer_close(&l->weights);
    cv_free(l->z);
    cv_free(l->codes);
    cv_free(l->sums);
    cv_free(l->scratch);
    cv_free(l);
    *learner = NULL;
}

size_t cv_image_learner_bytes(const cv_image_learner *learner)
{
    return learner->bytes;
}

/* --- running -------------------------------------------------------------------------------------------------- */

static void clear(cv_store *store)
{
    for (size_t i = 0; i < cv_store_count(store); i++) {
        const cv_tensor *tensor = cv_store_at(store, i);

        memset(cv_tensor_values(tensor), 0, tensor->count * sizeof(float));
    }
}

/* Runs the images of one part, in order. */
static void run_part(const cv_image_learner *learner, int part, const uint8_t *rgb, bool back)
{
    int batch = learner->options.batch, side = learner->options.side;
    int first = batch * part / learner->parts, end = batch * (part + 1) / learner->parts;
    size_t latent = (size_t)learner->weights->config.latent;

    if (back && part > 0)
        clear(learner->gradients[part]);
    for (int i = first; i < end; i++) {
        cv_arena arena =
            cv_arena_over(learner->scratch + (size_t)cv_thread_index() * learner->scratch_size, learner->scratch_size);
        size_t row = (size_t)i * (size_t)learner->positions;

        run_picture(&(picture){ .learner = learner,
                                .grad = back ? learner->twins[part] : NULL,
                                .rgb = rgb + (size_t)i * (size_t)side * (size_t)side * 3,
                                .z = learner->z + row * latent,
                                .codes = learner->codes + row,
                                .sums = learner->sums + i },
                    &arena);
    }
}

/* Adds the parts' gradients to the first one's. */
static void gather(const cv_image_learner *learner)
{
    const cv_exec *exec = &learner->exec;
    int count = (int)cv_store_count(learner->gradients[0]);

#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int t = 0; t < count; t++) {
        const cv_tensor *tensor = cv_store_at(learner->gradients[0], (size_t)t);
        float *sum = cv_tensor_values(tensor);

        for (int part = 1; part < learner->parts; part++) {
            const float *more = cv_store_at(learner->gradients[part], (size_t)t)->data;

            for (size_t i = 0; i < tensor->count; i++)
                sum[i] += more[i];
        }
    }
}

static void run(cv_image_learner *learner, cv_image_losses *losses, const uint8_t *rgb, bool back)
{
    const cv_exec *exec = &learner->exec;
    const cv_image_learning *options = &learner->options;
    double numbers = 3.0 * options->side * options->side * options->batch;
    double vectors = (double)learner->positions * options->batch * learner->weights->config.latent;

#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int part = 0; part < learner->parts; part++)
        run_part(learner, part, rgb, back);
    if (back)
        gather(learner);
    *losses = (cv_image_losses){ 0 };
    for (int i = 0; i < options->batch; i++) {
        losses->l1 += learner->sums[i].l1 / numbers;
        losses->l2 += learner->sums[i].l2 / numbers;
        losses->commitment += learner->sums[i].commitment / vectors;
    }
    losses->psnr = -10 * log10(losses->l2 > 1e-12 ? losses->l2 : 1e-12);
}

void cv_image_learner_run(cv_image_learner *learner, cv_image_losses *losses, const uint8_t *rgb)
{
    run(learner, losses, rgb, true);
}

void cv_image_learner_measure(cv_image_learner *learner, cv_image_losses *losses, const uint8_t *rgb)
{
    run(learner, losses, rgb, false);
}

void cv_image_learner_quantize(cv_image_learner *learner, bool quantize)
{
    learner->plain = !quantize;
}

const float *cv_image_learner_vectors(const cv_image_learner *learner)
{
    return learner->z;
}
const int32_t *cv_image_learner_codes(const cv_image_learner *learner)
{
    return learner->codes;
}
int cv_image_learner_rows(const cv_image_learner *learner)
{
    return learner->options.batch * learner->positions;
}
