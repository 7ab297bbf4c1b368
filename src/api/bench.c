/* bench.c - the public benchmark. */
#include <cogvideo/bench.h>

#include "bench/machine.h"
#include "family/family.h"
#include "import/narrow.h"

#include <stdio.h>

/* The family that a config names; the first one where it names none, or cannot be read, which is told by its reader. */
static cogvideo_status family_of(const cv_family **out, const char *config, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    const char *word = NULL;
    cv_json *json = NULL;

    *out = cv_families[0];
    if (cv_json_read(&json, config, (size_t)1 << 20, NULL) == COGVIDEO_OK && cv_json_is_object(json))
        status = cv_json_optional_string(json, "family", &word, config, err);
    if (status == COGVIDEO_OK && word && !(*out = cv_family_find(word)))
        status = cv_family_unknown(word, config, err);
    if (status == COGVIDEO_OK && !(*out)->bench_model)
        status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s: models of the family '%s' cannot be measured", config,
                         (*out)->name);
    cv_json_free(&json);
    return status;
}

static cogvideo_status bench_model(const cogvideo_bench_options *options, cogvideo_bench_report *out,
                                   cogvideo_error *err)
{
    const cogvideo_model_options how = { .threads = options->threads, .cache = options->cache };
    cogvideo_status status;
    cogvideo_model *model = NULL;
    const cv_family *family;
    cv_weight_type type = CV_WEIGHT_Q8;

    if (!options->work || !options->work[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a directory is needed for the model that is measured");
    if (options->type)
        CV_TRY(cv_narrow_type_read(&type, options->type, err));
    CV_TRY(family_of(&family, options->config, err));
    CV_TRY(family->bench_model(options->config, type, options->work, err));
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
    if (options->config)
        return bench_model(options, out, err);
    if (options->lookahead || options->prompt || options->hits != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "lookahead, prompt and hits are of a model: a config is missing");
    return cv_bench_machine(options, out, err);
}
