/* generate.c - the public steps and what goes with them: each is handed to the model's family. */
#include "family/pictures.h"
#include "media/frame.h"
#include "sample/fields.h"
#include "value/value.h"

#include <cogvideo/inspect.h>

#include <assert.h>
#include <string.h>

void cogvideo_generate_defaults(const cogvideo_model *model, cogvideo_generate_options *options)
{
    *options = (cogvideo_generate_options){ .samples = 1, .seconds = 1, .keyframes = 1, .lookahead = -1 };
    if (model->family->defaults)
        model->family->defaults(model, options);
}

cogvideo_step_options *cogvideo_find_step(cogvideo_generate_options *options, const char *name)
{
    for (int i = 0; i < options->step_count && i < COGVIDEO_MAX_STEPS; i++)
        if (strcmp(options->steps[i].name, name) == 0)
            return &options->steps[i];
    return NULL;
}

cogvideo_status cogvideo_set_style(const cogvideo_model *model, cogvideo_generate_options *options, const char *style,
                                   cogvideo_error *err)
{
    return model->family->set_style ? model->family->set_style(model, options, style, err)
                                    : cv_model_cannot(model, "draw in styles", err);
}

cogvideo_status cogvideo_find_window(const cogvideo_model *model, const cogvideo_generate_options *options,
                                     cogvideo_window *out, cogvideo_error *err)
{
    return model->family->window ? model->family->window(model, options, out, err)
                                 : cv_model_cannot(model, "complete a picture", err);
}

cogvideo_status cogvideo_set_sampling(cogvideo_generate_options *options, const char *name, double value,
                                      cogvideo_error *err)
{
    const cogvideo_field *field;
    cogvideo_status status;
    bool read = false;
    int index = 0;

    while ((field = cogvideo_sampling_field(index)) && strcmp(field->name, name) != 0)
        index++;
    if (!field)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "sampling has no field '%.40s'", name);
    CV_TRY(cv_sampling_check_field(field, value, err));
    for (int i = 0; i < options->step_count && i < COGVIDEO_MAX_STEPS; i++)
        if (options->steps[i].ways & field->ways) {
            cogvideo_sampling_set(&options->steps[i].sampling, field, value);
            read = true;
        }
    if (!read)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%s' is read by no step of this model", field->name);
done:
    return status;
}

/* Whether a step takes a value of this kind. */
static cogvideo_status check_kind(const cv_step *step, cogvideo_kind kind, cogvideo_error *err)
{
    if (kind == step->in || (kind == COGVIDEO_KIND_NONE && step->in_optional))
        return COGVIDEO_OK;
    if (kind == COGVIDEO_KIND_NONE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the step '%s' takes %s, and no value was given", step->name,
                       cogvideo_kind_name(step->in));
    if (step->in == COGVIDEO_KIND_NONE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the step '%s' begins with the prompt alone, and a value of kind '%s' was given", step->name,
                       cogvideo_kind_name(kind));
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the step '%s' takes %s, and a value of kind '%s' was given",
                   step->name, cogvideo_kind_name(step->in), cogvideo_kind_name(kind));
}

/* The step of this name, if it can work on a value of this kind with these options. */
static cogvideo_status find_step(const cogvideo_model *model, const char *name,
                                 const cogvideo_generate_options *options, cogvideo_kind kind, const cv_step **out,
                                 cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_model_step(model, name, out, err));
    CV_TRY(check_kind(*out, kind, err));
    CV_TRY(cv_options_check(model, options, err));
    if ((*out)->need)
        CV_TRY((*out)->need(model, err));
done:
    return status;
}

/* --- pictures to a video -------------------------------------------------------------------------------------- */

typedef struct collection {
    cogvideo_video video;
    cogvideo_status status; /* of allocating it, with its sentence */
    cogvideo_error why;
} collection;

static int collect(void *user, const cogvideo_picture *picture)
{
    collection *c = user;
    const size_t bytes = cv_frame_bytes(picture->width, picture->height);

    if (picture->index == 0)
        c->status =
            cogvideo_video_alloc(&c->video, picture->width, picture->height, picture->count, picture->fps, &c->why);
    if (c->status == COGVIDEO_OK)
        memcpy(c->video.pixels + (size_t)picture->index * bytes, picture->pixels, bytes);
    return c->status != COGVIDEO_OK;
}

/* Gives the video that was collected, of a decoder that ended with `status`. */
static cogvideo_status end_collection(collection *c, cogvideo_status status, cogvideo_video *out, cogvideo_error *err)
{
    if (c->status != COGVIDEO_OK && err)
        *err = c->why;
    if (c->status != COGVIDEO_OK)
        status = c->status;
    if (status != COGVIDEO_OK)
        cogvideo_video_free(&c->video);
    else
        *out = c->video;
    return status;
}

static cogvideo_status collect_step(const cogvideo_model *model, const cv_step *step,
                                    const cogvideo_generate_options *options, const cogvideo_value *in,
                                    cogvideo_video *out, cogvideo_error *err)
{
    collection c = { .status = COGVIDEO_OK };
    const cogvideo_status status =
        step->pictures(model, options, in && in->kind != COGVIDEO_KIND_NONE ? in : NULL, collect, &c, err);

    return end_collection(&c, status, out, err);
}

/* --- steps ----------------------------------------------------------------------------------------------------- */

cogvideo_status cogvideo_run_step(const cogvideo_model *model, const char *name,
                                  const cogvideo_generate_options *options, const cogvideo_value *in,
                                  cogvideo_value *out, cogvideo_error *err)
{
    const cogvideo_kind kind = in ? in->kind : COGVIDEO_KIND_NONE;
    cogvideo_value made = { .kind = COGVIDEO_KIND_PIXELS };
    cogvideo_status status;
    const cv_step *step;

    CV_TRY(find_step(model, name, options, kind, &step, err));
    if (kind != COGVIDEO_KIND_NONE)
        CV_TRY(cv_value_check(in, err));
    if (step->pictures) {
        CV_TRY(collect_step(model, step, options, in, &made.pixels, err));
        *out = made;
    } else {
        CV_TRY(step->run(model, options, kind != COGVIDEO_KIND_NONE ? in : NULL, out, err));
    }
    assert(out->kind == step->out);
done:
    return status;
}

cogvideo_status cogvideo_run_step_each(const cogvideo_model *model, const char *name,
                                       const cogvideo_generate_options *options, const cogvideo_value *in,
                                       cogvideo_picture_fn *take, void *user, cogvideo_error *err)
{
    const cogvideo_kind kind = in ? in->kind : COGVIDEO_KIND_NONE;
    cogvideo_value whole = { 0 };
    cogvideo_status status;
    const cv_step *step;

    CV_TRY(find_step(model, name, options, kind, &step, err));
    if (step->out != COGVIDEO_KIND_PIXELS)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "the step '%s' makes %s, and only pixels come one by one", name,
                       cogvideo_kind_name(step->out));
    if (!step->pictures) {
        CV_TRY(cogvideo_run_step(model, name, options, in, &whole, err));
        status = cv_pictures_give_all(&whole.pixels, take, user, err);
        goto done;
    }
    if (kind != COGVIDEO_KIND_NONE)
        CV_TRY(cv_value_check(in, err));
    CV_TRY(step->pictures(model, options, kind != COGVIDEO_KIND_NONE ? in : NULL, take, user, err));
done:
    cogvideo_value_free(&whole);
    return status;
}

cogvideo_status cogvideo_plan_step(const cogvideo_model *model, const char *name,
                                   const cogvideo_generate_options *options, const cogvideo_shape *in,
                                   cogvideo_plan *out, cogvideo_error *err)
{
    const cogvideo_kind kind = in ? in->kind : COGVIDEO_KIND_NONE;
    cogvideo_status status;
    const cv_step *step;

    CV_TRY(find_step(model, name, options, kind, &step, err));
    CV_TRY(step->plan(model, options, kind != COGVIDEO_KIND_NONE ? in : NULL, out, err));
done:
    return status;
}

cogvideo_status cogvideo_score(const cogvideo_model *model, const cogvideo_generate_options *options,
                               const cogvideo_score_options *what, const cogvideo_tokens *clip, double *logprob,
                               int *scored, cogvideo_error *err)
{
    return model->family->score ? model->family->score(model, options, what, clip, logprob, scored, err)
                                : cv_model_cannot(model, "score a clip", err);
}

cogvideo_status cogvideo_score_caption(const cogvideo_model *model, const cogvideo_caption_options *options,
                                       const cogvideo_tokens *clip, cogvideo_caption *out, cogvideo_error *err)
{
    return model->family->score_caption ? model->family->score_caption(model, options, clip, out, err)
                                        : cv_model_cannot(model, "score a caption", err);
}

void cogvideo_caption_free(cogvideo_caption *caption)
{
    cv_free(caption->ids);
    cv_free(caption->logprob);
    cv_free(caption->score);
    *caption = (cogvideo_caption){ 0 };
}

cogvideo_status cogvideo_compare(const cogvideo_model *a, const cogvideo_generate_options *options_a,
                                 const cogvideo_model *b, const cogvideo_generate_options *options_b,
                                 const cogvideo_score_options *what, double margin, const cogvideo_tokens *clip,
                                 cogvideo_comparison *out, cogvideo_error *err)
{
    if (a->family != b->family)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the models '%s' and '%s' are of different families, '%s' and '%s'", a->name, b->name,
                       a->family->name, b->family->name);
    return a->family->compare ? a->family->compare(a, options_a, b, options_b, what, margin, clip, out, err)
                              : cv_model_cannot(a, "be compared", err);
}

void cogvideo_decode_defaults(const cogvideo_model *model, cogvideo_decode_options *options)
{
    *options = (cogvideo_decode_options){ 0 };
    if (model->family->decode_defaults)
        model->family->decode_defaults(model, options);
}

cogvideo_status cogvideo_decode(const cogvideo_model *model, const cogvideo_decode_options *options,
                                const cogvideo_tokens *in, cogvideo_video *out, cogvideo_error *err)
{
    collection c = { .status = COGVIDEO_OK };
    const cogvideo_status status = cogvideo_decode_each(model, options, in, collect, &c, err);

    return end_collection(&c, status, out, err);
}

cogvideo_status cogvideo_decode_each(const cogvideo_model *model, const cogvideo_decode_options *options,
                                     const cogvideo_tokens *in, cogvideo_picture_fn *take, void *user,
                                     cogvideo_error *err)
{
    cogvideo_decode_options own;

    if (!model->family->decode)
        return cv_model_cannot(model, "decode codes", err);
    if (!options) {
        cogvideo_decode_defaults(model, &own);
        options = &own;
    }
    return model->family->decode(model, options, in, take, user, err);
}

int cogvideo_can_inspect(const cogvideo_model *model)
{
    return model->family->inspect != NULL;
}

cogvideo_status cogvideo_inspect(const cogvideo_model *model, const cogvideo_generate_options *options,
                                 const cogvideo_inspect_options *what, const cogvideo_tokens *clip,
                                 cogvideo_inspection *out, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(clip);
    cogvideo_inspection seen = { .frames = clip->frames, .places = (int)places };
    cogvideo_status status;

    if (model->family->inspect)
        return model->family->inspect(model, options, what, clip, out, err);
    CV_NEW(seen.scored, clip->frames, err);
    CV_NEW(seen.logprob, (size_t)clip->frames * places, err);
    CV_TRY(cogvideo_score(model, options, &what->score, clip, seen.logprob, seen.scored, err));
    *out = seen;
    seen = (cogvideo_inspection){ 0 };
done:
    cogvideo_inspection_free(&seen);
    return status;
}

int cogvideo_code_cluster(const cogvideo_model *model, int32_t code)
{
    return model->family->code_cluster ? model->family->code_cluster(model, code) : -1;
}
