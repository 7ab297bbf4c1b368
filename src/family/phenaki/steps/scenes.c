/* scenes.c - from prompts to boxes of codes. Each scene but the first begins with the last frames of the one before,
 * decoded and encoded again as a clip of their own: only so does its first latent frame stand for one picture.
 * Phenaki, section 3.3. */
#include "family/phenaki/steps/box_codec.h"
#include "family/phenaki/steps/drawing.h"
#include "family/phenaki/steps/story.h"
#include "family/work.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef struct scenes_run {
    const cv_phenaki *model;
    const cogvideo_generate_options *options;
    const cogvideo_step_options *step;
    cv_story story;
    int h, w, samples;
    int scene;              /* that is drawn */
    cogvideo_tokens *clips; /* [samples] */
    cv_box_codec codec;
    cv_unmask_box *boxes; /* [samples] */
    int32_t *numbers;     /* that they point to */
    float *confidences;
    float *tails;  /* [samples][tail][frame]: the last frames of video so far, as they were decoded */
    int tail, had; /* frames that are kept at most, 0 where no further scene needs them; that there are */
    cogvideo_progress progress;
    char what[40]; /* it calls the scene: "scene 2 of 3" */
} scenes_run;

static size_t per_frame(const scenes_run *run)
{
    return (size_t)run->h * (size_t)run->w;
}

/* Numbers of a picture. */
static size_t frame_numbers(const scenes_run *run)
{
    return 3 * (size_t)run->model->height * (size_t)run->model->width;
}

static const cv_scene *scene_of(const scenes_run *run)
{
    return &run->story.scenes[run->scene];
}

/* --- what a story is made of -------------------------------------------------------------------------------------- */

/* `in`: of the pixels that the first scene goes on from, or NULL. */
static cogvideo_status begin(scenes_run *run, const cogvideo_model *head, const cogvideo_generate_options *options,
                             const cogvideo_shape *in, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const cv_cvivit_config *config = cv_cvivit_config_of(model->tokenizer);
    cogvideo_status status;

    *run = (scenes_run){ .model = model,
                         .options = options,
                         .step = &options->steps[0],
                         .h = model->height / config->patch_height,
                         .w = model->width / config->patch_width,
                         .samples = options->samples };
    CV_TRY(cv_options_check_steps(head, options, err));
    if (in && (in->height != model->height || in->width != model->width))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a scene goes on from frames of %dx%d pixels, those of the model; these are %dx%d", model->width,
                       model->height, in->width, in->height);
    CV_TRY(cv_story_plan(&run->story, model, options, in ? in->frames : 0, err));
    if (run->story.count > 1)
        run->tail = cv_box_frames(model, cv_story_given(model, options->context, INT_MAX));
done:
    return status;
}

static cv_drawing drawing_of(const scenes_run *run, const cv_phenaki_text *text)
{
    const cv_scene *scene = scene_of(run);

    return (cv_drawing){ .model = run->model,
                         .step = run->step,
                         .callbacks = &run->options->callbacks,
                         .seed = run->options->seed,
                         .scene = run->scene,
                         .first_sample = run->options->first_sample,
                         .samples = run->samples,
                         .batch = run->options->batch,
                         .T = scene->T,
                         .h = run->h,
                         .w = run->w,
                         .given = scene->given,
                         .text = text,
                         .boxes = run->boxes };
}

cogvideo_status cv_phenaki_need_scenes(const cogvideo_model *head, cogvideo_error *err)
{
    return cv_need_masked(cv_phenaki_of(head), err);
}

/* The text of the scene at hand; in a story an error says of which scene it speaks. */
static cogvideo_status read_text(const scenes_run *run, const cv_phenaki *model, cv_phenaki_text *out,
                                 cogvideo_error *err)
{
    const cogvideo_status status =
        cv_phenaki_read_text(model, run->story.scenes[run->scene].text, run->options->cut_text, out, err);
    char prefix[32];

    if (status == COGVIDEO_OK || run->story.count == 1)
        return status;
    snprintf(prefix, sizeof prefix, "scene %d", run->scene + 1);
    return cv_fail_prefix(err, status, prefix);
}

cogvideo_status cv_phenaki_plan_scenes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                       const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const cv_cvivit_config *config = cv_cvivit_config_of(model->tokenizer);
    cv_phenaki silent = *model; /* warnings are the run's */
    uint64_t most = 0, codec, bytes;
    cogvideo_plan plan = { 0 };
    cogvideo_status status;
    scenes_run run;

    silent.head.log = (cogvideo_log){ 0 };
    CV_TRY(begin(&run, head, options, in, err));
    for (run.scene = 0; run.scene < run.story.count; run.scene++) {
        cv_phenaki_text text = { 0 };
        const cv_drawing drawing = drawing_of(&run, &text);

        CV_TRY(read_text(&run, &silent, &text, err));
        status = cv_drawing_plan(&drawing, &bytes, err);
        cv_phenaki_text_free(&text);
        CV_TRY(status);
        most = bytes > most ? bytes : most;
        plan.kept +=
            (uint64_t)cv_drawing_unit_bytes(&drawing) * (uint64_t)run.step->sampling.steps * (uint64_t)run.samples;
        plan.codes += (long long)(scene_of(&run)->T - scene_of(&run)->given) * (long long)per_frame(&run) * run.samples;
    }
    codec = cv_box_codec_bytes(model, run.story.longest, run.h, run.w);
    plan.weights = cv_phenaki_weights(model);
    plan.scratch = most + codec + (uint64_t)run.samples * run.story.longest * per_frame(&run) * 16 +
                   (uint64_t)run.samples * (uint64_t)run.tail * frame_numbers(&run) * sizeof(float);
    plan.out = (cogvideo_shape){ .kind = COGVIDEO_KIND_CODES,
                                 .frames = run.story.T,
                                 .height = run.h,
                                 .width = run.w,
                                 .rate = config->patch_height,
                                 .rate_across = cv_cvivit_rate_across(config),
                                 .frames_per_code = config->patch_frames,
                                 .video_frames = (int)run.story.frames,
                                 .scene_frames = run.story.longest };
    *out = plan;
done:
    cv_story_free(&run.story);
    return status;
}

/* --- a scene ------------------------------------------------------------------------------------------------------ */

/* Where sample `s` has the box of the scene at hand. */
static size_t box_at(const scenes_run *run)
{
    return (size_t)scene_of(run)->first * per_frame(run);
}

/* The clip so far, as far as the sampler has come. */
static void store(scenes_run *run, int s)
{
    const size_t at = box_at(run), count = (size_t)scene_of(run)->T * per_frame(run);
    const cv_unmask_box *box = &run->boxes[s];
    cogvideo_tokens *clip = &run->clips[s];

    memcpy(clip->codes + at, box->drawn, count * sizeof *clip->codes);
    memcpy(clip->settled + at, box->settled, count * sizeof *clip->settled);
    memcpy(clip->confidence + at, box->confidence, count * sizeof *clip->confidence);
}

/* Shows what a sample's scene looks like after step `step`. */
static int sketch(const scenes_run *run, int s, int step)
{
    const cogvideo_callbacks *callbacks = &run->options->callbacks;
    const cv_scene *scene = scene_of(run);
    cogvideo_tokens box = run->clips[s];
    const cogvideo_sketch told = { .step = CV_SCENES_STEP,
                                   .sample = run->options->first_sample + s,
                                   .scene = run->scene,
                                   .done = step + 1,
                                   .total = run->step->sampling.steps,
                                   .box = &box };

    box.frames = scene->T;
    box.codes += box_at(run);
    box.settled += box_at(run);
    box.confidence += box_at(run);
    box.times += scene->first;
    box.given += scene->first;
    box.scenes = NULL;
    return callbacks->sketch(callbacks->user, &told);
}

static int stepped(void *user, int step, int first, int count)
{
    scenes_run *run = user;
    int stop = 0;
    const cogvideo_callbacks *callbacks = &run->options->callbacks;
    const cv_scene *scene = scene_of(run);
    const long long codes = (long long)(scene->T - scene->given) * (long long)per_frame(run);

    for (int s = first; s < first + count && !stop; s++) {
        store(run, s);
        stop = callbacks->sketch ? sketch(run, s, step) : 0;
    }
    if (stop)
        return stop;
    run->progress.done = codes * first + codes * count * (step + 1) / run->step->sampling.steps;
    return cv_progress(callbacks, &run->progress);
}

/* The frames that a scene begins with stand in the codec. */
static cogvideo_status give(scenes_run *run, int s, cogvideo_error *err)
{
    return cv_box_encode(&run->codec, run->boxes[s].ids, scene_of(run)->given, "scene", run->scene + 1, err);
}

static float *tail_of(const scenes_run *run, int s, int frame)
{
    const size_t frames = (size_t)s * (size_t)run->tail + (size_t)frame;

    return run->tails + frames * frame_numbers(run);
}

/* The new frames of the scene at hand go to the tail. */
static cogvideo_status keep_tail(scenes_run *run, int s, cogvideo_error *err)
{
    const cv_scene *scene = scene_of(run);
    const int all = cv_box_frames(run->model, scene->T), made = scene->frames < run->tail ? scene->frames : run->tail,
              kept = run->had + made > run->tail ? run->tail - made : run->had;
    cogvideo_status status;

    CV_TRY(cv_box_decode(&run->codec, run->clips[s].codes + box_at(run), scene->T, "scene", run->scene + 1, err));
    memmove(tail_of(run, s, 0), tail_of(run, s, run->had - kept),
            (size_t)kept * frame_numbers(run) * sizeof *run->tails);
    for (int f = 0; f < made; f++)
        cv_box_get_floats(&run->codec, scene->T, all - made + f, tail_of(run, s, kept + f));
done:
    return status;
}

static cogvideo_status give_tail(scenes_run *run, int s, cogvideo_error *err)
{
    const int T = scene_of(run)->given, kept = cv_box_frames(run->model, T);

    for (int f = 0; f < kept; f++)
        cv_box_set_floats(&run->codec, T, f, tail_of(run, s, run->had - kept + f));
    return give(run, s, err);
}

/* What the caller gives. */
static cogvideo_status give_first(scenes_run *run, const cogvideo_video *first, cogvideo_error *err)
{
    const int T = scene_of(run)->given, kept = cv_box_frames(run->model, T);
    const size_t frame = 3 * (size_t)first->width * (size_t)first->height;
    cogvideo_status status;

    for (int f = 0; f < kept; f++)
        cv_box_set_frame(&run->codec, T, f, first->pixels + (size_t)(first->frames - kept + f) * frame);
    CV_TRY(give(run, 0, err));
    for (int s = 0; s < run->samples && run->tail > 0; s++)
        for (int f = 0; f < kept; f++)
            cv_box_get_floats(&run->codec, T, f, tail_of(run, s, f));
    run->had = kept;
    for (int s = 1; s < run->samples; s++)
        memcpy(run->boxes[s].ids, run->boxes[0].ids, (size_t)T * per_frame(run) * sizeof *run->boxes[s].ids);
done:
    return status;
}

static cogvideo_status draw_scene(scenes_run *run, cogvideo_error *err)
{
    const cogvideo_callbacks *callbacks = &run->options->callbacks;
    const cv_scene *scene = scene_of(run);
    cv_phenaki_text text = { 0 };
    cv_drawing drawing;
    cogvideo_status status;

    CV_TRY(read_text(run, run->model, &text, err));
    snprintf(run->what, sizeof run->what, "scene %d of %d", run->scene + 1, run->story.count);
    run->progress =
        (cogvideo_progress){ .what = run->what,
                             .unit = "codes",
                             .rounds = 1,
                             .sequences = run->samples,
                             .total = (long long)(scene->T - scene->given) * (long long)per_frame(run) * run->samples };
    drawing = drawing_of(run, &text);
    drawing.stepped = stepped;
    drawing.user = run;
    CV_TRY(cv_drawing_run(&drawing, err));
    for (int s = 0; s < run->samples; s++) {
        memcpy(run->boxes[s].drawn, run->boxes[s].ids, (size_t)scene->T * per_frame(run) * sizeof(int32_t));
        store(run, s);
        for (int f = scene->first; f < scene->first + scene->T; f++)
            if (cv_frame_done(callbacks, CV_SCENES_STEP, &run->clips[s], run->options->first_sample + s, f)) {
                status = cv_cancelled(err);
                goto done;
            }
    }
done:
    cv_phenaki_text_free(&text);
    return status;
}

/* --- the story ---------------------------------------------------------------------------------------------------- */

/* Times of a scene's latent frames: those that are given stand where what is new begins. */
static void set_times(const scenes_run *run, cogvideo_tokens *clip)
{
    const int pt = cv_cvivit_config_of(run->model->tokenizer)->patch_frames;
    long long shown = 0;

    for (int i = 0; i < run->story.count; i++) {
        const cv_scene *scene = &run->story.scenes[i];

        for (int f = 0; f < scene->T; f++) {
            const int behind = f - scene->given; /* latent frames that are new before this one */
            const long long at = behind <= 0 ? 0 : scene->given > 0 ? (long long)behind * pt : 1 + (behind - 1LL) * pt;

            clip->times[scene->first + f] = (double)(shown + at) / run->model->fps;
        }
        shown += scene->frames;
    }
}

static cogvideo_status make_clips(scenes_run *run, cogvideo_error *err)
{
    const cv_cvivit_config *config = cv_cvivit_config_of(run->model->tokenizer);
    const size_t box = (size_t)run->story.longest * per_frame(run);
    cogvideo_status status;

    CV_NEW(run->boxes, run->samples, err);
    CV_NEW(run->numbers, 3 * box * (size_t)run->samples, err);
    CV_NEW(run->confidences, box * (size_t)run->samples, err);
    for (int s = 0; s < run->samples; s++) {
        int32_t *numbers = run->numbers + 3 * box * (size_t)s;
        cogvideo_tokens *clip = &run->clips[s];

        run->boxes[s] =
            (cv_unmask_box){ numbers, numbers + box, numbers + 2 * box, run->confidences + box * (size_t)s };
        CV_TRY(cogvideo_tokens_alloc(clip, run->h, run->w, config->patch_height, run->story.T, err));
        clip->frames_per_code = config->patch_frames;
        clip->rate_across = cv_cvivit_rate_across(config);
        CV_TRY(cogvideo_tokens_add_scenes(clip, 1, err));
        for (int i = 0; i < run->story.count; i++) {
            const cv_scene *scene = &run->story.scenes[i];

            for (int f = 0; f < scene->T; f++) {
                clip->scenes[scene->first + f] = i;
                clip->given[scene->first + f] = f < scene->given;
            }
        }
        set_times(run, clip);
    }
done:
    return status;
}

cogvideo_status cv_phenaki_scenes(const cogvideo_model *head, const cogvideo_generate_options *options,
                                  const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cogvideo_shape given = in ? cogvideo_value_shape(in) : (cogvideo_shape){ 0 };
    cogvideo_tokens clips[COGVIDEO_MAX_SAMPLES] = { { 0 } };
    cogvideo_status status;
    scenes_run run;

    CV_TRY(begin(&run, head, options, in ? &given : NULL, err));
    run.clips = clips;
    CV_TRY(make_clips(&run, err));
    CV_TRY(cv_box_codec_open(&run.codec, run.model, run.story.longest, run.h, run.w, err));
    if (run.tail > 0)
        CV_NEW(run.tails, (size_t)run.tail * (size_t)run.samples * frame_numbers(&run), err);
    for (run.scene = 0; run.scene < run.story.count; run.scene++) {
        if (run.scene == 0 && in)
            CV_TRY(give_first(&run, &in->pixels, err));
        for (int s = 0; s < run.samples && run.scene > 0; s++)
            CV_TRY(give_tail(&run, s, err));
        CV_TRY(draw_scene(&run, err));
        for (int s = 0; s < run.samples && run.scene + 1 < run.story.count; s++)
            CV_TRY(keep_tail(&run, s, err));
        run.had = run.had + scene_of(&run)->frames < run.tail ? run.had + scene_of(&run)->frames : run.tail;
    }
    for (int s = 0; s < run.samples; s++)
        CV_TRY(cv_phenaki_header(run.model, options, options->first_sample + s, &clips[s], err));
    for (int s = 0; s < run.samples; s++) {
        out[s] = (cogvideo_value){ .kind = COGVIDEO_KIND_CODES, .codes = clips[s] };
        clips[s] = (cogvideo_tokens){ 0 };
    }
done:
    for (int s = 0; s < COGVIDEO_MAX_SAMPLES; s++)
        cogvideo_tokens_free(&clips[s]);
    cv_free(run.boxes);
    cv_free(run.numbers);
    cv_free(run.confidences);
    cv_free(run.tails);
    cv_box_codec_close(&run.codec);
    cv_story_free(&run.story);
    return status;
}
