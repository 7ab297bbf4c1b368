#include "train/codebook_learner.h"

#include "base/mem.h"

#include <limits.h>
#include <string.h>

#define KMEANS_ROUNDS 10

cogvideo_status cv_codebook_check(const cv_codebook_recipe *recipe, const cv_recipe *head,
                                  const cogvideo_train_options *options, const char *name, cogvideo_error *err)
{
    if (head->accumulate > 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: %s: accumulate is %d, but the codebook's averages follow every batch: enlarge the "
                       "batch instead",
                       options->recipe, head->part->name, head->accumulate);
    if (options->finetune && !recipe->decoder_only)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the %s cannot be fine-tuned as a whole: all else is trained on its codes; decoder_only in the "
                       "recipe leaves them as they are",
                       name);
    if (recipe->decoder_only && !options->finetune && !options->resume)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the recipe trains the decoder only, so the rest must be there: '--finetune' begins with the "
                       "model's %s",
                       name);
    if (recipe->decoder_only && head->weight_decay > 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "weight_decay is %g, but decoder_only leaves the encoder as it is: it must be 0",
                       head->weight_decay);
    if (recipe->merge > 0 && !recipe->decoder_only)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "merge is %g, but only a recipe with decoder_only merges codes",
                       recipe->merge);
    return COGVIDEO_OK;
}

cogvideo_status cv_codebook_check_rows(const cv_codebook_recipe *recipe, int64_t rows, int count_batches,
                                       cogvideo_error *err)
{
    const int most = recipe->start_batches > count_batches ? recipe->start_batches : count_batches;

    if (rows > INT_MAX / most)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "batches of %lld codes are too many for a codebook that starts from %d batches and whose use is "
                       "counted over %d",
                       (long long)rows, recipe->start_batches, count_batches);
    return COGVIDEO_OK;
}

/* Sets the codes by the first `rows` vectors of `z`. Of pairs of colours, returns how many colours differ. */
static int start_from(const cv_codebook_learner *l, int rows, cv_arena *arena)
{
    if (l->pairs.count > 0)
        return cv_colour_pairs_start(l->exec, &l->codebook, &l->pairs, l->z, rows, l->seed, arena);
    cv_codebook_start(l->exec, &l->codebook, l->z, rows, l->recipe->start_batches, KMEANS_ROUNDS, l->seed, arena);
    return 0;
}

cogvideo_status cv_codebook_learner_open(cv_codebook_learner *l, int rows, cogvideo_error *err)
{
    const int batches = l->recipe->start_batches;
    cv_arena measure = { 0 };
    cogvideo_status status;

    if (l->codebook.codes == 0)
        return COGVIDEO_OK;
    CV_NEW(l->z, (size_t)rows * (size_t)batches * (size_t)l->codebook.latent, err);
    CV_NEW(l->away, rows, err);
    CV_NEW(l->counted, (size_t)rows * (size_t)l->count_batches, err);
    CV_NEW(l->merged, l->codebook.codes, err);
    start_from(l, rows * batches, &measure);
    CV_TRY(cv_arena_create(&l->arena, measure.peak, err));
done:
    return status;
}

void cv_codebook_learner_close(cv_codebook_learner *l)
{
    cv_free(l->z);
    cv_free(l->away);
    cv_free(l->counted);
    cv_free(l->merged);
    cv_arena_free(&l->arena);
}

bool cv_codebook_plain(const cv_codebook_recipe *recipe, uint64_t step)
{
    return !recipe->decoder_only && step < (uint64_t)recipe->plain_steps;
}

/* How often each code is used; and codes that look alike become one, where the recipe wants it. */
static void count(cv_codebook_learner *l)
{
    int rows = 0;

    for (int b = 0; b < l->count_batches; b++) {
        const cv_codebook_batch batch = l->measure(l->user, (uint64_t)b, true);

        rows = batch.rows;
        memcpy(l->counted + (size_t)b * (size_t)rows, batch.codes, (size_t)rows * sizeof *l->counted);
    }
    cv_codebook_count(&l->codebook, l->counted, rows * l->count_batches, l->count_batches);
    if (l->recipe->merge > 0)
        cv_log(l->log, COGVIDEO_LOG_INFO, "merge %g leaves %d codes in use", l->recipe->merge,
               cv_codebook_merge(&l->codebook, l->recipe->merge, l->merged));
}

static size_t size_of(const cv_codebook *codebook)
{
    return (size_t)codebook->codes * (size_t)codebook->latent * sizeof *codebook->vectors;
}

/* Codes of pairs of colours never move: `sums` keep them, so that what the optimizer does to them is undone. */
static void start(cv_codebook_learner *l, int step)
{
    const int batches = l->recipe->start_batches;
    int rows = 0, different;

    for (int b = 0; b < batches; b++) {
        const cv_codebook_batch batch = l->measure(l->user, (uint64_t)step + (uint64_t)b, false);
        const size_t numbers = (size_t)batch.rows * (size_t)l->codebook.latent;

        rows = batch.rows;
        memcpy(l->z + numbers * (size_t)b, batch.vectors, numbers * sizeof *l->z);
    }
    different = start_from(l, rows * batches, &l->arena);
    if (l->pairs.count == 0)
        return;
    if (different < l->pairs.colours)
        cv_log(l->log, COGVIDEO_LOG_WARNING, "only %d different colours were found, so some of %d mean the same",
               different, l->pairs.colours);
    memcpy(l->codebook.sums, l->codebook.vectors, size_of(&l->codebook));
    count(l); /* no averages will tell how often codes are used */
}

void cv_codebook_before(cv_codebook_learner *l, int step)
{
    if (l->codebook.codes == 0)
        return;
    if (l->recipe->decoder_only && step == 0)
        count(l);
    if (!l->recipe->decoder_only && step == l->recipe->plain_steps)
        start(l, step);
}

void cv_codebook_moved(cv_codebook_learner *l, int step, cv_codebook_batch batch)
{
    const cv_codebook_options averaging = { .decay = l->recipe->decay, .dead = l->recipe->dead, .seed = l->seed };

    if (l->codebook.codes == 0 || l->recipe->decoder_only || cv_codebook_plain(l->recipe, (uint64_t)step))
        return;
    if (l->pairs.count > 0) {
        memcpy(l->codebook.vectors, l->codebook.sums, size_of(&l->codebook));
        return;
    }
    cv_codebook_update(&l->codebook, &averaging, (uint64_t)step, batch.vectors, batch.codes, batch.rows, l->away);
}
