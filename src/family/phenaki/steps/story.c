#include "family/phenaki/steps/story.h"

#include <limits.h>
#include <math.h>

static int patch_frames(const cv_phenaki *model)
{
    return cv_cvivit_config_of(model->tokenizer)->patch_frames;
}

/* Codes of a latent frame. */
static int codes_of_frame(const cv_phenaki *model)
{
    const cv_cvivit_config *config = cv_cvivit_config_of(model->tokenizer);

    return (model->height / config->patch_height) * (model->width / config->patch_width);
}

/* The longest box that the masked transformer has places for. */
static int longest_box(const cv_phenaki *model)
{
    return cv_masked_config_of(model->masked)->places / codes_of_frame(model);
}

int cv_story_given(const cv_phenaki *model, int context, long long frames)
{
    const long long kept = frames < context ? frames : context;

    return cv_cvivit_latent_frames(cv_cvivit_config_of(model->tokenizer), (int)kept);
}

static cogvideo_status check_context(const cv_phenaki *model, int context, cogvideo_error *err)
{
    const int pt = patch_frames(model), most = longest_box(model) - 1;
    int nearest = 1 + pt * (int)lround((context - 1.0) / pt);

    if (nearest > 1 + pt * (most - 1))
        nearest = 1 + pt * (most - 1);
    if (nearest < 1)
        nearest = 1;
    if (nearest != context)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a context of %d frames cannot be: it is 1 + %d n frames, and a scene has room for %d latent "
                       "frames; the nearest is %d",
                       context, pt, most + 1, nearest);
    return COGVIDEO_OK;
}

/* Latent frames behind the first that so many seconds are; of the model's own length exactly as many as it says. */
static double latents_of(const cv_phenaki *model, double seconds)
{
    const int pt = patch_frames(model);

    return seconds == cv_phenaki_seconds(model) ? (model->frames - 1) / pt : round(seconds * model->fps / pt);
}

/* Sets T and frames of a scene whose `given` is set. One without a length of its own is as long as the options say; of
 * the model's own length, which they say by default, it is as much as there is room for. */
static cogvideo_status measure(cv_scene *scene, const cv_phenaki *model, double own, double usual, int number,
                               cogvideo_error *err)
{
    const int pt = patch_frames(model), longest = longest_box(model);
    const double seconds = own > 0 ? own : usual, latents = latents_of(model, seconds);
    const int most = longest - (scene->given > 0 ? scene->given : 1); /* behind the first picture, or the given ones */
    int made = latents < most ? (int)latents : most;

    if (latents > most && (own > 0 || seconds != cv_phenaki_seconds(model)))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "scene %d: %g seconds are %.0f latent frames beside those that begin it, and there is room for "
                       "%d: at most %g seconds fit",
                       number, seconds, latents, most, most * pt / model->fps);
    if (made < 1 && scene->given > 0)
        made = 1;
    scene->T = scene->given > 0 ? scene->given + made : 1 + made;
    scene->frames = scene->given > 0 ? made * pt : 1 + made * pt;
    return COGVIDEO_OK;
}

cogvideo_status cv_story_plan(cv_story *out, const cv_phenaki *model, const cogvideo_generate_options *options,
                              int first_frames, cogvideo_error *err)
{
    const int count = options->scene_count > 0 ? options->scene_count : 1;
    long long before = first_frames;
    cv_story story = { .count = count };
    cogvideo_status status;

    if (longest_box(model) < 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a latent frame of %d codes has no room in the %d places of the masked transformer",
                       codes_of_frame(model), cv_masked_config_of(model->masked)->places);
    /* The model's own may be too long for its scenes, which one alone does not mind. */
    if (count > 1 || first_frames > 0 || options->context != model->context)
        CV_TRY(check_context(model, options->context, err));
    CV_NEW(story.scenes, count, err);
    for (int i = 0; i < count; i++) {
        cv_scene *scene = &story.scenes[i];
        const cogvideo_scene *asked = options->scene_count > 0 ? &options->scenes[i] : NULL;

        scene->text = asked ? asked->prompt : options->prompt;
        scene->given = cv_story_given(model, options->context, before);
        scene->first = story.T;
        CV_TRY(measure(scene, model, asked ? asked->seconds : 0, options->seconds, i + 1, err));
        before += scene->frames;
        story.T += scene->T;
        story.frames += scene->frames;
        if (story.frames > INT_MAX) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%d scenes have more frames than a video can have", count);
            goto done;
        }
        story.longest = scene->T > story.longest ? scene->T : story.longest;
    }
    *out = story;
    return COGVIDEO_OK;
done:
    cv_story_free(&story);
    return status;
}

void cv_story_free(cv_story *story)
{
    cv_free(story->scenes);
    *story = (cv_story){ 0 };
}
