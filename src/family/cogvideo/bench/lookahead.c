#include "family/cogvideo/bench/lookahead.h"

#include "base/rng.h"
#include "family/cogvideo/bench/draw.h"
#include "family/cogvideo/steps/step.h"

#include <stdio.h>
#include <string.h>

static const int widths[] = { 1, 2, 4, 8, 16 };
enum { WIDTHS = sizeof widths / sizeof *widths };

/* What is drawn: the first frame, what follows it, or what stands between. */
typedef struct drawn_part {
    const char *name;
    cv_step_kind step;
    cv_stage_kind stage;
    int given;
} drawn_part;

/* One width of a part. */
typedef struct width_run {
    cv_bench_drawing drawing;
    const int32_t *right; /* what is drawn in the end, at places before `known` */
    int known;
    double hits; /* share of guesses that are made to come true; 0 = as they come */
    int image_codes;
    uint32_t drawn; /* random numbers so far */
    long long steps, decided;
    cogvideo_status *status;
    cogvideo_error *err;
} width_run;

/* Guesses that come true with the probability that is asked for. */
static void guess(void *user, int sequence, int at, int count, int32_t *codes)
{
    width_run *run = user;

    (void)sequence;
    for (int i = 0; i < count && at + i < run->known; i++) {
        const uint32_t counter[4] = { run->drawn++, 0, 0, 0 };
        uint32_t bits[4];

        cv_rng_block(bits, 22, counter);
        codes[i] = run->right[at + i];
        if (cv_rng_unit(bits[0], bits[1]) >= run->hits)
            codes[i] = (codes[i] + 1) % run->image_codes;
    }
}

static double run_width(void *user)
{
    width_run *run = user;
    cogvideo_status status = *run->status;

    if (status == COGVIDEO_OK) /* a failed run is not made again: its error would be lost */
        *run->status = status = cv_bench_draw(&run->drawing, run->err);
    run->steps += run->drawing.ahead.sequence_steps;
    run->decided += run->drawing.ahead.decided;
    return status == COGVIDEO_OK ? run->drawing.places * 1e9 : 0;
}

static void add_rows(const drawn_part *part, const cv_bench_item *items, const width_run *runs,
                     cogvideo_bench_report *out)
{
    char name[48];

    for (int i = 0; i < WIDTHS && out->count < COGVIDEO_BENCH_ROWS; i++)
        out->rows[out->count++] = items[i].row;
    for (int i = 1; i < WIDTHS; i++) {
        snprintf(name, sizeof name, "%s, lookahead %d, a step", part->name, widths[i]);
        cv_bench_row(out, name, (double)runs[i].decided / (double)(runs[i].steps ? runs[i].steps : 1), "codes");
    }
}

/* All widths of a part, in turn. codes [frames][L]: what is given, then what is drawn. */
static cogvideo_status measure(const drawn_part *part, const cv_bench_drawing *like, int32_t *codes,
                               cogvideo_bench_report *out, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &like->model->description.network;
    const size_t count = (size_t)config->frames * (size_t)cv_cogvideo_places(config);
    cv_bench_item items[WIDTHS];
    width_run runs[WIDTHS] = { 0 };
    cv_lookahead_trial trials[WIDTHS];
    const int enough = 2 * widths[WIDTHS - 1]; /* so that the widest steps are not over before they are timed */
    cogvideo_status failed = COGVIDEO_OK, status;
    cv_bench_drawing first = *like;
    int decided;
    int32_t *own = NULL;

    CV_NEW(own, count, err);
    first.codes = codes;
    CV_TRY(cv_bench_draw(&first, err)); /* reads the weights from the disk, and finds the codes */
    memcpy(own, codes, count * sizeof *own);
    decided = (int)first.ahead.decided;
    for (int i = 0; i < WIDTHS; i++) {
        trials[i] = (cv_lookahead_trial){ .guess = guess, .user = &runs[i] };
        runs[i] = (width_run){ .drawing = *like,
                               .right = codes,
                               .known = like->given * cv_cogvideo_places(config) + decided,
                               .hits = like->options->hits,
                               .image_codes = config->image_codes,
                               .status = &failed,
                               .err = err };
        runs[i].drawing.codes = own;
        runs[i].drawing.most_places = decided > enough ? decided : enough;
        runs[i].drawing.seconds = 1e9; /* as many codes as the first one had time for */
        runs[i].drawing.lookahead = widths[i];
        runs[i].drawing.trial = runs[i].hits > 0 ? &trials[i] : NULL;
        items[i] = (cv_bench_item){ { .unit = "codes/s" }, run_width, &runs[i], &runs[i].drawing.took };
        snprintf(items[i].row.name, sizeof items[i].row.name, "%s, lookahead %d", part->name, widths[i]);
        if (i > 0)
            memcpy(items[i].row.limit, items[0].row.name, sizeof items[0].row.name);
    }
    CV_TRY(cv_bench_rounds(items, WIDTHS, out->rounds, like->options, err));
    if ((status = failed) == COGVIDEO_OK)
        add_rows(part, items, runs, out);
done:
    cv_free(own);
    return status;
}

/* The prompt's text and sampling where there is one, then the part. */
static cogvideo_status run_part(const drawn_part *part, const cv_cogvideo *model, double seconds,
                                const cogvideo_bench_options *options, int32_t *codes, cogvideo_bench_report *out,
                                cogvideo_error *err)
{
    cogvideo_generate_options asked = { .samples = 1, .seconds = 1, .prompt = options->prompt };
    cv_cogvideo_step step = { 0 };
    cogvideo_status status;
    cv_bench_drawing like = { .model = model,
                              .options = options,
                              .kind = part->stage,
                              .given = part->given,
                              .pass = true,
                              .whole = true,
                              .strands = 1,
                              .seconds = seconds,
                              .most_places =
                                  cv_cogvideo_places(&model->description.network) * model->description.network.frames };

    if (options->prompt) {
        cv_cogvideo_defaults(&model->head, &asked);
        CV_TRY(cv_check_options(model, &asked, err));
        CV_TRY(cv_cogvideo_step_begin(&step, model, &asked, part->step, 0, err));
        like.step = &step;
    }
    status = measure(part, &like, codes, out, err);
done:
    cv_cogvideo_step_free(&step);
    return status;
}

cogvideo_status cv_bench_lookahead(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                   cogvideo_bench_report *out, cogvideo_error *err)
{
    const cv_cogvideo_config *config = &model->description.network;
    const int L = cv_cogvideo_places(config), known = cv_cogvideo_known(config), frames = config->frames;
    const drawn_part parts[] = { { "first frame", CV_STEP_FIRST_FRAME, CV_STAGE_SEQUENTIAL, 0 },
                                 { "key frames", CV_STEP_KEYFRAMES, CV_STAGE_SEQUENTIAL, 1 },
                                 { "between", CV_STEP_INTERPOLATE, CV_STAGE_INTERPOLATE, known } };
    const int count = model->stages[0].plus ? 3 : 1;
    cogvideo_status status;
    int32_t *codes = NULL;

    if (!(options->hits >= 0 && options->hits <= 1))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "hits must be from 0 to 1, not %g", options->hits);
    CV_NEW(codes, frames * L, err);
    for (int i = 0; i < count; i++)
        CV_TRY(run_part(&parts[i], model, seconds, options, codes, out, err));
done:
    cv_free(codes);
    return status;
}
