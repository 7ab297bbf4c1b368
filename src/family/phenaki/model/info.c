/* info.c - what a Phenaki model is: numbers that every family has, and rows of this one. */
#include "family/phenaki/model/model.h"

void cv_phenaki_info(const cogvideo_model *head, cogvideo_model_info *out)
{
    const cv_phenaki *model = cv_phenaki_of(head);
    const cv_cvivit_config *c = model->tokenizer ? cv_cvivit_config_of(model->tokenizer) : NULL;

    if (!c)
        return;
    out->image_codes = c->codes;
    out->height = model->height / c->patch_height;
    out->width = model->width / c->patch_width;
    out->rate = c->patch_height;
    out->rate_across = c->patch_width == c->patch_height ? 0 : c->patch_width;
}

static cogvideo_property flag(const char *name, const char *title, bool value)
{
    return (cogvideo_property){ .name = name, .title = title, .kind = COGVIDEO_PROPERTY_FLAG, .number = value };
}

static cogvideo_property whole(const char *name, const char *title, const char *unit, int value)
{
    return (cogvideo_property){ .name = name,
                                .title = title,
                                .unit = unit,
                                .kind = COGVIDEO_PROPERTY_WHOLE,
                                .number = value };
}

static cogvideo_property number(const char *name, const char *title, const char *unit, double value)
{
    return (cogvideo_property){ .name = name,
                                .title = title,
                                .unit = unit,
                                .kind = COGVIDEO_PROPERTY_NUMBER,
                                .number = value };
}

/* Names stand in the JSON of `cogvideo info`. */
bool cv_phenaki_property(const cogvideo_model *head, int index, cogvideo_property *out)
{
    static const cv_cvivit_config no_tokenizer;
    static const cv_masked_config no_masked;
    static const cv_t5_config no_text;
    const cv_phenaki *model = cv_phenaki_of(head);
    const cv_cvivit_config *c = model->tokenizer ? cv_cvivit_config_of(model->tokenizer) : &no_tokenizer;
    const cv_masked_config *m = model->masked ? cv_masked_config_of(model->masked) : &no_masked;
    const cv_t5_config *t = model->text_encoder ? cv_t5_config_of(model->text_encoder) : &no_text;
    const cogvideo_property rows[] = {
        flag("video_tokenizer", "video tokenizer", model->tokenizer != NULL),
        flag("masked", "masked transformer", model->masked != NULL),
        flag("critic", "token critic", model->critic != NULL),
        flag("self_critic", "self critic", model->self_critic.to_pred.weight.N > 0),
        flag("text_encoder", "text encoder", model->text_encoder != NULL),
        whole("patch_frames", "frames of a code", NULL, c->patch_frames), /* but for the first of a scene */
        flag("causal", "causal in time", model->tokenizer && c->causal),
        whole("layers", "layers", NULL, m->layers), /* of the masked transformer, as the next four */
        whole("hidden", "channels", NULL, m->width),
        whole("heads", "heads", NULL, m->heads),
        whole("text_width", "numbers of a token of text", NULL, m->text_width),
        whole("places", "largest scene", "codes", m->places),
        whole("text_layers", "layers of the text encoder", NULL, t->layers),
        whole("scene_frames", "scene", "frames", model->frames),
        whole("context", "frames kept between scenes", NULL, model->context),
        number("fps", "frame rate", "frames/s", model->fps),
        number("seconds", "whole clip", "s", model->frames > 1 ? (model->frames - 1) / model->fps : 0),
    };

    if ((size_t)index >= sizeof rows / sizeof *rows)
        return false;
    *out = rows[index];
    return true;
}
