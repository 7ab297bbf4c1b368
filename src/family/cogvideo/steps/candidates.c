#include "family/cogvideo/steps/candidates.h"

#include "base/mem.h"
#include "nn/nearest.h"

cogvideo_status cv_candidates_check(const cv_cogvideo *model, int count, cogvideo_error *err)
{
    const int codes = model->description.network.image_codes;
    const int known = model->image_tokenizer ? model->description.image_tokenizer.codes : 0;

    if (count == 1 || known >= codes)
        return COGVIDEO_OK;
    return cv_fail(
        err, COGVIDEO_ERROR_MODEL,
        "%d candidates are compared by the codebook of the image tokenizer, of which the model '%s' has %d of %d codes: "
        "import its image tokenizer, or draw one candidate",
        count, model->head.name, known, codes);
}

cogvideo_status cv_candidates_create(cv_candidates *out, const cv_cogvideo *model, int count, cogvideo_error *err)
{
    cogvideo_status status;
    cv_candidates candidates = { .image_tokenizer = model->image_tokenizer,
                                 .count = count,
                                 .latent = model->description.image_tokenizer.latent };

    CV_TRY(cv_candidates_check(model, count, err));
    if (count > 1)
        CV_NEW(candidates.vectors, (size_t)count * (size_t)candidates.latent, err);
    *out = candidates;
    return COGVIDEO_OK;
done:
    cv_candidates_free(&candidates);
    return status;
}

void cv_candidates_free(cv_candidates *candidates)
{
    cv_free(candidates->vectors);
    *candidates = (cv_candidates){ 0 };
}

/* The sum of squared distances of vector `i` to all. (Each pair gives the same number both ways, so that codes which
 * were drawn equally often tie exactly where there are two.) */
static double distance_to_all(const cv_candidates *c, int i)
{
    double sum = 0;

    for (int j = 0; j < c->count; j++)
        sum += cv_squared_distance(c->vectors + i * c->latent, c->vectors + j * c->latent, c->latent);
    return sum;
}

static int nearest_to_all(const cv_candidates *c)
{
    double least = distance_to_all(c, 0);
    int best = 0;

    for (int i = 1; i < c->count; i++) {
        const double distance = distance_to_all(c, i);

        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}

void cv_candidates_merge(const cv_candidates *c, int32_t *frame, const int32_t *codes, size_t stride, int places)
{
    for (int place = 0; place < places; place++) {
        bool same = true;

        for (int i = 1; i < c->count; i++)
            same = same && codes[(size_t)i * stride + (size_t)place] == codes[place];
        frame[place] = codes[place];
        if (same)
            continue;
        for (int i = 0; i < c->count; i++)
            cv_image_tokenizer_vector(c->image_tokenizer, codes[(size_t)i * stride + (size_t)place],
                                      c->vectors + i * c->latent);
        frame[place] = codes[(size_t)nearest_to_all(c) * stride + (size_t)place];
    }
}
