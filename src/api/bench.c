/* bench.c - the public benchmark. */
#include <cogvideo/bench.h>

#include "bench/machine.h"
#include "family/family.h"
#include "import/narrow.h"

#include <stdio.h>

static cogvideo_status bench_model(const cogvideo_bench_request *request, cogvideo_bench_report *out, cogvideo_error *err)
{
    const cogvideo_model_options options = { .threads = request->threads, .cache = request->cache };
    cogvideo_status status;
    cogvideo_model *model = NULL;
    cv_weight_type type = CV_WEIGHT_Q8;

    if (!request->work || !request->work[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a directory is needed for the model that is measured");
    if (request->type)
        CV_TRY(cv_narrow_type_read(&type, request->type, err));
    CV_TRY(cv_families[0]->bench_model(request->config, type, request->work, err));
    CV_TRY(cogvideo_model_open(&model, request->work, &options, err));
    CV_TRY(cv_kernels_choose(&model->exec.kernels, request->kernels, err));
    *out = (cogvideo_bench_report){ .threads = model->exec.threads, .rounds = request->rounds ? request->rounds : 5 };
    snprintf(out->kernels, sizeof out->kernels, "%s", model->exec.kernels.name);
    CV_TRY(model->family->bench(model, request, out, err));
fail:
    cogvideo_model_close(&model);
    return status;
}

cogvideo_status cogvideo_bench(const cogvideo_bench_request *request, cogvideo_bench_report *out, cogvideo_error *err)
{
    return request->config ? bench_model(request, out, err) : cv_bench_machine(request, out, err);
}
