/* generate.c - the public runs: a whole family's steps, or one of them. */
#include "pipeline/run.h"

#include "value/value.h"

#include <string.h>

static cogvideo_status check_output(const cogvideo_run_options *output, bool video, cogvideo_error *err)
{
    if (!output->output || !*output->output)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'': a file name is needed for the output of a run");
    if (strcmp(output->output, "-") == 0 && (video || output->resume))
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "a run that makes pictures or goes on keeps files beside its output, so it cannot write to standard output: give a file");
    if (output->resume && output->force)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a run either goes on or starts over: resume and force cannot be combined");
    return COGVIDEO_OK;
}

/* A run whose chain is filled in. */
static cogvideo_status start(cv_run *run, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_run_plan(run, err));
    CV_TRY(cv_resume_open(run, err));
    CV_TRY(cv_resume_seed(run, err));
    CV_TRY(cv_resume_find(run, err));
    if (run->result->finished) {
        status = cv_resume_finish(run, err);
        goto done;
    }
    CV_TRY(cv_run_forecast(run, err));
    CV_TRY(cv_resume_begin(run, err)); /* from here on nothing is refused any more */
    CV_TRY(cv_run_steps(run, err));
done:
    cv_resume_end(run, status);
    return status;
}

static cv_run new_run(const cogvideo_model *model, const cogvideo_generate_options *options,
                      const cogvideo_run_options *output, const char *made_by, const cogvideo_value *in,
                      cogvideo_result *out)
{
    cv_run run = { .model = model,
                   .output = output,
                   .options = *options,
                   .samples = options->samples,
                   .caller = options->callbacks,
                   .made_by = made_by,
                   .input = in,
                   .result = out,
                   .journal = CV_NO_JOURNAL };

    *out = (cogvideo_result){ 0 };
    run.options.decode = &output->decode;
    return run;
}

void cogvideo_run_defaults(const cogvideo_model *model, cogvideo_run_options *run)
{
    *run = (cogvideo_run_options){ 0 };
    cogvideo_decode_defaults(model, &run->decode);
}

cogvideo_status cogvideo_generate(const cogvideo_model *model, const cogvideo_generate_options *options,
                                  const cogvideo_run_options *run, cogvideo_result *out, cogvideo_error *err)
{
    cv_run whole = new_run(model, options, run, "generate", run->first, out);
    cogvideo_status status;

    CV_TRY(check_output(run, true, err));
    if (run->first)
        CV_TRY(cv_value_check(run->first, err));
    CV_TRY(cv_chain_of_family(&whole.chain, model, run, err));
    CV_TRY(start(&whole, err));
done:
    return status;
}

cogvideo_status cogvideo_generate_step(const cogvideo_model *model, const char *step,
                                       const cogvideo_generate_options *options, const cogvideo_run_options *run,
                                       const cogvideo_value *in, cogvideo_result *out, cogvideo_error *err)
{
    cv_run one = new_run(model, options, run, step, in, out);
    cogvideo_status status;

    CV_TRY(check_output(run, false, err));
    if (in)
        CV_TRY(cv_value_check(in, err));
    CV_TRY(cv_chain_of_step(&one.chain, model, step, err));
    CV_TRY(start(&one, err));
done:
    return status;
}

cogvideo_status cogvideo_generate_check(const cogvideo_model *model, const cogvideo_generate_options *options,
                                        const cogvideo_run_options *run, cogvideo_result *out, cogvideo_error *err)
{
    cogvideo_result result;
    cv_run whole = new_run(model, options, run, "generate", run->first, &result);
    cogvideo_status status;

    CV_TRY(check_output(run, true, err));
    CV_TRY(cv_chain_of_family(&whole.chain, model, run, err));
    CV_TRY(cv_run_plan(&whole, err));
    result.seed = options->seed;
    *out = result;
    result = (cogvideo_result){ 0 };
done:
    cogvideo_result_free(&result);
    return status;
}
