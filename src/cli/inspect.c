#include "inspect.h"

#include "generate_options.h"
#include "prompt.h"
#include "say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(field) offsetof(cli_score_options, field)
const arg_option cli_inspect_table[] = {
    { "stage", 0, "N",
      "1: each key frame given those before it; 2: odd frames given the even ones; 0: all steps that make such a "
      "clip, the first frame by stage 1, and so on; default 0",
      ARG_INT, FIELD(stage), 0, 2, 0, NULL },
    { "first-frame", 0, NULL, "include frame 0 (with --stage 1)", ARG_FLAG, FIELD(first_frame), 0, 0, 0, NULL },
    { 0 },
};
#undef FIELD

/* --- steps ---------------------------------------------------------------------------------------------------- */

static void add_step(cli_inspected *out, int stage, int every)
{
    memmove(out->steps + 1, out->steps, (size_t)out->count++ * sizeof *out->steps);
    out->steps[0] = (cli_step){ .stage = stage, .every = every };
}

/* Goes from the last step back to the first: interpolation halves the time between frames as long as whole windows
 * fit. */
static void plan_steps(const cogvideo_model *model, int frames, cli_inspected *out)
{
    const bool stage1 = cogvideo_model_number(model, "stage1") != 0,
               stage2 = cogvideo_model_number(model, "stage2") != 0;
    const int keyframes = (int)cogvideo_model_number(model, "keyframes"), gaps = keyframes - 1;
    int every = 1;

    if (!cogvideo_can_inspect(model)) {
        add_step(out, 0, 1);
        return;
    }
    while (stage2 && gaps > 0 && out->count < CLI_MAX_STEPS - 1 && (frames - 1) / every > gaps &&
           (frames - 1) / every % gaps == 0 && (frames - 1) % every == 0) {
        add_step(out, 2, every);
        every *= 2;
    }
    /* If no step fits, the library's error says how many frames a stage takes. */
    if (out->count == 0 && stage2 && frames > keyframes)
        add_step(out, 2, 1);
    else if (out->count == 0 || (stage1 && (frames - 1) % every == 0 && (frames - 1) / every <= gaps))
        add_step(out, 1, every);
}

/* --- one step ------------------------------------------------------------------------------------------------- */

typedef struct watching {
    const cli_watch *watch;
    int every;
} watching;

static int on_wanted(void *user, int layer, int frame, int place)
{
    const watching *w = user;

    return w->watch->wanted(w->watch->user, layer, frame * w->every, place);
}

static void on_attention(void *user, const cogvideo_attention *attention)
{
    const watching *w = user;

    w->watch->attention(w->watch->user, attention, w->every);
}

static int every_frame(cli_session *session, const cogvideo_tokens *clip, int every, cogvideo_tokens *out)
{
    size_t places = cogvideo_tokens_per_frame(clip);
    cogvideo_error err;

    if (cogvideo_tokens_alloc(out, clip->height, clip->width, clip->rate, (clip->frames - 1) / every + 1, &err) !=
        COGVIDEO_OK)
        return cli_failed(session, &err);
    out->frames_per_code = clip->frames_per_code;
    for (int i = 0; i < out->frames; i++) {
        out->times[i] = clip->times[i * every];
        memcpy(out->codes + (size_t)i * places, clip->codes + (size_t)(i * every) * places,
               places * sizeof *out->codes);
    }
    return CLI_OK;
}

static int run_step(cli_session *session, const cogvideo_generate_options *options, int first_frame,
                    const cogvideo_tokens *clip, const cli_watch *watch, cli_step *step)
{
    watching watched = { watch, step->every };
    cogvideo_inspect_options what = { .score = { .stage = step->stage, .first_frame = first_frame && step->stage == 1 },
                                      .user = &watched };
    cogvideo_tokens some = { 0 };
    cogvideo_error err;
    int status = step->every > 1 ? every_frame(session, clip, step->every, &some) : CLI_OK;

    if (watch) {
        what.wanted = on_wanted;
        what.attention = on_attention;
    }
    if (status == CLI_OK && cogvideo_inspect(session->model, options, &what, step->every > 1 ? &some : clip,
                                             &step->seen, &err) != COGVIDEO_OK)
        status = cli_failed(session, &err);
    cogvideo_tokens_free(&some);
    return status;
}

int cli_inspect(const cli_command *command, cli_session *session, cli_text_options *text,
                const cli_score_options *options, const cogvideo_tokens *clip, const cli_watch *watch,
                cli_inspected *out)
{
    cogvideo_generate_options generate;
    cogvideo_score_options what;
    int status;

    if ((status = cli_score_what(command, options, &what)) != CLI_OK ||
        (status = cli_clip_prompt(session, text, clip)) != CLI_OK)
        return status;
    cli_warn_of_unknown(session, text->prompt);
    cli_fill_text(session, text, &generate);
    out->step_of = cli_alloc((size_t)clip->frames, sizeof *out->step_of);
    for (int i = 0; i < clip->frames; i++)
        out->step_of[i] = -1;
    if (what.stage == 0 || !cogvideo_can_inspect(session->model))
        plan_steps(session->model, clip->frames, out);
    else
        add_step(out, what.stage, 1);
    for (int s = 0; s < out->count && status == CLI_OK; s++) {
        cli_step *step = &out->steps[s];

        status = run_step(session, &generate, what.first_frame || what.stage == 0, clip, watch, step);
        for (int i = 0; i < step->seen.frames; i++)
            if (step->seen.scored[i])
                out->step_of[i * step->every] = s;
    }
    if (status == CLI_OK)
        cli_progress_end(&session->progress);
    return status;
}

void cli_inspected_free(cli_inspected *inspected)
{
    for (int s = 0; s < inspected->count; s++)
        cogvideo_inspection_free(&inspected->steps[s].seen);
    free(inspected->step_of);
    *inspected = (cli_inspected){ 0 };
}

/* --- numbers -------------------------------------------------------------------------------------------------- */

const cogvideo_inspection *cli_inspected_frame(const cli_inspected *inspected, int frame, size_t *at)
{
    int s = inspected->step_of[frame];

    if (s < 0)
        return NULL;
    *at = (size_t)(frame / inspected->steps[s].every) * (size_t)inspected->steps[s].seen.places;
    return &inspected->steps[s].seen;
}

int cli_changed_codes(const cogvideo_tokens *clip, int frame)
{
    size_t places = cogvideo_tokens_per_frame(clip);
    const int32_t *codes = clip->codes + (size_t)frame * places;
    int changed = 0;

    for (size_t i = 0; frame > 0 && i < places; i++)
        changed += codes[i] != codes[i - places]; /* the previous frame stands directly before it */
    return changed;
}

cli_frame_means cli_inspected_means(const cogvideo_tokens *clip, int frame, const cogvideo_inspection *seen, size_t at)
{
    const int32_t *codes = clip->codes + (size_t)frame * (size_t)seen->places;
    cli_frame_means means = { 0 };

    for (int i = 0; i < seen->places; i++) {
        means.probability += exp(seen->logprob[at + (size_t)i]) / seen->places;
        means.logprob += seen->logprob[at + (size_t)i] / seen->places;
        if (!seen->entropy)
            continue;
        means.entropy += seen->entropy[at + (size_t)i] / seen->places;
        means.likeliest += seen->likeliest[at + (size_t)i] == codes[i];
    }
    return means;
}
