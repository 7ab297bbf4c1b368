#include "train/optimizer.h"

#include "base/parallel.h"
#include "train/adamw.h"
#include "train/muon.h"

#include <math.h>
#include <string.h>

#define MAX_STORES 2

/* A matrix that Muon moves. */
typedef struct matrix {
    float *w, *m;
    const float *g;
    int rows, columns;
} matrix;

struct cv_optimizer {
    const cv_exec *exec;
    const cv_recipe *recipe;
    int stores;
    cv_store *weights[MAX_STORES], *gradients[MAX_STORES]; /* the caller's */
    cv_store *first[MAX_STORES], *second[MAX_STORES];
    matrix *matrices;
    int count;
    float *scratch; /* [threads][scratch_size] */
    size_t scratch_size;
    uint64_t bytes;
};

/* How many matrices Muon moves in a tensor; 0: it is AdamW's. */
static int muon_parts(const cv_recipe *recipe, const cv_tensor *tensor)
{
    return recipe->muon_rate > 0 && tensor->rank >= 2 && recipe->part->matrices ? recipe->part->matrices(tensor) : 0;
}

/* Appends the matrices of one tensor. */
static void add_matrices(cv_optimizer *o, int s, size_t t, int parts)
{
    const cv_tensor *tensor = cv_store_at(o->weights[s], t);
    int rows = (int)tensor->shape[0] / parts, columns = (int)(tensor->count / tensor->shape[0]);
    size_t size = (size_t)rows * (size_t)columns, scratch = cv_muon_scratch(rows, columns);

    for (int part = 0; part < parts; part++) {
        size_t at = (size_t)part * size;

        o->matrices[o->count++] =
            (matrix){ cv_tensor_values(tensor) + at, cv_tensor_values(cv_store_at(o->first[s], t)) + at,
                      cv_tensor_values(cv_store_at(o->gradients[s], t)) + at, rows, columns };
    }
    o->scratch_size = scratch > o->scratch_size ? scratch : o->scratch_size;
}

static cogvideo_status find_matrices(cv_optimizer *o, cogvideo_error *err)
{
    cogvideo_status status;
    int count = 0;

    for (int s = 0; s < o->stores; s++)
        for (size_t t = 0; t < cv_store_count(o->weights[s]); t++)
            count += muon_parts(o->recipe, cv_store_at(o->weights[s], t));
    CV_NEW(o->matrices, count, err);
    for (int s = 0; s < o->stores; s++)
        for (size_t t = 0; t < cv_store_count(o->weights[s]); t++)
            if (muon_parts(o->recipe, cv_store_at(o->weights[s], t)) > 0)
                add_matrices(o, s, t, muon_parts(o->recipe, cv_store_at(o->weights[s], t)));
    CV_NEW(o->scratch, (size_t)o->exec->threads * o->scratch_size, err);
    o->bytes += (size_t)o->exec->threads * o->scratch_size * sizeof *o->scratch;
    return COGVIDEO_OK;
done:
    return status;
}

cogvideo_status cv_optimizer_open(cv_optimizer **out, const cv_exec *exec, const cv_recipe *recipe,
                                  cv_store *const *weights, cv_store *const *gradients, int stores, cogvideo_error *err)
{
    cogvideo_status status;
    cv_optimizer *o = NULL;

    CV_NEW(o, 1, err);
    o->exec = exec;
    o->recipe = recipe;
    for (int s = 0; s < stores && s < MAX_STORES; s++) {
        o->weights[s] = weights[s];
        o->gradients[s] = gradients[s];
        o->stores++;
        CV_TRY(cv_store_create_like(&o->first[s], "first moments", weights[s], err));
        CV_TRY(cv_store_create_like(&o->second[s], "second moments", weights[s], err));
        for (size_t t = 0; t < cv_store_count(weights[s]); t++)
            o->bytes += 2 * cv_store_at(weights[s], t)->count * sizeof(float);
    }
    CV_TRY(find_matrices(o, err));
    *out = o;
    return COGVIDEO_OK;
done:
    cv_optimizer_close(&o);
    return status;
}

void cv_optimizer_close(cv_optimizer **optimizer)
{
    cv_optimizer *o = *optimizer;

    if (!o)
        return;
    for (int s = 0; s < o->stores; s++) {
        cv_store_close(&o->first[s]);
        cv_store_close(&o->second[s]);
    }
    cv_free(o->matrices);
    cv_free(o->scratch);
    cv_free(o);
    *optimizer = NULL;
}

cv_store *cv_optimizer_first(const cv_optimizer *optimizer, int store)
{
    return optimizer->first[store];
}
cv_store *cv_optimizer_second(const cv_optimizer *optimizer, int store)
{
    return optimizer->second[store];
}
uint64_t cv_optimizer_bytes(const cv_optimizer *optimizer)
{
    return optimizer->bytes;
}

double cv_optimizer_gradient_norm(const cv_optimizer *o)
{
    double sum = 0;

    for (int s = 0; s < o->stores; s++)
        for (size_t t = 0; t < cv_store_count(o->gradients[s]); t++) {
            const cv_tensor *tensor = cv_store_at(o->gradients[s], t);
            const float *values = tensor->data;
            double part[4] = { 0 };

            for (size_t i = 0; i < tensor->count; i++)
                part[i & 3] += (double)values[i] * (double)values[i];
            sum += (part[0] + part[2]) + (part[1] + part[3]);
        }
    return sqrt(sum);
}

void cv_optimizer_step(const cv_optimizer *o, int step, double scale)
{
    const cv_recipe *recipe = o->recipe;
    const double rate = cv_recipe_rate(recipe, step);
    const cv_adamw adamw = { rate, recipe->beta1, recipe->beta2, recipe->epsilon, recipe->weight_decay };
    const cv_muon muon = { recipe->learning_rate > 0 ? recipe->muon_rate * rate / recipe->learning_rate : 0,
                           recipe->muon_momentum, recipe->weight_decay };

    for (int s = 0; s < o->stores; s++)
        for (size_t t = 0; t < cv_store_count(o->weights[s]); t++)
            if (muon_parts(recipe, cv_store_at(o->weights[s], t)) == 0)
                cv_adamw_update(o->exec, &adamw, step, scale, cv_store_at(o->weights[s], t),
                                cv_store_at(o->gradients[s], t), cv_store_at(o->first[s], t),
                                cv_store_at(o->second[s], t));
#pragma omp parallel for num_threads(o->exec->threads) schedule(dynamic)
    for (int i = 0; i < o->count; i++) {
        const matrix *x = &o->matrices[i];

        cv_muon_update(&muon, scale, x->w, x->g, x->m, x->rows, x->columns,
                       o->scratch + (size_t)cv_thread_index() * o->scratch_size);
    }
}
