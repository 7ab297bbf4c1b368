#include "support/toy_story.h"

#include "base/rng.h"
#include "family/pictures.h"
#include "family/work.h"

#include <math.h>
#include <string.h>

enum { PT = 2, DOWN = 4, ACROSS = 2, PLACES = TOY_STORY_HEIGHT * TOY_STORY_WIDTH, FPS = 8, GREY = 80 };

static cogvideo_status story_open(cogvideo_model *model, const char *origin, cogvideo_error *err)
{
    (void)model, (void)origin, (void)err;
    return COGVIDEO_OK;
}

static void story_close(cogvideo_model *model)
{
    (void)model;
}

static void story_info(const cogvideo_model *model, cogvideo_model_info *out)
{
    (void)model;
    out->image_codes = TOY_STORY_CODES;
    out->height = TOY_STORY_HEIGHT;
    out->width = TOY_STORY_WIDTH;
    out->rate = DOWN;
    out->rate_across = ACROSS;
}

static void story_defaults(const cogvideo_model *model, cogvideo_generate_options *options)
{
    (void)model;
    options->context = TOY_STORY_CONTEXT;
    options->step_count = 1;
    options->steps[0] = (cogvideo_step_options){
        .name = "fill",
        .ways = COGVIDEO_BY_UNMASKING,
        .sampling = { .temperature = 1, .steps = TOY_STORY_STEPS, .code_temperature = 1, .top_p = 1 }
    };
}

/* Latent frames of a scene. */
typedef struct size {
    int given, made; /* a first frame counts as made */
} size;

static size size_of(const cogvideo_generate_options *options, int scene, long long shown)
{
    const double seconds = options->scene_count > 0 ? options->scenes[scene].seconds : 0;
    const long long kept = shown < options->context ? shown : options->context;
    const int given = kept > 0 ? 1 + (int)(kept - 1) / PT : 0,
              behind = seconds > 0 ? (int)lround(seconds * FPS / PT) : TOY_STORY_NEW;

    return (size){ given, given > 0 ? behind : 1 + behind };
}

static long long shown_of(size s)
{
    return s.given > 0 ? (long long)PT * s.made : 1 + (long long)PT * (s.made - 1);
}

static int scenes_of(const cogvideo_generate_options *options)
{
    return options->scene_count > 0 ? options->scene_count : 1;
}

static cogvideo_status plan_fill(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    cogvideo_plan plan = { .out = { .kind = COGVIDEO_KIND_CODES,
                                    .height = TOY_STORY_HEIGHT,
                                    .width = TOY_STORY_WIDTH,
                                    .rate = DOWN,
                                    .rate_across = ACROSS,
                                    .frames_per_code = PT } };
    long long shown = in ? in->frames : 0;

    (void)model, (void)err;
    for (int i = 0; i < scenes_of(options); i++) {
        const size s = size_of(options, i, shown);

        shown += shown_of(s);
        plan.out.frames += s.given + s.made;
        plan.out.video_frames += (int)shown_of(s);
        plan.out.scene_frames = plan.out.scene_frames > s.given + s.made ? plan.out.scene_frames : s.given + s.made;
        plan.codes += (long long)s.made * PLACES * options->samples;
    }
    *out = plan;
    return COGVIDEO_OK;
}

/* What was shown so far, picture by picture, as codes. */
typedef struct shown_codes {
    int32_t *codes; /* [count][PLACES] */
    long long count;
} shown_codes;

static void show(shown_codes *shown, const int32_t *codes)
{
    memcpy(shown->codes + (size_t)shown->count++ * PLACES, codes, PLACES * sizeof *codes);
}

static void show_pixels(shown_codes *shown, const cogvideo_video *video)
{
    for (int f = 0; f < video->frames; f++) {
        int32_t codes[PLACES];

        for (int i = 0; i < PLACES; i++) {
            const size_t row = (size_t)f * (size_t)video->height + (size_t)(i / TOY_STORY_WIDTH * DOWN),
                         at = row * (size_t)video->width + (size_t)(i % TOY_STORY_WIDTH * ACROSS);

            codes[i] = video->pixels[3 * at] / GREY;
        }
        show(shown, codes);
    }
}

/* A step of a scene: every place whose number has it settles. A step is a unit. */
static cogvideo_status fill_step(const cogvideo_generate_options *options, int sample, int scene, int step, int first,
                                 size s, cogvideo_tokens *clip, cogvideo_error *err)
{
    const int steps = options->steps[0].sampling.steps, from = (first + s.given) * PLACES, count = s.made * PLACES;
    const cogvideo_unit unit = { "fill", sample, (int64_t)scene * steps + step };
    const cogvideo_callbacks *callbacks = &options->callbacks;
    const char *prompt = options->scene_count > 0 ? options->scenes[scene].prompt : options->prompt;
    const cogvideo_progress progress = { .what = "scenes",
                                         .unit = "codes",
                                         .round = scene,
                                         .rounds = scenes_of(options),
                                         .done = (long long)count * (step + 1) / steps,
                                         .total = count };
    cogvideo_tokens box = *clip;
    const cogvideo_sketch sketch = { "fill", sample, scene, step + 1, steps, &box };
    const bool known = cv_codes_recall(callbacks, &unit, clip->codes + from, count, TOY_STORY_CODES);

    for (int i = 0; i < count; i++) {
        uint32_t bits[4];

        if (i % steps != step)
            continue;
        cv_rng_block(bits, options->seed, (uint32_t[4]){ (uint32_t)i, (uint32_t)sample, (uint32_t)scene, 0 });
        if (!known)
            clip->codes[from + i] = (int32_t)((bits[0] + strlen(prompt)) % TOY_STORY_CODES);
        clip->settled[from + i] = step;
        clip->confidence[from + i] = 0.5F;
    }
    box.frames = s.given + s.made;
    box.codes += first * PLACES;
    box.times += first;
    box.scenes = NULL;
    box.given += first;
    box.settled += first * PLACES;
    box.confidence += first * PLACES;
    if ((!known && cv_codes_keep(callbacks, &unit, clip->codes + from, count)) ||
        (callbacks->sketch && callbacks->sketch(callbacks->user, &sketch)) ||
        (callbacks->progress && callbacks->progress(callbacks->user, &progress)))
        return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
    return COGVIDEO_OK;
}

/* Scene `scene`, from latent frame `first` on. */
static cogvideo_status fill_scene(const cogvideo_generate_options *options, int sample, int scene, int first, size s,
                                  shown_codes *shown, cogvideo_tokens *clip, cogvideo_error *err)
{
    const long long tail = shown->count - (1 + PT * (s.given - 1)), before = shown->count;
    cogvideo_status status = COGVIDEO_OK;

    for (int f = 0; f < s.given + s.made; f++) {
        const size_t at = (size_t)(first + f) * PLACES, from = (size_t)(tail + (f ? 1 + PT * (f - 1) : 0)) * PLACES;

        clip->scenes[first + f] = scene;
        clip->given[first + f] = f < s.given;
        clip->times[first + f] = (double)(before + (f < s.given ? 0
                                                    : s.given   ? PT * (f - s.given)
                                                    : f         ? PT * f - 1
                                                                : 0)) /
                                 FPS;
        for (size_t i = 0; f < s.given && i < PLACES; i++) {
            clip->codes[at + i] = shown->codes[from + i];
            clip->settled[at + i] = -1;
            clip->confidence[at + i] = 1;
        }
    }
    for (int step = 0; step < options->steps[0].sampling.steps; step++)
        CV_TRY(fill_step(options, sample, scene, step, first, s, clip, err));
    for (int f = s.given; f < s.given + s.made; f++)
        for (int k = 0; k < (f == 0 ? 1 : PT); k++)
            show(shown, clip->codes + (size_t)(first + f) * PLACES);
    for (int f = first; f < first + s.given + s.made; f++)
        if (cv_frame_done(&options->callbacks, "fill", clip, sample, f))
            return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "cancelled");
done:
    return status;
}

static cogvideo_status fill_sample(const cogvideo_generate_options *options, int sample, const cogvideo_value *in,
                                   const cogvideo_plan *plan, cogvideo_tokens *out, cogvideo_error *err)
{
    shown_codes shown = { 0 };
    cogvideo_status status;
    int first = 0;

    CV_NEW(shown.codes, (size_t)((in ? in->pixels.frames : 0) + plan->out.video_frames) * PLACES, err);
    CV_TRY(cogvideo_tokens_alloc(out, TOY_STORY_HEIGHT, TOY_STORY_WIDTH, DOWN, plan->out.frames, err));
    out->rate_across = ACROSS;
    out->frames_per_code = PT;
    CV_TRY(cogvideo_tokens_add_scenes(out, 1, err));
    if (in)
        show_pixels(&shown, &in->pixels);
    for (int i = 0; i < scenes_of(options); i++) {
        const size s = size_of(options, i, shown.count);

        CV_TRY(fill_scene(options, sample, i, first, s, &shown, out, err));
        first += s.given + s.made;
    }
done:
    cv_free(shown.codes);
    return status;
}

static cogvideo_status fill(const cogvideo_model *model, const cogvideo_generate_options *options,
                            const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err)
{
    const cogvideo_shape given = in ? cogvideo_value_shape(in) : (cogvideo_shape){ 0 };
    cogvideo_value made[COGVIDEO_MAX_SAMPLES] = { { 0 } };
    cogvideo_plan plan;
    cogvideo_status status;

    CV_TRY(plan_fill(model, options, in ? &given : NULL, &plan, err));
    for (int s = 0; s < options->samples; s++) {
        made[s].kind = COGVIDEO_KIND_CODES;
        CV_TRY(fill_sample(options, options->first_sample + s, in, &plan, &made[s].codes, err));
    }
    memcpy(out, made, (size_t)options->samples * sizeof *made);
    return COGVIDEO_OK;
done:
    for (int s = 0; s < options->samples; s++)
        cogvideo_value_free(&made[s]);
    return status;
}

static cogvideo_status plan_decode(const cogvideo_model *model, const cogvideo_generate_options *options,
                                   const cogvideo_shape *in, cogvideo_plan *out, cogvideo_error *err)
{
    (void)model, (void)options, (void)err;
    *out = (cogvideo_plan){ .scratch = 3 * PLACES * DOWN * ACROSS,
                            .out = { .kind = COGVIDEO_KIND_PIXELS,
                                     .frames = in->video_frames,
                                     .height = in->height * DOWN,
                                     .width = in->width * ACROSS } };
    return COGVIDEO_OK;
}

static cogvideo_status decode(const cogvideo_model *model, const cogvideo_decode_options *options,
                              const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    const int width = in->width * ACROSS, height = in->height * DOWN;
    const cogvideo_picture next = { .width = width,
                                    .height = height,
                                    .count = (int)cogvideo_tokens_video_frames(in),
                                    .fps = FPS };
    uint8_t pixels[3 * PLACES * DOWN * ACROSS];
    cv_pictures pictures = { 0 };
    int first, frames, given;
    cogvideo_status status;

    (void)model, (void)options;
    CV_TRY(cv_pictures_open(&pictures, &next, width, height, take, user, err));
    for (int scene = 0; cogvideo_tokens_scene(in, scene, &first, &frames, &given); scene++)
        for (int f = given; f < frames; f++) {
            for (int i = 0; i < width * height; i++)
                memset(pixels + 3 * i,
                       GREY * in->codes[(first + f) * PLACES + i / width / DOWN * in->width + i % width / ACROSS], 3);
            for (int k = 0; k < (f == 0 ? 1 : PT); k++)
                CV_TRY(cv_pictures_give(&pictures, pixels, err));
        }
done:
    cv_pictures_close(&pictures);
    return status;
}

static const cv_step steps[] = {
    { .name = "fill",
      .title = "scenes",
      .in = COGVIDEO_KIND_PIXELS,
      .out = COGVIDEO_KIND_CODES,
      .in_optional = true,
      .side_by_side = true,
      .plan = plan_fill,
      .run = fill },
    { .name = "decode",
      .title = "decoding",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_PIXELS,
      .plan = plan_decode,
      .pictures = cv_decode_pictures },
};

const cv_family cv_family_toy_story = {
    .name = "toy_story",
    .size = sizeof(cogvideo_model),
    .stories = true,
    .open = story_open,
    .close = story_close,
    .info = story_info,
    .defaults = story_defaults,
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .decode = decode,
};
