/* bench.c - the public benchmark. */
#include <cogvideo/bench.h>

#include "base/path.h"
#include "bench/machine.h"
#include "family/family.h"
#include "import/narrow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

/* What a folder's model is made of stands in its bench.json, so that no other model is measured in its place, and no
 * part of a trained one is ever filled in. */
static cogvideo_status claim_folder(const char *folder, const char *config, const char *type, cogvideo_error *err)
{
    char *own = cv_path_join(folder, "bench.json", err), *model = cv_path_join(folder, "model.json", err);
    cv_json *wanted = cv_json_new_object(), *there = NULL, *sizes = NULL;
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;

    if (!own || !model)
        goto done;
    CV_TRY(cv_json_read(&sizes, config, (size_t)1 << 20, err));
    cv_json_set_string(wanted, "type", type);
    cv_json_set_copy(wanted, "config", sizes);
    if (cv_path_exists(own)) {
        CV_TRY(cv_json_read(&there, own, (size_t)1 << 20, err));
        if (!cv_json_equal(there, wanted))
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "%s: holds a model of another config or type than %s in %s: choose another --work", folder,
                             config, type);
    } else if (cv_path_exists(model)) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "%s: holds a model that was not made to be measured: choose another --work, or measure that "
                         "model itself with --model",
                         folder);
    } else if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be made: %s", folder, strerror(errno));
    } else {
        status = cv_json_write(wanted, true, own, err);
    }
done:
    cv_json_free(&sizes);
    cv_json_free(&there);
    cv_json_free(&wanted);
    cv_free(own);
    cv_free(model);
    return status;
}

static cogvideo_status make_model(const cogvideo_bench_options *options, cogvideo_error *err)
{
    const char *name = options->type ? options->type : "q8";
    cogvideo_status status;
    const cv_family *family;
    cv_weight_type type;

    if (options->prompt)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a model of random numbers knows no words: a prompt needs a trained one, --model");
    if (!options->work || !options->work[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a directory is needed for the model that is measured");
    CV_TRY(cv_narrow_type_read(&type, name, err));
    CV_TRY(family_of(&family, options->config, err));
    CV_TRY(claim_folder(options->work, options->config, name, err));
    CV_TRY(family->bench_model(options->config, type, options->work, err));
done:
    return status;
}

static cogvideo_status bench_model(const cogvideo_bench_options *options, cogvideo_bench_report *out,
                                   cogvideo_error *err)
{
    const cogvideo_model_options how = { .threads = options->threads, .cache = options->cache };
    cogvideo_status status;
    cogvideo_model *model = NULL;

    if (!options->model)
        CV_TRY(make_model(options, err));
    CV_TRY(cogvideo_model_open(&model, options->model ? options->model : options->work, &how, err));
    if (!model->family->bench) {
        status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "models of the family '%s' cannot be measured",
                         model->family->name);
        goto done;
    }
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
    if (options->model && options->config)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a model or a config is measured, not both");
    if (options->model || options->config)
        return bench_model(options, out, err);
    if (options->lookahead || options->prompt || options->hits != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "lookahead, prompt and hits are of a model: it or a config is missing");
    return cv_bench_machine(options, out, err);
}
