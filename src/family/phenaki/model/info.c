/* info.c - what a Phenaki model is: numbers that every family has, and rows of this one. */
#include "family/phenaki/model/model.h"
#include "family/properties.h"

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
    out->rate_across = cv_cvivit_rate_across(c);
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
        cv_property_flag("video_tokenizer", "video tokenizer", model->tokenizer != NULL),
        cv_property_flag("masked", "transformer", model->masked != NULL),
        cv_property_flag("critic", "token critic", model->critic != NULL),
        cv_property_flag("self_critic", "self critic", model->self_critic.to_pred.weight.N > 0),
        cv_property_flag("text_encoder", "text encoder", model->text_encoder != NULL),
        cv_property_whole("patch_frames", "frames per code", NULL, c->patch_frames), /* but for the first of a scene */
        cv_property_flag("causal", "causal in time", model->tokenizer && c->causal),
        cv_property_whole("layers", "layers", NULL, m->layers), /* of the masked transformer, as the next four */
        cv_property_whole("hidden", "channels", NULL, m->width),
        cv_property_whole("heads", "heads", NULL, m->heads),
        cv_property_whole("text_width", "text channels", NULL, m->text_width),
        cv_property_whole("places", "largest scene", "codes", m->places),
        cv_property_whole("text_layers", "text layers", NULL, t->layers),
        cv_property_whole("scene_frames", "scene", "frames", model->frames),
        cv_property_whole("context", "context frames", NULL, model->context),
        cv_property_number("fps", "frame rate", "frames/s", model->fps),
        cv_property_number("seconds", "scene length", "s", model->frames > 1 ? (model->frames - 1) / model->fps : 0),
    };

    if ((size_t)index >= sizeof rows / sizeof *rows)
        return false;
    *out = rows[index];
    return true;
}
