#include "pipeline/chain.h"

#include <string.h>

/* The run's changes to the family's row of steps are of steps that there are; one that can be asked for is one that the
 * model has what it needs for. */
static cogvideo_status check_changes(const cogvideo_model *model, const cogvideo_run_options *run, cogvideo_error *err)
{
    const cv_step *step;
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < run->with_count; i++) {
        CV_TRY(cv_model_step(model, run->with[i], &step, err));
        if (!step->asked)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the step '%s' need not be asked for", run->with[i]);
        if (step->need)
            CV_TRY(step->need(model, err));
    }
    for (int i = 0; i < run->without_count; i++)
        CV_TRY(cv_model_step(model, run->without[i], &step, err));
done:
    return status;
}

static bool is_named(const cv_step *step, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(step->name, names[i]) == 0)
            return true;
    return false;
}

/* A step that does not run: the run leaves it out or does not ask for it, or the model lacks it and can do without. */
static bool left_out(const cogvideo_model *model, const cv_step *step, const cogvideo_run_options *run)
{
    return is_named(step, run->without, run->without_count) ||
           (step->asked && !is_named(step, run->with, run->with_count)) ||
           (step->optional && !cv_model_has(model, step));
}

cogvideo_status cv_chain_of_family(cv_chain *out, const cogvideo_model *model, const cogvideo_run_options *run,
                                   cogvideo_error *err)
{
    const cv_family *family = model->family;
    cogvideo_status status = COGVIDEO_OK;
    cv_chain chain = { 0 };

    CV_TRY(check_changes(model, run, err));
    for (int i = 0; i < family->step_count; i++) {
        const cv_step *step = &family->steps[i];

        if (left_out(model, step, run))
            continue;
        if (chain.count > 0 && step->side_by_side)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "the step '%s' makes all samples side by side and must be the first: leave out '%s' or it",
                           step->name, chain.steps[0]->name);
        if (chain.count == COGVIDEO_MAX_STEPS)
            return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "the family '%s' has more than %d steps", family->name,
                           COGVIDEO_MAX_STEPS);
        chain.steps[chain.count++] = step;
    }
    if (chain.count == 0 || (chain.steps[chain.count - 1]->out != COGVIDEO_KIND_PIXELS &&
                             chain.steps[chain.count - 1]->out != COGVIDEO_KIND_CODES))
        return cv_model_cannot(model, "make videos or codes", err);
    *out = chain;
done:
    return status;
}

cogvideo_status cv_chain_of_step(cv_chain *out, const cogvideo_model *model, const char *name, cogvideo_error *err)
{
    cogvideo_status status;
    const cv_step *step;

    CV_TRY(cv_model_step(model, name, &step, err));
    if (step->out != COGVIDEO_KIND_CODES)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "the step '%s' makes %s, and only codes are kept as a file",
                       name, cogvideo_kind_name(step->out));
    *out = (cv_chain){ .steps = { step }, .count = 1 };
done:
    return status;
}

cogvideo_status cv_chain_plan(cv_chain *chain, const cogvideo_model *model, const cogvideo_generate_options *options,
                              const cogvideo_shape *in, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < chain->count; i++) {
        CV_TRY(cogvideo_plan_step(model, chain->steps[i]->name, options, in, &chain->plans[i], err));
        in = &chain->plans[i].out;
    }
done:
    return status;
}

const cogvideo_shape *cv_chain_shape(const cv_chain *chain)
{
    return &chain->plans[chain->count - 1].out;
}

int cv_chain_codes_step(const cv_chain *chain)
{
    int last = chain->count - 1;

    while (last >= 0 && chain->steps[last]->out != COGVIDEO_KIND_CODES)
        last--;
    return last;
}

double cv_chain_kept(const cv_chain *chain, int samples)
{
    double bytes = 0;

    for (int i = 0; i < chain->count; i++) {
        const cogvideo_plan *plan = &chain->plans[i];
        const double own = plan->kept > 0 ? (double)plan->kept : (double)plan->codes * sizeof(int32_t);

        bytes += own * (chain->steps[i]->side_by_side ? 1 : samples);
    }
    return bytes;
}

long long cv_chain_codes(const cv_chain *chain, int samples)
{
    long long codes = 0;

    for (int i = 0; i < chain->count; i++)
        codes += chain->plans[i].codes * (chain->steps[i]->side_by_side ? 1 : samples);
    return codes;
}
