/* inspect.c - what a stage knows and looks at while it predicts a clip's codes: the pass of score.c, watched. */
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/steps/forced.h"
#include "sample/sampler.h"

#include <math.h>
#include <string.h>

typedef struct inspecting {
    const cv_cogvideo *model;
    const cogvideo_inspect_options *what;
    cogvideo_inspection *out;
    float *weights; /* [keys], of one head; this and what follows only where attention is wanted */
    float *scaled;  /* [D] */
    float *text;    /* [text_places] */
    float *seen;    /* [frames of the network][places], in time order */
} inspecting;

static const cv_cogvideo_config *config_of(const inspecting *s)
{
    return &s->model->description.network;
}

static int32_t likeliest(const float *logits, int codes)
{
    int32_t best = 0;

    for (int32_t i = 1; i < codes; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

static void see(void *user, int frame, int place, float *const logits[CV_FORCED_MODELS], int32_t code)
{
    const inspecting *s = user;
    cogvideo_inspection *out = s->out;
    int codes = config_of(s)->image_codes;
    size_t at = (size_t)frame * (size_t)out->places + (size_t)place;

    out->scored[frame] = 1;
    out->logprob[at] = cv_log_probability(logits[0], codes, code);
    out->entropy[at] = cv_entropy(logits[0], codes);
    out->likeliest[at] = likeliest(logits[0], codes);
}

static cogvideo_status keep_text(void *user, cv_step_kind step, const cv_ids *ids, cogvideo_error *err)
{
    cogvideo_inspection *out = ((inspecting *)user)->out;
    bool first = step == CV_STEP_FIRST_FRAME;
    int32_t **kept = first ? &out->first_ids : &out->text_ids;
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(*kept, ids->count, err);
    memcpy(*kept, ids->ids, (size_t)ids->count * sizeof **kept);
    *(first ? &out->first_count : &out->text_count) = (size_t)ids->count;
done:
    return status;
}

/* --- attention ------------------------------------------------------------------------------------------------ */

/* Adds a head's weights on one source to where its keys lie. */
static const float *spread(const cv_attention_source *source, const float *weights, float *to)
{
    for (int r = 0; r < source->run_count; r++) {
        const cv_key_run *run = &source->runs[r];

        for (int i = 0; i < run->count; i++)
            to[run->first + i] += *weights++;
    }
    return weights;
}

/* Frames by slot to frames in time order, each a mean over the heads. */
static void in_time(const inspecting *s, const cv_forced_look *look, const float *by_slot)
{
    size_t L = (size_t)s->out->places;

    for (int slot = 0; slot < look->frames; slot++)
        memcpy(s->seen + (size_t)cv_slot_time(config_of(s), look->kind, slot) * L, by_slot + (size_t)slot * L,
               L * sizeof *by_slot);
}

static void look(void *user, const cv_forced_look *look)
{
    const inspecting *s = user;
    const cv_cogvideo_config *config = config_of(s);
    int L = s->out->places, frames = look->plus ? look->frames : 1, D = config->hidden / config->heads;
    const cv_attention_source *sources = look->query->sources;
    float *by_slot = s->seen + (size_t)config->frames * (size_t)L;
    cogvideo_attention out = { .layer = look->layer,
                               .second = look->plus,
                               .frame = look->frame,
                               .place = look->place,
                               .text_count = sources[0].positions,
                               .text = s->text,
                               .first_frame = look->plus ? look->first_frame : look->frame,
                               .frame_count = frames,
                               .frames = look->plus ? s->seen : by_slot };

    if (s->what->wanted && !s->what->wanted(s->what->user, look->layer, look->frame, look->place))
        return;
    memset(s->text, 0, (size_t)out.text_count * sizeof *s->text);
    memset(by_slot, 0, (size_t)frames * (size_t)L * sizeof *by_slot);
    for (int head = 0; head < config->heads; head++) {
        cv_attention_weights(&s->model->head.exec.kernels, look->query, 1, head, D, s->weights, 0, s->scaled);
        spread(&sources[1], spread(&sources[0], s->weights, s->text), by_slot);
    }
    for (int t = 0; t < out.text_count; t++)
        s->text[t] /= (float)config->heads;
    for (int i = 0; i < frames * L; i++)
        by_slot[i] /= (float)config->heads;
    if (look->plus)
        in_time(s, look, by_slot);
    s->what->attention(s->what->user, &out);
}

static cogvideo_status make_room(inspecting *s, cogvideo_error *err)
{
    const cv_cogvideo_config *config = config_of(s);
    size_t frames = (size_t)config->frames * (size_t)s->out->places;
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(s->weights, frames + (size_t)config->text_places, err);
    CV_NEW(s->scaled, config->hidden / config->heads, err);
    CV_NEW(s->text, config->text_places, err);
    CV_NEW(s->seen, 2 * frames, err); /* in time order, then by slot */
done:
    return status;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static cogvideo_status keep_alpha(const inspecting *s, cogvideo_error *err)
{
    const cv_cogvideo_config *config = config_of(s);
    const cv_stage *stage;
    cogvideo_status status;

    CV_TRY(
        cv_need_stage(s->model, s->what->score.stage == 2 ? CV_STAGE_INTERPOLATE : CV_STAGE_SEQUENTIAL, &stage, err));
    for (int n = 0; n < config->layers; n++)
        for (int i = 0; i < config->hidden; i++)
            s->out->alpha[(size_t)n * (size_t)config->hidden + (size_t)i] =
                1.0f / (1.0f + expf(-stage->plus[n].mix[i]));
done:
    return status;
}

cogvideo_status cv_cogvideo_inspect(const cogvideo_model *head, const cogvideo_generate_options *options,
                                    const cogvideo_inspect_options *what, const cogvideo_tokens *clip,
                                    cogvideo_inspection *out, cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_cogvideo_config *config = &model->description.network;
    const cv_cogvideo *const models[CV_FORCED_MODELS] = { model, NULL };
    const cogvideo_generate_options *const all_options[CV_FORCED_MODELS] = { options, NULL };
    cogvideo_inspection made = { .frames = clip->frames,
                                 .places = cv_cogvideo_places(config),
                                 .layers = config->layers,
                                 .hidden = config->hidden };
    inspecting s = { .model = model, .what = what, .out = &made };
    const cv_forced_viewer viewer = { see, keep_text, what->attention ? look : NULL, &s };
    size_t codes = (size_t)clip->frames * (size_t)made.places;
    cogvideo_status status;

    CV_TRY(cv_forced_check(model, options, clip, err));
    CV_NEW(made.scored, clip->frames, err);
    CV_NEW(made.logprob, codes, err);
    CV_NEW(made.entropy, codes, err);
    CV_NEW(made.likeliest, codes, err);
    CV_NEW(made.alpha, (size_t)config->layers * (size_t)config->hidden, err);
    CV_TRY(keep_alpha(&s, err));
    if (what->attention)
        CV_TRY(make_room(&s, err));
    CV_TRY(cv_forced_walk(models, 1, all_options, &what->score, clip, &viewer, err));
    *out = made;
    made = (cogvideo_inspection){ 0 };
done:
    cogvideo_inspection_free(&made);
    cv_free(s.weights);
    cv_free(s.scaled);
    cv_free(s.text);
    cv_free(s.seen);
    return status;
}

int cv_cogvideo_code_cluster(const cogvideo_model *head, int32_t code)
{
    const cv_clusters *clusters = cv_cogvideo_of(head)->clusters;

    if (!clusters || code < 0 || code >= cv_clusters_codes(clusters))
        return -1;
    return (int)cv_clusters_labels(clusters)[code];
}
