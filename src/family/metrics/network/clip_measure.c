#include "family/metrics/network/clip.h"

#include <stdio.h>
#include <string.h>

/* Bounds that no CLIP comes near; products of sizes below them fit an int. */
#define MOST_WIDTH 16384
#define MOST_LAYERS 256
#define MOST_PLACES 16384

/* Layers, heads and MLP of a tower whose width is known. */
static cogvideo_status read_tower(const cv_store *store, const char *prefix, cv_clip_tower *tower, cogvideo_error *err)
{
    char name[160];
    cogvideo_status status;

    tower->layers = 0;
    do
        snprintf(name, sizeof name, "%s.resblocks.%d.ln_1.weight", prefix, tower->layers);
    while (cv_store_find(store, name) && tower->layers++ < MOST_LAYERS);
    if (tower->layers < 1 || tower->layers > MOST_LAYERS)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has %d blocks '%s.resblocks'; 1 to %d were expected",
                       cv_store_path(store), tower->layers, prefix, MOST_LAYERS);
    snprintf(name, sizeof name, "%s.resblocks.0.mlp.c_fc.weight", prefix);
    CV_TRY(cv_store_measure(store, name, 2, 0, 4 * MOST_WIDTH, &tower->mlp, err));
    if (tower->heads == 0)
        tower->heads = tower->width / CV_CLIP_HEAD_WIDTH;
    if (tower->heads < 1 || tower->width % tower->heads != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: '%s' has rows of %d numbers, which %d heads cannot share",
                       cv_store_path(store), prefix, tower->width, tower->heads);
done:
    return status;
}

static cogvideo_status read_pictures(const cv_store *store, cv_clip_config *config, cogvideo_error *err)
{
    cogvideo_status status;
    int places, grid = 1;

    CV_TRY(cv_store_measure(store, "visual.conv1.weight", 4, 0, MOST_WIDTH, &config->image.width, err));
    CV_TRY(cv_store_measure(store, "visual.conv1.weight", 4, 3, 256, &config->patch, err));
    CV_TRY(cv_store_measure(store, "visual.positional_embedding", 2, 0, MOST_PLACES, &places, err));
    while ((grid + 1) * (grid + 1) < places)
        grid++;
    if (grid * grid + 1 != places)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: tensor 'visual.positional_embedding' has %d places; a square number and one was expected",
                       cv_store_path(store), places);
    config->resolution = grid * config->patch;
    CV_TRY(read_tower(store, "visual.transformer", &config->image, err));
    if (cv_store_find(store, "temporal_positional_embedding")) {
        CV_TRY(cv_store_measure(store, "temporal_positional_embedding", 2, 0, MOST_PLACES, &config->frames, err));
        config->time.width = config->image.width;
        CV_TRY(read_tower(store, "temporal", &config->time, err));
    }
done:
    return status;
}

cogvideo_status cv_clip_measure(cv_clip_config *config, const cv_store *store, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_store_measure(store, "text_projection", 2, 1, MOST_WIDTH, &config->embed, err));
    CV_TRY(cv_store_measure(store, "token_embedding.weight", 2, 0, CV_CLIP_IDS, &config->vocabulary, err));
    CV_TRY(cv_store_measure(store, "token_embedding.weight", 2, 1, MOST_WIDTH, &config->text.width, err));
    CV_TRY(cv_store_measure(store, "positional_embedding", 2, 0, MOST_PLACES, &config->context, err));
    if (config->context < 2)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has room for texts of %d ids; start and end are two already",
                       cv_store_path(store), config->context);
    CV_TRY(read_tower(store, "transformer", &config->text, err));
    if (cv_store_find(store, "clip_projection"))
        CV_TRY(cv_store_measure(store, "clip_projection", 2, 0, MOST_WIDTH, &config->features, err));
    else
        CV_TRY(read_pictures(store, config, err));
done:
    return status;
}
