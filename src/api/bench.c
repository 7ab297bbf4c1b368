/* bench.c - the public benchmark. */
#include <cogvideo/bench.h>

#include "bench/machine.h"
#include "family/family.h"
#include "import/narrow.h"

#include <stdio.h>

static cogvideo_status bench_model(const cogvideo_bench_options *options, cogvideo_bench_report *out,
                                   cogvideo_error *err)
{
    const cogvideo_model_options how = { .threads = options->threads, .cache = options->cache };
    cogvideo_status status;
    cogvideo_model *model = NULL;
    cv_weight_type type = CV_WEIGHT_Q8;

    if (!options->work || !options->work[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a directory is needed for the model that is measured");
    if (options->type)
        CV_TRY(cv_narrow_type_read(&type, options->type, err));
    CV_TRY(cv_families[0]->bench_model(options->config, type, options->work, err));
    CV_TRY(cogvideo_model_open(&model, options->work, &how, err));
    CV_TRY(cv_kernels_choose(&model->exec.kernels, options->kernels, err));
    *out = (cogvideo_bench_report){ .threads = model->exec.threads, .rounds = options->rounds ? options->rounds : 5 };
    snprintf(out->kernels, sizeof out->kernels, "%s", model->exec.kernels.name);
    CV_TRY(model->family->bench(model, options, out, err));
done:
    cogvideo_model_close(&model);
    return status;
}

cogvideo_status cogvideo_bench(const cogvideo_bench_options *options, cogvideo_bench_report *out, cogvideo_error *err)
{
    return options->config ? bench_model(options, out, err) : cv_bench_machine(options, out, err);
}
