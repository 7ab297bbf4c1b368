#include "family/phenaki/train/networks.h"

#include "family/phenaki/train/parts.h"

#define TEXT_PART "text_encoder"

/* Whether there may be batches of this kind, of training or of an evaluation. */
static bool any_of(const cv_boxes *b, bool pictures)
{
    bool found = pictures && (b->recipe->pictures > 0 || b->recipe->picture_steps > 0);

    for (int i = 0; i < b->files; i++)
        found = found || (b->rows[i].T == 1) == pictures;
    return found || (b->held_out.file.count > 0 && (b->held_out.T == 1) == pictures);
}

int cv_box_texts(const cv_boxes *boxes)
{
    return boxes->batch * (any_of(boxes, true) ? boxes->T : 1);
}

cogvideo_status cv_box_networks_open(cv_box_networks *out, const cv_boxes *b, const cv_learner *learner,
                                     const cv_masked_config *config, int text_rows, cogvideo_error *err)
{
    const cv_masked_learning clips = { .batch = b->batch,
                                       .T = b->T,
                                       .h = b->h,
                                       .w = b->w,
                                       .text_rows = text_rows,
                                       .embedding_gradient = b->recipe->embedding_gradient };
    cv_masked_learning pictures = clips;
    cogvideo_status status = COGVIDEO_OK;

    pictures.batch = b->batch * b->T;
    pictures.T = 1;
    if (any_of(b, false))
        CV_TRY(cv_masked_learner_open(&out->clips, learner->exec, learner->weights[0], learner->gradients[0], config,
                                      &clips, err));
    if (any_of(b, true))
        CV_TRY(cv_masked_learner_open(&out->pictures, learner->exec, learner->weights[0], learner->gradients[0], config,
                                      &pictures, err));
done:
    return status;
}

void cv_box_networks_close(cv_box_networks *networks)
{
    cv_masked_learner_close(&networks->clips);
    cv_masked_learner_close(&networks->pictures);
}

uint64_t cv_box_networks_bytes(const cv_box_networks *networks)
{
    return (networks->clips ? cv_masked_learner_bytes(networks->clips) : 0) +
           (networks->pictures ? cv_masked_learner_bytes(networks->pictures) : 0);
}

cv_masked_learner *cv_box_network(const cv_box_networks *networks, const cv_boxes *boxes)
{
    return boxes->pictures ? networks->pictures : networks->clips;
}

cv_masked_input cv_box_input(const cv_boxes *b, const cv_train_texts *texts)
{
    cv_masked_input input = { .batch = b->count, .T = b->latent, .h = b->h, .w = b->w, .ids = b->ids };

    if (!texts)
        return input;
    input.text = texts->vectors;
    input.text_mask = texts->mask;
    input.text_rows = texts->batch.longest;
    return input;
}

cogvideo_status cv_box_text_config(cv_t5_config *out, const cogvideo_model *model, int text_width, bool trained,
                                   cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *section;
    char origin[600];

    CV_TRY(cv_model_need_text(model, err));
    CV_TRY(cv_phenaki_section(model, TEXT_PART, &section, origin, err));
    CV_TRY(cv_t5_config_read(out, section, origin, err));
    CV_TRY(cv_t5_check_text(model->text, out->vocabulary, err));
    if (out->width != text_width)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: 'width' is %d, but the network reads %d numbers ('text_width')",
                       origin, out->width, text_width);
    if (!trained && !cv_phenaki_of(model)->text_encoder)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: has no text encoder: 'cogvideo import --text-encoder' brings a trained one, and "
                       "'train_text' 1 in the recipe trains one with the masked transformer",
                       model->directory);
done:
    return status;
}

cogvideo_status cv_add_stores(cv_learner *learner, const cv_store *plan, const char *weights, const char *gradients,
                              cogvideo_error *err)
{
    const int s = learner->stores;
    cogvideo_status status;

    CV_TRY(cv_store_create_like(&learner->weights[s], weights, plan, err));
    CV_TRY(cv_store_create_like(&learner->gradients[s], gradients, plan, err));
    learner->stores++;
done:
    return status;
}
