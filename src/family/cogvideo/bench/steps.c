#include "family/cogvideo/bench/steps.h"

#include "family/cogvideo/bench/draw.h"
#include "family/cogvideo/bench/finer.h"
#include "family/cogvideo/bench/lookahead.h"
#include "family/cogvideo/bench/picture.h"

#include <stdio.h>

/* Seconds of the codes of a whole clip: key frames as measured, and all rounds in the batches that are fastest. */
typedef struct clip_time {
    double keyframes, interpolation;
} clip_time;

static cogvideo_status keyframes(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                 cogvideo_bench_report *out, clip_time *clip, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_bench_drawing run = { .model = model,
                             .options = options,
                             .kind = CV_STAGE_SEQUENTIAL,
                             .pass = true,
                             .strands = 1 };
    char name[48];

    CV_TRY(cv_bench_draw(&run, err)); /* weights come from the disk; not counted */
    run.seconds = seconds;
    for (int given = 0; given < model->description.network.frames; given++) {
        run.given = given;
        run.pass = given <= 1;
        CV_TRY(cv_bench_draw(&run, err));
        if (given == 0)
            cv_bench_row(out, "text and the first code", run.first, "s");
        if (given == 1) { /* what follows continues from its keys and values */
            cv_bench_row(out, "pass over the first frame, guided", run.first, "s");
            clip->keyframes += run.first;
        }
        snprintf(name, sizeof name, given ? "key frame %d, guided" : "key frame %d", given);
        cv_bench_row(out, name, cv_drawing_rate(&run), "codes/s");
        clip->keyframes += cv_drawing_seconds(&run, 1);
    }
    cv_bench_memory(out);
done:
    return status;
}

/* Windows of all rounds: each round has twice those of the one before. */
static int window_count(const cv_cogvideo *model)
{
    const cv_cogvideo_config *config = &model->description.network;
    int windows = 0, frames = config->frames, known = cv_cogvideo_known(config);

    for (int round = 1; round < model->description.duration_count; round++) {
        int more = (frames - 1) / (known - 1);

        windows += more;
        frames += more * (config->frames - known);
    }
    return windows;
}

static cogvideo_status interpolation(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                     cogvideo_bench_report *out, clip_time *clip, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    cogvideo_status status = COGVIDEO_OK;
    double pass = 0; /* of one window */
    cv_bench_drawing run = { .model = model,
                             .options = options,
                             .kind = CV_STAGE_INTERPOLATE,
                             .given = cv_cogvideo_known(config),
                             .seconds = seconds };
    char name[48];

    for (int strands = 1; strands <= CV_BENCH_STRANDS; strands *= 2) {
        double all;

        run.pass = strands == 1;
        run.strands = strands;
        CV_TRY(cv_bench_draw(&run, err));
        if (strands == 1) {
            pass = run.first;
            snprintf(name, sizeof name, "pass over %d frames of a window", cv_cogvideo_known(config));
            cv_bench_row(out, name, pass, "s");
        }
        snprintf(name, sizeof name, "interpolation, batch %d", strands);
        cv_bench_row(out, name, cv_drawing_rate(&run), "codes/s");
        cv_bench_memory(out);
        all = (pass + cv_drawing_seconds(&run, config->frames - cv_cogvideo_known(config)) / strands) *
              window_count(model);
        if (strands == 1 || all < clip->interpolation)
            clip->interpolation = all;
    }
done:
    return status;
}

/* A model that makes pictures has no stages. */
static cogvideo_status clips(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                             cogvideo_bench_report *out, cogvideo_error *err)
{
    cogvideo_status status;
    clip_time clip = { 0 };

    CV_TRY(keyframes(model, seconds, options, out, &clip, err));
    CV_TRY(interpolation(model, seconds, options, out, &clip, err));
    cv_bench_row(out, "all key frames", clip.keyframes, "s");
    cv_bench_row(out, "all rounds of interpolation", clip.interpolation, "s");
done:
    return status;
}

cogvideo_status cv_cogvideo_bench(const cogvideo_model *head, const cogvideo_bench_options *options,
                                  cogvideo_bench_report *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const bool pictures = !model->stages[0].plus;
    const double seconds = options->seconds > 0 ? options->seconds : 10;
    double first = 0, finer = 0;
    cogvideo_status status;

    out->hidden = model->description.network.hidden;
    if (options->lookahead) {
        status = cv_bench_lookahead(model, seconds, options, out, err);
        goto done;
    }
    if (pictures)
        CV_TRY(cv_bench_picture(model, seconds, options, out, &first, err));
    else
        CV_TRY(clips(model, seconds, options, out, err));
    CV_TRY(cv_bench_finer(model, options, out, &finer, err));
    if (pictures)
        cv_bench_row(out, "a picture in all", first + finer, "s");
done:
    return status;
}
