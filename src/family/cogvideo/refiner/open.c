#include "family/cogvideo/refiner/network.h"

cogvideo_status cv_refiner_open(cv_refiner **out, cv_store *trunk, cv_store *own, const cv_refiner_config *config,
                                cogvideo_error *err)
{
    cogvideo_status status;
    cv_refiner *refiner = NULL;
    const int places = config->upscaled_grid * config->upscaled_grid;

    CV_NEW(refiner, 1, err);
    refiner->config = *config;
    CV_TRY(cv_trunk_bind(&refiner->trunk, trunk, config->layers, config->hidden, config->mlp, config->vocabulary,
                         config->positions, (float)config->norm_epsilon, err));
    CV_TRY(cv_embedding_bind(&refiner->extra_positions, own,
                             "mixins.extra_position_embedding.position_embeddings.weight", places, config->hidden,
                             err));
    CV_TRY(cv_store_check_claimed(own, err));
    *out = refiner;
    return COGVIDEO_OK;
done:
    cv_refiner_close(&refiner);
    return status;
}

void cv_refiner_close(cv_refiner **refiner)
{
    if (!*refiner)
        return;
    cv_trunk_close(&(*refiner)->trunk);
    cv_free(*refiner);
    *refiner = NULL;
}
