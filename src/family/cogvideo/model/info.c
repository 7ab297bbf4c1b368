/* info.c - what a CogVideo model is: numbers that every family has, and rows of this one. */
#include "family/cogvideo/model/model.h"
#include "family/properties.h"

void cv_cogvideo_info(const cogvideo_model *head, cogvideo_model_info *out)
{
    const cv_description *d = &cv_cogvideo_of(head)->description;

    out->image_codes = d->network.image_codes;
    out->height = out->width = d->network.grid;
    out->rate = d->rate;
}

/* Names stand in the JSON of `cogvideo info`. */
bool cv_cogvideo_property(const cogvideo_model *head, int index, cogvideo_property *out)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    const cv_description *d = &model->description;
    const cv_cogvideo_config *network = &d->network;
    const bool stage1 = model->stages[0].plus != NULL, stage2 = model->stages[1].plus != NULL,
               any = model->stages[0].trunk || stage2;
    const cogvideo_property rows[] = {
        cv_property_flag("trunk", "trunk", model->stages[0].trunk || model->stages[1].trunk),
        cv_property_flag("stage1", "stage 1", stage1),
        cv_property_flag("stage2", "stage 2", stage2),
        cv_property_flag("shared_trunk", "shared trunk", model->shared_trunk), /* of several networks */
        cv_property_flag("upscaler", "super-resolution", model->upscaler != NULL),
        cv_property_flag("refiner", "iterative super-resolution", model->refiner != NULL),
        cv_property_flag("image_tokenizer", "image tokenizer", model->image_tokenizer != NULL),
        cv_property_flag("clusters", "code clusters", model->clusters != NULL),
        cv_property_text("styles", "styles", d->styles.list),
        cv_property_whole("layers", "layers", NULL, any ? network->layers : 0), /* of the trunk, as the next three */
        cv_property_whole("hidden", "channels", NULL, any ? network->hidden : 0),
        cv_property_whole("heads", "heads", NULL, any ? network->heads : 0),
        cv_property_whole("vocabulary", "vocabulary", "ids", any ? network->vocabulary : 0),
        cv_property_whole("text_places", "longest text", "ids", network->text_places),
        cv_property_whole("keyframes", "key frames", NULL, stage1 ? network->frames : 0), /* the first one included */
        cv_property_whole("rounds", "rounds", NULL, d->duration_count - 1), /* of interpolation, for the whole clip */
        cv_property_number("seconds", "whole clip", "s", d->durations[0]),
        cv_property_whole("grid", "side of a frame", "codes", network->grid),
        cv_property_whole("window", "side of a window", "codes", stage2 ? network->window : 0),
        cv_property_whole("upscaled_grid", "upscaled side", "codes", model->upscaler ? d->upscaler.upscaled_grid : 0),
        cv_property_whole("picture_size", "picture size", "pixels",
                          d->picture_size), /* smaller pictures are enlarged to it */
    };

    if ((size_t)index >= sizeof rows / sizeof *rows)
        return false;
    *out = rows[index];
    return true;
}
