#include "train/loop.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/lock.h"
#include "base/path.h"
#include "train/checkpoint.h"
#include "train/learner.h"
#include "train/log.h"
#include "train/optimizer.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_BATCH 5.0 /* seconds */

typedef struct train_loop {
    const cogvideo_train_options *options;
    cv_recipe *recipe;
    cogvideo_model *model;
    const cv_part *part;
    cv_learner *learner;
    cv_optimizer *optimizer;
    char *checkpoint;
    long long available; /* bytes of memory before the learner takes any; -1 = not known */
    int lock;            /* of the run's folder; -1 = not held */
    cv_train_log log;
    int step; /* finished */
    cogvideo_train_progress progress;
} train_loop;

static bool is_useful(const train_loop *loop)
{
    return loop->step > loop->learner->useful_after;
}

/* --- checkpoints ---------------------------------------------------------------------------------------------- */

static int list_stores(const train_loop *loop, cv_checkpoint_store stores[3 * CV_LEARNER_STORES + 1])
{
    const cv_learner *learner = loop->learner;
    int count = 0;

    for (int s = 0; s < learner->stores; s++) {
        const char *prefix = learner->prefixes[s] ? learner->prefixes[s] : "";

        stores[count++] = (cv_checkpoint_store){ prefix, "weights", learner->weights[s] };
        stores[count++] = (cv_checkpoint_store){ prefix, "first", cv_optimizer_first(loop->optimizer, s) };
        stores[count++] = (cv_checkpoint_store){ prefix, "second", cv_optimizer_second(loop->optimizer, s) };
    }
    if (learner->state)
        stores[count++] = (cv_checkpoint_store){ "", "state", learner->state };
    return count;
}

/* The part's file in the model directory, where it is of use there. */
static cogvideo_status publish(const train_loop *loop, cogvideo_error *err)
{
    return is_useful(loop) ? loop->learner->functions->publish(loop->learner, err) : COGVIDEO_OK;
}

static cogvideo_status save(const train_loop *loop, cogvideo_error *err)
{
    cv_checkpoint_store stores[3 * CV_LEARNER_STORES + 1];
    int count = list_stores(loop, stores);
    cv_checkpoint_head head = { .part = loop->part->name, .steps = loop->step };
    cogvideo_status status;

    cv_recipe_text(loop->recipe, head.recipe);
    memcpy(head.stands_on, loop->learner->stands_on, sizeof head.stands_on);
    status = cv_checkpoint_save(loop->checkpoint, &head, stores, count, err);
    return status == COGVIDEO_OK ? publish(loop, err) : status;
}

static cogvideo_status start_or_resume(train_loop *loop, cogvideo_error *err)
{
    cv_checkpoint_store stores[3 * CV_LEARNER_STORES + 1];
    int count = list_stores(loop, stores);
    cv_checkpoint_head head = { .part = loop->part->name };
    char changes[1000];
    cogvideo_status status;

    if (!loop->options->resume) {
        if (cv_path_exists(loop->checkpoint))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "%s: already exists; use --resume to go on from it, or choose another folder",
                           loop->checkpoint);
        return COGVIDEO_OK;
    }
    CV_TRY(cv_checkpoint_load(loop->checkpoint, &head, stores, count, err));
    if (head.stands_on[0] && loop->learner->foundation && strcmp(head.stands_on, loop->learner->stands_on) != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: was trained on another %s than that of %s", loop->checkpoint,
                       loop->learner->foundation, loop->options->model);
    if (head.recipe[0] && (cv_recipe_was(head.recipe, "muon_rate", 0) > 0) != (loop->recipe->muon_rate > 0))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: was trained %s Muon, and its averages mean nothing to another optimizer: set "
                       "'muon_rate' %s in the recipe, or begin another run with '--finetune'",
                       loop->checkpoint, loop->recipe->muon_rate > 0 ? "without" : "with",
                       loop->recipe->muon_rate > 0 ? "to 0" : "above 0");
    loop->step = head.steps;
    cv_recipe_changes(loop->recipe, head.recipe, changes, sizeof changes);
    if (changes[0])
        cv_log(&loop->options->log, COGVIDEO_LOG_WARNING, "the recipe is not that of %s: %s", loop->checkpoint,
               changes);
done:
    return status;
}

/* --- steps ---------------------------------------------------------------------------------------------------- */

static void clear_gradients(const cv_learner *learner)
{
    for (int s = 0; s < learner->stores; s++)
        for (size_t t = 0; t < cv_store_count(learner->gradients[s]); t++) {
            const cv_tensor *tensor = cv_store_at(learner->gradients[s], t);

            memset(cv_tensor_values(tensor), 0, tensor->count * sizeof(float));
        }
}

static bool asked_to_stop(const train_loop *loop)
{
    const cogvideo_train_options *options = loop->options;

    return options->progress && options->progress(options->user, &loop->progress) != 0;
}

/* False, and no weight moved, where the step was to be stopped. */
static bool run_step(train_loop *loop)
{
    cv_learner *learner = loop->learner;
    const cv_recipe *recipe = loop->recipe;
    double scale = 1.0 / recipe->accumulate, loss = 0, norm, started = cv_clock();

    if (learner->functions->before)
        learner->functions->before(learner, loop->step);
    clear_gradients(learner);
    for (int i = 0; i < recipe->accumulate; i++) {
        if (i > 0 && asked_to_stop(loop))
            return false;
        loss += learner->functions->batch(learner, (uint64_t)loop->step * (uint64_t)recipe->accumulate + (uint64_t)i);
    }
    norm = cv_optimizer_gradient_norm(loop->optimizer) * scale;
    if (recipe->clip > 0 && norm > recipe->clip)
        scale *= recipe->clip / norm;
    cv_optimizer_step(loop->optimizer, loop->step, scale);
    loop->progress.learning_rate = cv_recipe_rate(recipe, loop->step);
    if (learner->functions->moved)
        learner->functions->moved(learner, loop->step);
    loop->step++;
    loop->progress.step = loop->step;
    loop->progress.loss = loss / recipe->accumulate;
    loop->progress.gradient_norm = norm;
    loop->progress.samples_per_second = learner->items * recipe->accumulate / (cv_clock() - started);
    return true;
}

/* A loss that is no number never becomes a checkpoint. */
static cogvideo_status no_number(const train_loop *loop, cogvideo_error *err)
{
    return cv_fail(
        err, COGVIDEO_ERROR_ARGUMENT,
        "the loss of step %d is no number: lower the learning rate; the checkpoint of an earlier step is kept",
        loop->step);
}

static cogvideo_status evaluate(train_loop *loop, cogvideo_error *err)
{
    char members[1200] = "";
    double loss;

    if (!loop->learner->functions->evaluate(loop->learner, &loss, members, sizeof members))
        return COGVIDEO_OK;
    if (!isfinite(loss))
        return no_number(loop, err);
    loop->progress.held_out = loss;
    return cv_train_log_evaluation(&loop->log, loop->step, loss, members, err);
}

/* A sheet that cannot be made, as where a model lacks what sampling needs, is no reason to stop. */
static void show(const train_loop *loop)
{
    cogvideo_error why;

    if (cv_samples_write(loop->learner, loop->step, &why) != COGVIDEO_OK)
        cv_log(&loop->options->log, COGVIDEO_LOG_WARNING, "no sheet of samples after step %d: %s", loop->step,
               why.message);
}

static int last_step(const train_loop *loop)
{
    int wanted = loop->options->steps;

    return wanted > 0 && wanted < loop->recipe->steps ? wanted : loop->recipe->steps;
}

/* Says what the run takes before it begins, by the time of a batch that counts for nothing; a long one is not
 * repeated. */
static cogvideo_status announce(const train_loop *loop, cogvideo_error *err)
{
    cv_learner *learner = loop->learner;
    uint64_t index = (uint64_t)loop->step * (uint64_t)loop->recipe->accumulate;
    double step = 0, started, left;

    for (int i = 0; i < 2 && step < LONG_BATCH; i++) {
        started = cv_clock();
        learner->functions->batch(learner, index);
        step = cv_clock() - started;
        if (asked_to_stop(loop))
            return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "stopped before step %d", loop->step + 1);
    }
    step *= loop->recipe->accumulate;
    left = step * (last_step(loop) - loop->step);
    cv_log(&loop->options->log, COGVIDEO_LOG_INFO,
           "%s: %d of %d steps done; %.0f MB of memory, about %.*f %s (%.2g s a step)", loop->options->part, loop->step,
           last_step(loop), (double)loop->progress.memory / 1e6, left < 36000 && left >= 120 ? 1 : 0,
           left < 120    ? left
           : left < 3600 ? left / 60
                         : left / 3600,
           left < 120    ? "seconds"
           : left < 3600 ? "minutes"
                         : "hours",
           step);
    return COGVIDEO_OK;
}

/* Where what was learned is to be found. */
static void tell_place(const train_loop *loop)
{
    if (is_useful(loop))
        cv_log(&loop->options->log, COGVIDEO_LOG_INFO, "%s: step %d is in %s and in the model %s", loop->options->part,
               loop->step, loop->checkpoint, loop->options->model);
    else
        cv_log(&loop->options->log, COGVIDEO_LOG_INFO,
               "%s: step %d is in %s; the model %s gets its first file after step %d, since until "
               "then there is no codebook",
               loop->options->part, loop->step, loop->checkpoint, loop->options->model,
               loop->learner->useful_after + 1);
}

static cogvideo_status stopped(const train_loop *loop, int end, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "stopped after step %d of %d; a resumed run goes on from there",
                   loop->step, end);
}

static cogvideo_status run_steps(train_loop *loop, cogvideo_error *err)
{
    int end = last_step(loop);
    cogvideo_status status = COGVIDEO_OK;

    loop->progress.steps = end;
    while (loop->step < end) {
        bool stop, shows;

        if (!run_step(loop)) {
            CV_TRY(save(loop, err));
            return stopped(loop, end, err);
        }
        if (!isfinite(loop->progress.loss) || !isfinite(loop->progress.gradient_norm))
            return no_number(loop, err);
        CV_TRY(cv_train_log_step(&loop->log, &loop->progress, err));
        if (loop->step % loop->recipe->evaluate_every == 0 || loop->step == end)
            CV_TRY(evaluate(loop, err));
        stop = asked_to_stop(loop);
        shows = loop->recipe->samples > 0 && is_useful(loop) && loop->step % loop->recipe->sample_every == 0;
        if (stop || shows || loop->step % loop->recipe->save_every == 0 || loop->step == end)
            CV_TRY(save(loop, err));
        if (shows)
            show(loop);
        if (stop && loop->step < end)
            return stopped(loop, end, err);
    }
    tell_place(loop);
done:
    return status;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

/* Before hours are spent: where the part's file will go. */
static cogvideo_status check_model(const char *folder, cogvideo_error *err)
{
    if (!cv_path_is_dir(folder))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: is no folder: a model directory was expected", folder);
    if (access(folder, W_OK) != 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be written to, but the part goes there: %s", folder,
                       strerror(errno));
    return COGVIDEO_OK;
}

/* Where nothing is left to do: the run that made the last checkpoint may have been killed before its part was
 * published. */
static cogvideo_status finish_again(const train_loop *loop, const char *dependents, cogvideo_error *err)
{
    cv_log(&loop->options->log, COGVIDEO_LOG_INFO,
           dependents ? "%s: all of %d steps done; %s is left as it is, for it has %s"
                      : "%s: all of %d steps done; written to %s again",
           loop->options->part, last_step(loop), loop->options->model, dependents);
    return dependents ? COGVIDEO_OK : publish(loop, err);
}

/* Before the first step: nothing that is there is lost, and what is asked for can be had. */
static cogvideo_status begin(const train_loop *loop, cogvideo_error *err)
{
    const cogvideo_train_options *options = loop->options;
    const cv_part *part = loop->part;
    const char *dependents = part->dependents ? part->dependents(loop->model, loop->recipe, loop->step == 0) : NULL;

    if (loop->step >= last_step(loop))
        return finish_again(loop, dependents, err);
    if (dependents)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: has %s: a new '%s' wants a model directory of its own, without them", options->model,
                       dependents, options->part);
    if (!options->resume && !options->finetune && !options->force && part->is_there(loop->model, part))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: has a trained '%s': fine-tuning goes on from it ('--finetune'), overwriting begins "
                       "anew ('--force')",
                       options->model, options->part);
    if (loop->available >= 0 && loop->progress.memory > (uint64_t)loop->available)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY,
                       "%.1f GB of memory are needed and %.1f GB were free: make 'batch' smaller in the recipe, and "
                       "'accumulate' as much larger",
                       (double)loop->progress.memory / 1e9, (double)loop->available / 1e9);
    return announce(loop, err);
}

static bool names_model(const char *folder)
{
    char *path = cv_path_join(folder, "model.json", NULL);
    bool there = path && cv_path_exists(path);

    cv_free(path);
    return there;
}

static cogvideo_status open_folder(train_loop *loop, cogvideo_error *err)
{
    const char *folder = loop->options->output;
    cogvideo_status status;
    int why = mkdir(folder, 0777) == 0 ? 0 : errno;

    if (why && !cv_path_is_dir(folder))
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be made: %s", folder, strerror(why));
    if (access(folder, W_OK) != 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be written to: %s", folder, strerror(errno));
    if (names_model(folder))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: is a model directory: a run's checkpoint and log want a folder of their own", folder);
    if (!(loop->checkpoint = cv_path_join(folder, "checkpoint.safetensors", err)))
        return COGVIDEO_ERROR_MEMORY;
    status = cv_folder_lock(&loop->lock, folder, false, err);
    return status;
}

static cogvideo_status open_learner(train_loop *loop, cogvideo_error *err)
{
    const cv_exec *exec = &loop->model->exec;
    cogvideo_status status;
    cv_learner *learner;

    CV_TRY(loop->part->open(&loop->learner, loop->options, loop->recipe, exec, loop->model, err));
    learner = loop->learner;
    CV_TRY(cv_optimizer_open(&loop->optimizer, exec, loop->recipe, learner->weights, learner->gradients,
                             learner->stores, err));
    loop->progress.memory = learner->memory + cv_optimizer_bytes(loop->optimizer);
    for (int s = 0; s < learner->stores; s++)
        for (size_t t = 0; t < cv_store_count(learner->weights[s]); t++)
            loop->progress.memory += 2 * cv_store_at(learner->weights[s], t)->count * sizeof(float);
done:
    return status;
}

static void loop_close(train_loop *loop)
{
    cv_optimizer_close(&loop->optimizer);
    if (loop->learner)
        loop->learner->functions->close(loop->learner);
    cv_train_log_close(&loop->log);
    cv_folder_unlock(&loop->lock);
    cv_model_close(&loop->model);
    cv_recipe_close(&loop->recipe);
    cv_free(loop->checkpoint);
}

/* The part of the model's family that the options names. */
static cogvideo_status find_part(train_loop *loop, cogvideo_error *err)
{
    const cv_family *family = loop->model->family;
    cv_buffer known = { 0 };
    cogvideo_status status;

    for (int i = 0; i < family->part_count; i++)
        if (strcmp(family->parts[i].name, loop->options->part) == 0) {
            loop->part = &family->parts[i];
            return COGVIDEO_OK;
        }
    for (int i = 0; i < family->part_count; i++)
        if (cv_buffer_printf(&known, NULL, "%s%s", i ? ", " : "", family->parts[i].name) != COGVIDEO_OK)
            break;
    status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%.40s' is not a part of the family '%s' that can be trained: %s",
                     loop->options->part, family->name, known.data ? known.data : "it has none");
    cv_buffer_free(&known);
    return status;
}

cogvideo_status cv_train_run(const cogvideo_train_options *options, cogvideo_error *err)
{
    cogvideo_model_options how = { .threads = options->threads, .log = options->log };
    cogvideo_status status;
    train_loop loop = { .options = options, .lock = -1 };

    CV_TRY(check_model(options->model, err));
    CV_TRY(cv_model_open(&loop.model, options->model, &how, err));
    CV_TRY(find_part(&loop, err));
    CV_TRY(cv_recipe_open(&loop.recipe, options->recipe, loop.model->family, loop.part, err));
    CV_TRY(cv_exec_prepare(&loop.model->exec, err));
    loop.available = cv_memory_available();
    CV_TRY(open_folder(&loop, err));
    CV_TRY(open_learner(&loop, err));
    CV_TRY(start_or_resume(&loop, err));
    CV_TRY(cv_train_log_open(&loop.log, options->output, options->resume != 0, loop.step, err));
    CV_TRY(begin(&loop, err));
    CV_TRY(run_steps(&loop, err));
done:
    loop_close(&loop);
    return status;
}
