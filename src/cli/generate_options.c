#include "generate_options.h"

#include "prompt.h"
#include "say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The whole number `key` of an object, from 0 to `max`; -1 where there is none. */
static int64_t whole_number(const cv_json *object, const char *key, int64_t max)
{
    int64_t value;

    return cv_json_int(object, key, 0, max, &value, "", NULL) == COGVIDEO_OK ? value : -1;
}

/* The model was not trained to be guided between key frames: only who gives a guide for that, too, gets it there. */
static void set_guidance(cogvideo_generate_options *out, double guidance)
{
    for (int i = 0; i < out->step_count; i++) {
        cogvideo_step_options *step = &out->steps[i];

        if (strcmp(step->name, "interpolate") != 0 || (out->guide_ids && guidance > 1))
            step->guidance = guidance;
    }
}

void cli_fill_text(cli_session *session, const cli_text_options *text, cogvideo_generate_options *out)
{
    cogvideo_generate_defaults(session->model, out);
    out->prompt = text->prompt;
    out->text_ids = text->text_ids.values;
    out->text_count = text->text_ids.count;
    out->guide_ids = text->guide_ids.values;
    out->guide_count = text->guide_ids.count;
    out->cut_text = text->cut_text;
    out->callbacks = cli_callbacks(session);
    if (!isnan(text->guidance))
        set_guidance(out, text->guidance);
    for (int i = 0; i < out->step_count && !isnan(text->text_weight); i++)
        out->steps[i].text_weight = out->steps[i].text_weight_guided = text->text_weight;
}

void cli_clip_seed(const cli_session *session, cli_sampling_options *sampling, const cogvideo_tokens *clip)
{
    static const char *const makers[] = { "complete", "keyframes", "first_frame", NULL };
    int64_t seed = -1, sample;
    cv_json *header;

    if (sampling->seed != CLI_SEED_NONE)
        return;
    header = cli_header(clip);
    for (size_t i = 0; i < sizeof makers / sizeof *makers && seed < 0; i++)
        seed = whole_number(makers[i] ? cv_json_get(header, makers[i]) : header, "seed", COGVIDEO_MAX_SEED);
    sample = whole_number(header, "sample", CLI_MAX_SAMPLE);
    cv_json_free(&header);
    if (seed < 0)
        return;
    sampling->seed = seed;
    if (sampling->first_sample == 0 && sample > 0)
        sampling->first_sample = (int)sample;
    if (!sampling->given.greedy && !session->progress.quiet)
        cli_say("seed: %lld, sample %d, as the clip's key frames", (long long)seed, sampling->first_sample);
}

/* Whether a field is given that only these ways to draw read. */
static int is_given(const cli_sampling_options *sampling, unsigned ways)
{
    const cogvideo_field *field;

    for (int i = 0; (field = cogvideo_sampling_field(i)); i++)
        if (field->ways == ways && cogvideo_sampling_get(&sampling->given, field) >= field->min)
            return 1;
    return 0;
}

/* Over the defaults of the model, or a style. */
static void fill_sampling(const cli_sampling_options *sampling, cogvideo_generate_options *out)
{
    const cogvideo_field *field;

    out->seed = sampling->seed < 0 ? 0 : (uint64_t)sampling->seed;
    out->first_sample = sampling->first_sample;
    out->lookahead = sampling->lookahead;
    if (is_given(sampling, COGVIDEO_BY_RANK)) /* which clusters would leave unread */
        cogvideo_set_sampling(out, "clusters", 0, NULL);
    for (int i = 0; (field = cogvideo_sampling_field(i)); i++) {
        const double value = cogvideo_sampling_get(&sampling->given, field);

        if (value >= field->min && (field->kind != COGVIDEO_FIELD_FLAG || value != 0))
            cogvideo_set_sampling(out, field->name, value, NULL);
    }
}

void cli_fill_options(cli_session *session, const cli_text_options *text, const cli_sampling_options *sampling,
                      cogvideo_generate_options *out)
{
    cli_fill_text(session, text, out);
    fill_sampling(sampling, out);
}

/* A field that is given and that no step of the model reads; NULL where there is none. */
static const cogvideo_field *unread_field(const cli_sampling_options *sampling,
                                          const cogvideo_generate_options *options)
{
    const cogvideo_field *field;
    unsigned ways = 0;

    for (int i = 0; i < options->step_count; i++)
        ways |= options->steps[i].ways;
    for (int i = 0; (field = cogvideo_sampling_field(i)); i++) {
        const double value = cogvideo_sampling_get(&sampling->given, field);

        if (value >= field->min && (field->kind != COGVIDEO_FIELD_FLAG || value != 0) && !(field->ways & ways))
            return field;
    }
    return NULL;
}

static int has_table(const cli_command *command, const arg_option *table)
{
    for (const arg_group *group = command->groups; group->options; group++)
        if (group->options == table)
            return 1;
    return 0;
}

/* A command without a table of options was not given them: those that only these ways to draw read. */
static void forget(cli_sampling_options *sampling, unsigned ways)
{
    const cogvideo_field *field;

    for (int i = 0; (field = cogvideo_sampling_field(i)); i++)
        if (field->ways == ways)
            cogvideo_sampling_set(&sampling->given, field, field->kind == COGVIDEO_FIELD_NUMBER ? NAN : field->min - 1);
}

/* The same of guidance and of the weight of text. */
static void forget_guidance(const cli_command *command, cli_text_options *text)
{
    const int guides = has_table(command, cli_guide_table) || has_table(command, cli_window_guide_table);

    if (!guides)
        text->guidance = NAN;
    if (!guides && !has_table(command, cli_text_weight_table))
        text->text_weight = NAN;
}

static int unread_option(const cli_command *command, const char *name)
{
    return cli_usage_error(command, "no step of this model reads %s; it is for other families of models", name);
}

/* Whether the flag at this offset is set in some step. */
static int has_step(const cogvideo_generate_options *options, size_t offset)
{
    for (int i = 0; i < options->step_count; i++)
        if (*(const int *)(const void *)((const char *)&options->steps[i] + offset))
            return 1;
    return 0;
}

int cli_generate_options(const cli_command *command, cli_session *session, cli_text_options *text,
                         cli_sampling_options *sampling, cogvideo_generate_options *out)
{
    const cogvideo_field *unread;
    cogvideo_error err;
    char name[40];

    if (!has_table(command, cli_steps_table))
        forget(sampling, COGVIDEO_BY_UNMASKING);
    if (!has_table(command, cli_candidates_table))
        forget(sampling, COGVIDEO_BY_CANDIDATES);
    forget_guidance(command, text);
    if (is_given(sampling, COGVIDEO_BY_RANK) && sampling->given.clusters > 0)
        return cli_usage_error(command, "--top-k and --top-p draw without clusters; leave --clusters out");
    cli_warn_of_unknown(session, text->prompt);
    cli_fill_text(session, text, out);
    if (text->style && cogvideo_set_style(session->model, out, text->style, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    fill_sampling(sampling, out);
    unread = unread_field(sampling, out);
    if (unread) {
        snprintf(name, sizeof name, "--%s", unread->name);
        for (char *c = name; (c = strchr(c, '_'));)
            *c = '-';
        return unread_option(command, name);
    }
    if (!isnan(text->guidance) && !has_step(out, offsetof(cogvideo_step_options, has_guidance)))
        return unread_option(command, "--guidance");
    if (!isnan(text->text_weight) && !has_step(out, offsetof(cogvideo_step_options, has_text_weight)))
        return unread_option(command, "--text-weight");
    return CLI_OK;
}

int cli_score_what(const cli_command *command, const cli_score_options *options, cogvideo_score_options *out)
{
    if (options->first_frame && options->stage == 2)
        return cli_usage_error(command, "--first-frame belongs to stage 1");
    *out = (cogvideo_score_options){ .stage = options->stage,
                                     .first_frame = options->first_frame,
                                     .masked_share = options->masked_share };
    return CLI_OK;
}
