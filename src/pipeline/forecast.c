#include "pipeline/forecast.h"

#include "base/cpu.h"
#include "base/path.h"
#include "base/units.h"

#include <string.h>
#include <sys/statvfs.h>

#define JOURNAL_BYTE 2  /* bytes in a journal of a byte that is kept */
#define JOURNAL_ROW 45  /* and of a row beside its codes */
#define RAW_PIXEL 3     /* bytes in .y4m and .ppm */
#define SMALL_PIXEL 0.1 /* about, in all other forms, which depends on what is seen */

/* The bytes that a run may take: run->max_memory, or what is free; negative where nobody knows. */
static double available_to(const cogvideo_run_options *run)
{
    return run->max_memory > 0 ? run->max_memory : (double)cogvideo_memory_available();
}

/* --- memory --------------------------------------------------------------------------------------------------- */

static cogvideo_status check_memory(const cv_step *step, const cogvideo_shape *shape, double bytes,
                                    const cogvideo_run_options *run, cogvideo_error *err)
{
    const bool video = shape->kind == COGVIDEO_KIND_PIXELS;
    const char *less =
        video ? "a smaller --size, and a form that holds no frames, such as numbered pictures" : step->less;
    const double available = available_to(run);
    const long long left = cv_address_space_left();
    char need[CV_UNITS], have[CV_UNITS], what[120], way[160] = "";

    if (less)
        snprintf(way, sizeof way, "; %s need less", less);
    snprintf(what, sizeof what, video ? "%s, %d frames of %dx%d pixels" : "%s", step->title, shape->frames,
             shape->width, shape->height);
    cv_units_bytes(need, bytes);
    if (left >= 0 && bytes > (double)left) {
        cv_units_bytes(have, (double)left);
        return cv_fail(
            err, COGVIDEO_ERROR_MEMORY,
            "%s: %s of memory are needed to work in, and the limits of the process (ulimit -v, ulimit -d) leave %s; "
            "fewer --threads need less%s; or raise the limits",
            what, need, have, way);
    }
    if (available < 0 || bytes <= available)
        return COGVIDEO_OK;
    cv_units_bytes(have, available);
    return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: %s of memory are needed to work in, and %s are %s%s%s", what, need,
                   have, run->max_memory > 0 ? "allowed" : "free", way,
                   run->max_memory > 0 ? "" : "; --max-memory allows more");
}

static void warn_of_weights(const cogvideo_model *model, const cogvideo_plan *plan, double available)
{
    char have[CV_UNITS];

    if (available <= 0 || (double)plan->weights <= available)
        return;
    cv_units_bytes(have, available);
    cv_log(&model->log, COGVIDEO_LOG_WARNING,
           "the weights do not fit the %s of free memory; they will be read again and again", have);
}

/* Bytes that step i works in; samples are chosen when the first one is done and has given back its own. */
static double working_bytes(const cv_forecast *forecast, int i)
{
    const cogvideo_plan *plan = &forecast->chain->plans[i];
    const double bytes = (double)plan->caches + (double)plan->scratch +
                         (plan->out.kind == COGVIDEO_KIND_PIXELS ? (double)forecast->writer : 0);

    return i == 0 && bytes < (double)forecast->scoring ? (double)forecast->scoring : bytes;
}

cogvideo_status cv_forecast_memory(const cv_forecast *forecast, cogvideo_error *err)
{
    const cv_chain *chain = forecast->chain;
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < chain->count; i++) {
        const cogvideo_plan *plan = &chain->plans[i];
        const double bytes = working_bytes(forecast, i);
        char weights[CV_UNITS], working[CV_UNITS];

        cv_units_bytes(weights, (double)plan->weights);
        cv_units_bytes(working, bytes);
        if (plan->codes > 0)
            cv_log(&forecast->model->log, COGVIDEO_LOG_INFO,
                   "%s: %lld codes to draw; memory: %s to work in, and weights of %s read from the file",
                   chain->steps[i]->title, plan->codes * (chain->steps[i]->side_by_side ? 1 : forecast->kept), working,
                   weights);
        CV_TRY(check_memory(chain->steps[i], &plan->out, bytes, forecast->run, err));
        warn_of_weights(forecast->model, plan, available_to(forecast->run));
    }
done:
    return status;
}

/* --- disk ----------------------------------------------------------------------------------------------------- */

static bool is_raw(const char *output)
{
    return cv_path_ends_in(output, ".y4m") || cv_path_ends_in(output, ".ppm");
}

/* Bytes of a code in a token stream, with what stands between two. */
static double code_bytes(const cogvideo_model *model)
{
    cogvideo_model_info info;
    char digits[16];

    cogvideo_model_get_info(model, &info);
    return 1.0 + snprintf(digits, sizeof digits, "%d", info.image_codes - 1);
}

static double bytes_of(const cv_forecast *forecast, uint64_t known)
{
    const cv_chain *chain = forecast->chain;
    const double code = code_bytes(forecast->model), left = cv_chain_kept(chain, forecast->kept) - (double)known;
    double bytes = 0;
    int width = 1;

    for (int i = 0; i < chain->count; i++) {
        const cogvideo_shape *shape = &chain->plans[i].out;
        const int clips = i == 0 ? forecast->samples : forecast->kept;
        const double places = clips * (double)shape->frames * shape->height * shape->width;

        if (shape->kind == COGVIDEO_KIND_PIXELS)
            bytes += places * (is_raw(forecast->run->output) ? RAW_PIXEL : SMALL_PIXEL);
        if (shape->kind != COGVIDEO_KIND_CODES)
            continue;
        bytes += places * code;
        width = width > shape->width ? width : shape->width;
    }
    return bytes + (left > 0 ? left * (JOURNAL_BYTE + (double)JOURNAL_ROW / (width * (double)sizeof(int32_t))) : 0);
}

cogvideo_status cv_forecast_disk(const cv_forecast *forecast, uint64_t known, cogvideo_error *err)
{
    const char *output = forecast->run->output;
    const double bytes = bytes_of(forecast, known);
    char *folder, need[CV_UNITS], have[CV_UNITS];
    struct statvfs disk;
    double free_bytes;
    int failed;

    if (strcmp(output, "-") == 0)
        return COGVIDEO_OK;
    if (!(folder = cv_path_folder(output, err)))
        return COGVIDEO_ERROR_MEMORY;
    failed = statvfs(folder, &disk);
    cv_free(folder);
    if (failed)
        return COGVIDEO_OK; /* where the system does not tell, the run will */
    free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    cv_units_bytes(need, bytes);
    cv_units_bytes(have, free_bytes);
    if (bytes > free_bytes)
        return cv_fail(err, COGVIDEO_ERROR_IO,
                       "%s: about %s of disk are needed and %s are free there; make room, or give -o on another disk%s",
                       output, need, have, is_raw(output) ? ", or a form that takes less, such as .mp4 or .jpg" : "");
    cv_log(&forecast->model->log, COGVIDEO_LOG_INFO, "disk: about %s of the %s that are free", need, have);
    return COGVIDEO_OK;
}
