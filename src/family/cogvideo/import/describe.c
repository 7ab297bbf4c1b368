#include "family/cogvideo/import/describe.h"

#include "tokenizer/text.h"

#include <math.h>
#include <stdio.h>

/* A section of the description, and where errors say it stands. */
typedef struct section {
    cv_json *json;
    char origin[300];
    cogvideo_error *err;
} section;

static cogvideo_status open_section(section *out, cv_json *description, const char *key, const char *origin,
                                    cogvideo_error *err)
{
    snprintf(out->origin, sizeof out->origin, "%.250s: %s", origin, key);
    out->err = err;
    return cv_json_object(description, key, &out->json, origin, err);
}

static cogvideo_status get(const section *s, const char *key, int64_t *out)
{
    return cv_json_int(s->json, key, 0, INT32_MAX, out, s->origin, s->err);
}

/* The side of a square of codes. */
static cogvideo_status set_side(const section *s, const char *key, int64_t places, const cv_network *network)
{
    int64_t side = (int64_t)llround(sqrt((double)places));

    if (side * side != places)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL,
                       "%s: the layout in its model_config.json has frames of %lld "
                       "places, which is no square",
                       cv_torch_path(network->torch), (long long)places);
    cv_json_set_int(s->json, key, side);
    return COGVIDEO_OK;
}

/* What stages and upscaler have in common. */
static cogvideo_status set_transformer(const section *s, const cv_network *network)
{
    cogvideo_status status;
    const cv_transformer_sizes *sizes = &network->sizes;
    int64_t heads;

    cv_json_set_int(s->json, "layers", (int64_t)sizes->layers);
    cv_json_set_int(s->json, "hidden", (int64_t)sizes->hidden);
    cv_json_set_int(s->json, "mlp", (int64_t)sizes->mlp);
    cv_json_set_int(s->json, "vocabulary", (int64_t)sizes->vocabulary);
    cv_json_set_int(s->json, "positions", (int64_t)sizes->positions);
    if (network->heads)
        cv_json_set_int(s->json, "heads", network->heads);
    CV_TRY(get(s, "heads", &heads));
    if (heads < 1 || (int64_t)sizes->hidden % heads != 0)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL,
                       "%s: %zu channels cannot be split over %lld heads; put the "
                       "checkpoint's model_config.json beside it, or give a description (config) with the right "
                       "'heads'",
                       cv_torch_path(network->torch), sizes->hidden, (long long)heads);
    if (network->text_places)
        cv_json_set_int(s->json, "text_places", network->text_places);
done:
    return status;
}

static cogvideo_status check_vocabulary(const section *s, const cv_network *network, size_t pieces)
{
    cogvideo_status status;
    int64_t codes, start;

    CV_TRY(get(s, "image_codes", &codes));
    CV_TRY(get(s, "start_of_image", &start));
    if (start < codes || (size_t)start >= network->sizes.vocabulary)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL,
                       "%s: %zu word embeddings have no room for <start_of_image> %lld "
                       "after %lld image codes; %s, or give a description (config) with this network's "
                       "'image_codes' and 'start_of_image'",
                       cv_torch_path(network->torch), network->sizes.vocabulary, (long long)start, (long long)codes,
                       pieces ? "import the text model that belongs to it" : "import its text model too");
done:
    return status;
}

/* --- the stages ----------------------------------------------------------------------------------------------- */

static cogvideo_status check_places(const section *s, const cv_network *network)
{
    cogvideo_status status;
    int64_t grid, frames, window, first;

    CV_TRY(get(s, "grid", &grid));
    CV_TRY(get(s, "frames", &frames));
    CV_TRY(get(s, "window", &window));
    CV_TRY(get(s, "frame_position", &first));
    if (grid > 4096 || frames > 4096 || first + grid * grid > (int64_t)network->sizes.positions ||
        (frames - 1) * grid * grid > (int64_t)network->sizes.extra_positions)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL,
                       "%s: %zu + %zu positions are too few for %lld frames of %lld x "
                       "%lld codes from position %lld on; give a description (config) of this network",
                       cv_torch_path(network->torch), network->sizes.positions, network->sizes.extra_positions,
                       (long long)frames, (long long)grid, (long long)grid, (long long)first);
    if (window > grid && network->window > 0)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL, "%s: its window of %lld codes is wider than the grid of %lld",
                       cv_torch_path(network->torch), (long long)window, (long long)grid);
    if (window > grid)
        cv_json_set_int(s->json, "window", grid);
done:
    return status;
}

static cogvideo_status set_stage(const section *s, const cv_network *network, size_t pieces)
{
    cogvideo_status status;
    int64_t places = network->low_places - network->text_places;

    CV_TRY(set_transformer(s, network));
    cv_json_set_int(s->json, "extra_positions", (int64_t)network->sizes.extra_positions);
    if (network->text_places) {
        if ((network->all_places - network->text_places) % places != 0)
            return cv_fail(s->err, COGVIDEO_ERROR_MODEL,
                           "%s: the layout in its model_config.json does not hold a "
                           "whole number of frames",
                           cv_torch_path(network->torch));
        CV_TRY(set_side(s, "grid", places, network));
        cv_json_set_int(s->json, "frames", (network->all_places - network->text_places) / places);
    }
    if (network->window > 0)
        cv_json_set_int(s->json, "window", network->window);
    CV_TRY(check_vocabulary(s, network, pieces));
    CV_TRY(check_places(s, network));
done:
    return status;
}

static cogvideo_status check_same(const cv_network *stage1, const cv_network *stage2, cogvideo_error *err)
{
    const cv_transformer_sizes *a = &stage1->sizes, *b = &stage2->sizes;
    const struct {
        const char *what;
        int64_t first, second;
    } sizes[] = {
        { "layers", (int64_t)a->layers, (int64_t)b->layers },
        { "channels", (int64_t)a->hidden, (int64_t)b->hidden },
        { "channels in the MLP", (int64_t)a->mlp, (int64_t)b->mlp },
        { "word embeddings", (int64_t)a->vocabulary, (int64_t)b->vocabulary },
        { "positions", (int64_t)a->positions, (int64_t)b->positions },
        { "extra positions", (int64_t)a->extra_positions, (int64_t)b->extra_positions },
        { "heads", stage1->heads, stage2->heads },
        { "places of text", stage1->text_places, stage2->text_places },
        { "places of text and one frame", stage1->low_places, stage2->low_places },
        { "places", stage1->all_places, stage2->all_places },
    };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].first && sizes[i].second && sizes[i].first != sizes[i].second)
            return cv_fail(err, COGVIDEO_ERROR_MODEL,
                           "%s: stage 2 has %lld %s, stage 1 (%s) has %lld: import stages "
                           "of the same model",
                           cv_torch_path(stage2->torch), (long long)sizes[i].second, sizes[i].what,
                           cv_torch_path(stage1->torch), (long long)sizes[i].first);
    return COGVIDEO_OK;
}

/* --- the upscaler --------------------------------------------------------------------------------------------- */

static cogvideo_status check_upscaler(const section *s, const cv_network *network)
{
    cogvideo_status status;
    int64_t grid, upscaled, first;

    CV_TRY(get(s, "grid", &grid));
    CV_TRY(get(s, "upscaled_grid", &upscaled));
    CV_TRY(get(s, "low_position", &first));
    if (grid < 1 || grid > 4096 || upscaled > 4096 || upscaled % grid != 0 ||
        first + grid * grid > (int64_t)network->sizes.positions ||
        upscaled * upscaled != (int64_t)network->sizes.extra_positions)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL,
                       "%s: %zu + %zu positions do not fit a grid of %lld enlarged to "
                       "%lld; put the checkpoint's model_config.json beside it, or give a description (config) of "
                       "this network",
                       cv_torch_path(network->torch), network->sizes.positions, network->sizes.extra_positions,
                       (long long)grid, (long long)upscaled);
done:
    return status;
}

static cogvideo_status set_upscaler(const section *s, const cv_network *network, size_t pieces)
{
    cogvideo_status status;

    CV_TRY(set_transformer(s, network));
    if (network->text_places) {
        CV_TRY(set_side(s, "grid", network->low_places - network->text_places, network));
        CV_TRY(set_side(s, "upscaled_grid", network->all_places - network->low_places, network));
    }
    if (network->own_kernel)
        cv_json_set_int(s->json, "own_kernel", network->own_kernel);
    if (network->cross_kernel)
        cv_json_set_int(s->json, "cross_kernel", network->cross_kernel);
    CV_TRY(check_vocabulary(s, network, pieces));
    CV_TRY(check_upscaler(s, network));
done:
    return status;
}

/* --- CogLM and the refiner ------------------------------------------------------------------------------------ */

static cogvideo_status set_coglm(const section *s, const cv_network *network, size_t pieces)
{
    cogvideo_status status;
    int64_t grid, first;

    CV_TRY(set_transformer(s, network));
    CV_TRY(check_vocabulary(s, network, pieces));
    CV_TRY(get(s, "grid", &grid));
    CV_TRY(get(s, "frame_position", &first));
    if (grid > 4096 || first + 1 + grid * grid > (int64_t)network->sizes.positions)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL,
                       "%s: %zu positions are too few for %lld x %lld codes behind position %lld; give a description "
                       "(config) of this network",
                       cv_torch_path(network->torch), network->sizes.positions, (long long)grid, (long long)grid,
                       (long long)first);
done:
    return status;
}

static cogvideo_status set_refiner(const section *s, const cv_network *network, size_t pieces)
{
    cogvideo_status status;

    CV_TRY(set_transformer(s, network));
    CV_TRY(set_side(s, "upscaled_grid", (int64_t)network->sizes.extra_positions, network));
    if (network->own_kernel)
        cv_json_set_int(s->json, "own_kernel", network->own_kernel);
    CV_TRY(check_vocabulary(s, network, pieces));
done:
    return status;
}

/* What reads codes that another part wrote has them alike. */
static cogvideo_status check_agreement(const section *first, const section *second, const char *key)
{
    cogvideo_status status = COGVIDEO_OK;
    int64_t written, read;

    CV_TRY(get(first, key, &written));
    CV_TRY(get(second, key, &read));
    if (written != read)
        return cv_fail(first->err, COGVIDEO_ERROR_MODEL,
                       "%s: '%s' is %lld, that of %s is %lld: import parts of one model", second->origin, key,
                       (long long)read, first->origin, (long long)written);
done:
    return status;
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

static cogvideo_status set_tokenizer(const section *s, const cv_tokenizer_sizes *sizes)
{
    cogvideo_status status;
    int64_t groups;

    cv_json_set_int(s->json, "channels", (int64_t)sizes->channels);
    cv_json_set_int(s->json, "latent", (int64_t)sizes->latent);
    cv_json_set_int(s->json, "codes", (int64_t)sizes->codes);
    CV_TRY(get(s, "groups", &groups));
    if (groups < 1 || (int64_t)sizes->channels % groups != 0)
        return cv_fail(s->err, COGVIDEO_ERROR_MODEL, "%s: %zu channels cannot be split into %lld groups", s->origin,
                       sizes->channels, (long long)groups);
done:
    return status;
}

static cogvideo_status check_codes(const section *network, size_t found, const char *what)
{
    int64_t codes;
    cogvideo_status status = get(network, "image_codes", &codes);

    if (status == COGVIDEO_OK && found > 0 && (size_t)codes != found)
        return cv_fail(network->err, COGVIDEO_ERROR_MODEL,
                       "%s has %zu image codes, %s: 'image_codes' is %lld; import "
                       "what belongs to one model, or give a description (config) with the right number",
                       what, found, network->origin, (long long)codes);
    return status;
}

static cogvideo_status set_start_of_image(const section *s, size_t pieces)
{
    int64_t codes;
    cogvideo_status status = get(s, "image_codes", &codes);

    if (status == COGVIDEO_OK && pieces > 0)
        cv_json_set_int(s->json, "start_of_image", codes + (int64_t)pieces);
    return status;
}

/* A network that is still to be trained gets a row of the word embeddings for every piece. */
static cogvideo_status make_room_for_text(const section *network, size_t pieces)
{
    const int64_t rows = (int64_t)pieces + CV_ICETK_APPENDED;
    int64_t codes, vocabulary;
    cogvideo_status status;

    CV_TRY(get(network, "image_codes", &codes));
    CV_TRY(get(network, "vocabulary", &vocabulary));
    if (vocabulary < codes + rows)
        cv_json_set_int(network->json, "vocabulary", codes + rows);
done:
    return status;
}

cogvideo_status cv_describe(cv_json *description, const cv_findings *found, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    section network, upscaler = { 0 }, refiner = { 0 }, tokenizer;

    CV_TRY(open_section(&network, description, "network", origin, err));
    CV_TRY(set_start_of_image(&network, found->pieces));
    if (found->upscaler || cv_json_get(description, "upscaler")) {
        CV_TRY(open_section(&upscaler, description, "upscaler", origin, err));
        CV_TRY(set_start_of_image(&upscaler, found->pieces));
    }
    if (found->refiner) {
        CV_TRY(open_section(&refiner, description, "refiner", origin, err));
        CV_TRY(set_start_of_image(&refiner, found->pieces));
    }
    if (!found->stage1 && !found->stage2 && !found->coglm)
        CV_TRY(make_room_for_text(&network, found->pieces));
    if (found->stage1 && found->stage2)
        CV_TRY(check_same(found->stage1, found->stage2, err));
    if (found->stage1)
        CV_TRY(set_stage(&network, found->stage1, found->pieces));
    if (found->stage2)
        CV_TRY(set_stage(&network, found->stage2, found->pieces));
    if (found->upscaler)
        CV_TRY(set_upscaler(&upscaler, found->upscaler, found->pieces));
    if (found->coglm)
        CV_TRY(set_coglm(&network, found->coglm, found->pieces));
    if (found->refiner)
        CV_TRY(set_refiner(&refiner, found->refiner, found->pieces));
    if (found->upscaler && (found->stage1 || found->stage2 || found->coglm)) {
        CV_TRY(check_agreement(&network, &upscaler, "grid"));
        CV_TRY(check_agreement(&network, &upscaler, "image_codes"));
    }
    if (found->upscaler && found->refiner) {
        CV_TRY(check_agreement(&upscaler, &refiner, "upscaled_grid"));
        CV_TRY(check_agreement(&upscaler, &refiner, "image_codes"));
    }
    if (found->tokenizer) {
        CV_TRY(open_section(&tokenizer, description, "image_tokenizer", origin, err));
        CV_TRY(set_tokenizer(&tokenizer, found->tokenizer));
        CV_TRY(check_codes(&network, found->tokenizer->codes, "the image tokenizer"));
    }
    CV_TRY(check_codes(&network, found->clusters, "the file of clusters"));
done:
    return status;
}
