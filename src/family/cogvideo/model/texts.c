#include "family/cogvideo/model/texts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_PROMPT (1u << 20)

void cv_ids_free(cv_ids *ids)
{
    cv_free(ids->ids);
    *ids = (cv_ids){ 0 };
}

/* Appends the ids of one piece of text that is encoded apart. */
static cogvideo_status append_text(const cv_cogvideo *model, cv_buffer *ids, const char *text, cogvideo_error *err)
{
    cogvideo_status status;
    int32_t *part = NULL;
    size_t count;

    CV_TRY(cv_text_encode(model->head.text, text, strlen(text), false, &part, &count, err));
    status = cv_buffer_append(ids, part, count * sizeof *part, err);
    cv_free(part);
done:
    return status;
}

static cogvideo_status append_duration(const cv_cogvideo *model, cv_buffer *ids, double seconds, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    int32_t separator = cv_text_id(model->head.text, d->separator);
    cogvideo_status status;
    char text[160];

    if (separator < 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has no piece '%.40s', which separates duration and prompt",
                       model->head.text_path, d->separator);
    snprintf(text, sizeof text, "%.1f%.100s", seconds, d->duration_suffix);
    CV_TRY(append_text(model, ids, text, err));
    CV_TRY(cv_buffer_append(ids, &separator, sizeof separator, err));
done:
    return status;
}

/* *tokens = those of the prompt alone. It is empty when it holds only blanks, of which Unicode has many: the text model
 * knows them. */
static cogvideo_status check_prompt(const cv_cogvideo *model, const char *prompt, size_t *tokens, cogvideo_error *err)
{
    size_t size = prompt ? strlen(prompt) : 0, count = 0;
    int32_t *ids = NULL;
    cogvideo_status status;

    if (size > MAX_PROMPT)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the prompt has %zu bytes, at most %u are read", size, MAX_PROMPT);
    if (size > 0) {
        CV_TRY(cv_text_encode(model->head.text, prompt, size, false, &ids, &count, err));
        cv_free(ids);
    }
    if (count == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the prompt is empty: say what is to be shown");
    *tokens = count;
    status = COGVIDEO_OK;
done:
    return status;
}

/* A text on its way to a step. */
typedef struct draft {
    const char *what;     /* who reads it: "super-resolution" */
    size_t prompt_tokens; /* of the prompt alone; 0 where ids were given, or for a guide */
    int room;             /* tokens that the network takes */
    cv_buffer ids;
} draft;

static cogvideo_status too_long(const draft *text, size_t count, cogvideo_error *err)
{
#define WAYS_OUT "or let it be cut ('--cut-text', the option cut_text)"
    if (text->prompt_tokens > 0 && text->prompt_tokens < count)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "the prompt has %zu tokens and %s adds %zu: that makes %zu, and the model has room for %d; shorten the prompt by %zu or "
            "more, " WAYS_OUT,
            text->prompt_tokens, text->what, count - text->prompt_tokens, count, text->room,
            count - (size_t)text->room);
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                   "the text of %s has %zu tokens, and the model has room for %d; shorten it, " WAYS_OUT, text->what,
                   count, text->room);
#undef WAYS_OUT
}

static cogvideo_status check_length(const cv_cogvideo *model, const cogvideo_generate_options *options,
                                    const draft *text, size_t *count, cogvideo_error *err)
{
    if (*count == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the text of %s has no tokens: at least one is needed",
                       text->what);
    if (*count <= (size_t)text->room)
        return COGVIDEO_OK;
    if (!options->cut_text)
        return too_long(text, *count, err);
    cv_log(&model->head.log, COGVIDEO_LOG_WARNING, "the text of %s has %zu tokens and was cut to the model's %d",
           text->what, *count, text->room);
    *count = (size_t)text->room;
    return COGVIDEO_OK;
}

/* Takes over the ids of the text, cut to the room, each checked to be a row of the embeddings. */
static cogvideo_status finish(const cv_cogvideo *model, const cogvideo_generate_options *options, draft *text,
                              cv_ids *out, cogvideo_error *err)
{
    int32_t *ids = (int32_t *)text->ids.data;
    size_t count = text->ids.size / sizeof *ids;
    int vocabulary = model->description.network.vocabulary;
    cogvideo_status status;

    CV_TRY(check_length(model, options, text, &count, err));
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "text id %d is none of the model's (0 to %d)", (int)ids[i],
                             vocabulary - 1);
            goto done;
        }
    *out = (cv_ids){ ids, (int)count };
    return COGVIDEO_OK;
done:
    cv_buffer_free(&text->ids);
    return status;
}

/* The refiner reads no more of any text, as in the original. */
static void keep_beginning(const cv_cogvideo *model, cv_ids *ids)
{
    const int room = model->description.refiner.text_places;

    if (ids->count <= room)
        return;
    cv_log(&model->head.log, COGVIDEO_LOG_INFO, "the refiner reads the first %d of the text's %d tokens", room,
           ids->count);
    ids->count = room;
}

/* Whether a step reads the text of a picture, not that of a video. */
static bool of_picture(cv_step_kind step)
{
    return step != CV_STEP_KEYFRAMES && step != CV_STEP_INTERPOLATE;
}

/* What stands behind the prompt. */
static cogvideo_status suffix_of(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_step_kind step,
                                 bool guided, const char **suffix, cogvideo_error *err)
{
    const cv_description *d = &model->description;
    cogvideo_status status = COGVIDEO_OK;
    const cv_style *style;

    *suffix = step == CV_STEP_FIRST_FRAME            ? d->first_frame_suffix
              : step == CV_STEP_KEYFRAMES && !guided ? ""
                                                     : d->video_suffix;
    if (of_picture(step) && options->mask && d->completion_suffix)
        *suffix = d->completion_suffix;
    if (of_picture(step) && options->style) {
        CV_TRY(cv_style_find(&d->styles, options->style, &style, err));
        *suffix = style->suffix;
    }
done:
    return status;
}

cogvideo_status cv_step_text(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_step_kind step,
                             bool guided, double seconds, cv_ids *out, cogvideo_error *err)
{
    static const char *const names[] = { "the first frame", "stage 1 (key frames)", "stage 2 (interpolation)",
                                         "super-resolution", "the refiner" };
    const cv_description *d = &model->description;
    draft text = { .what = names[step],
                   .room = step == CV_STEP_REFINE    ? INT_MAX /* it reads the beginning of any text */
                           : step == CV_STEP_UPSCALE ? d->upscaler.text_places
                                                     : d->network.text_places };
    cogvideo_status status;
    cv_buffer prompt = { 0 };
    const char *suffix;

    if (options->text_ids) {
        CV_TRY(cv_buffer_append(&text.ids, options->text_ids, options->text_count * sizeof *options->text_ids, err));
        CV_TRY(finish(model, options, &text, out, err));
        if (step == CV_STEP_REFINE)
            keep_beginning(model, out);
        return COGVIDEO_OK;
    }
    CV_TRY(cv_model_need_text(&model->head, err));
    CV_TRY(check_prompt(model, options->prompt, &text.prompt_tokens, err));
    CV_TRY(suffix_of(model, options, step, guided, &suffix, err));
    if (step == CV_STEP_KEYFRAMES || step == CV_STEP_INTERPOLATE)
        CV_TRY(append_duration(model, &text.ids, seconds, err));
    CV_TRY(cv_buffer_printf(&prompt, err, "%s%s", options->prompt, suffix));
    CV_TRY(append_text(model, &text.ids, prompt.data, err));
    if (of_picture(step) && options->mask && d->completion_ends_in_start)
        CV_TRY(cv_buffer_append(&text.ids, &(int32_t){ d->network.start_of_image }, sizeof(int32_t), err));
    cv_buffer_free(&prompt);
    CV_TRY(finish(model, options, &text, out, err));
    if (step == CV_STEP_REFINE)
        keep_beginning(model, out);
    return COGVIDEO_OK;
done:
    cv_buffer_free(&prompt);
    cv_buffer_free(&text.ids);
    return status;
}

cogvideo_status cv_guide_text(const cv_cogvideo *model, const cogvideo_generate_options *options, double seconds,
                              cv_ids *out, cogvideo_error *err)
{
    draft text = { .what = "the guide", .room = model->description.network.text_places };
    cogvideo_status status;

    if (options->guide_ids) {
        CV_TRY(cv_buffer_append(&text.ids, options->guide_ids, options->guide_count * sizeof *options->guide_ids, err));
    } else {
        CV_TRY(cv_model_need_text(&model->head, err));
        CV_TRY(append_duration(model, &text.ids, seconds, err));
        CV_TRY(append_text(model, &text.ids, model->description.guide, err));
    }
    return finish(model, options, &text, out, err);
done:
    cv_buffer_free(&text.ids);
    return status;
}

/* A CJK ideograph: three-byte sequences of U+3400..9FFF, four-byte ones of planes 2 and 3. */
bool cv_has_chinese(const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if ((s[0] >= 0xe4 && s[0] <= 0xe9) || (s[0] == 0xe3 && s[1] >= 0x90) || (s[0] == 0xf0 && s[1] >= 0xa0))
            return true;
    return false;
}

void cv_warn_language(const cv_cogvideo *model, const cogvideo_generate_options *options)
{
    const char *language = model->description.language;

    if (language && strcmp(language, "zh") == 0 && options->prompt && !options->text_ids &&
        !cv_has_chinese(options->prompt))
        cv_log(&model->head.log, COGVIDEO_LOG_WARNING,
               "this model was trained on Chinese: a prompt without Chinese characters is hardly understood");
}
