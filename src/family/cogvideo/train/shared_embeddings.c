#include "family/cogvideo/train/shared_embeddings.h"

#include <math.h>
#include <string.h>

/* The rows of a code. */
typedef struct place {
    int pattern, pair;
} place;

static place place_of(const cv_colour_pairs *codes, int code)
{
    const int patterns = cv_colour_pairs_patterns(codes), other = code - codes->colours;

    if (code < codes->colours)
        return (place){ patterns, codes->count + code };
    if (other / patterns < codes->count)
        return (place){ other % patterns, other / patterns };
    return (place){ patterns, codes->count + codes->colours };
}

static float *row_at(const cv_shared_embeddings *shared, float *rows, int row)
{
    return rows + (size_t)row * (size_t)shared->width;
}

cogvideo_status cv_shared_embeddings_bind(cv_shared_embeddings *out, cv_store *store, const cv_colour_pairs *codes,
                                          int width, cogvideo_error *err)
{
    const size_t patterns[] = { (size_t)cv_colour_pairs_patterns(codes) + 1, (size_t)width };
    const size_t pairs[] = { (size_t)(codes->count + codes->colours) + 1, (size_t)width };
    const cv_tensor *tensor;
    cogvideo_status status;

    *out = (cv_shared_embeddings){ .codes = *codes, .width = width };
    CV_TRY(cv_store_claim(store, &tensor, "patterns", 2, patterns, err));
    out->patterns = cv_tensor_values(tensor);
    CV_TRY(cv_store_claim(store, &tensor, "pairs", 2, pairs, err));
    out->pairs = cv_tensor_values(tensor);
done:
    return status;
}

/* mean [width] of the embeddings of a pair's patterns; returns how much these differ from it in sum. */
static double spread(const cv_shared_embeddings *shared, const float *table, int pair, float *mean)
{
    const int patterns = cv_colour_pairs_patterns(&shared->codes);
    const float *embeddings = table + (size_t)(shared->codes.colours + pair * patterns) * (size_t)shared->width;
    double squares = 0;

    for (int i = 0; i < shared->width; i++) {
        double sum = 0;

        for (int row = 0; row < patterns; row++)
            sum += (double)embeddings[(size_t)row * (size_t)shared->width + (size_t)i];
        mean[i] = (float)(sum / patterns);
        for (int row = 0; row < patterns; row++)
            squares += pow((double)embeddings[(size_t)row * (size_t)shared->width + (size_t)i] - sum / patterns, 2);
    }
    return squares;
}

/* The patterns are those of the pair in which they differ most: a mean over all would cancel patterns of light on dark
 * and dark on light. */
void cv_shared_embeddings_split(const cv_shared_embeddings *shared, const float *table)
{
    const cv_colour_pairs *codes = &shared->codes;
    const size_t width = (size_t)shared->width;
    double most = -1;
    int widest = 0;

    for (int pair = 0; pair < codes->count; pair++) {
        double squares = spread(shared, table, pair, row_at(shared, shared->pairs, pair));

        widest = squares > most ? pair : widest;
        most = fmax(squares, most);
    }
    memset(shared->patterns, 0, (size_t)(cv_colour_pairs_patterns(codes) + 1) * width * sizeof *shared->patterns);
    for (int code = 0; code < codes->codes; code++) {
        const float *embedding = table + (size_t)code * width;
        const place to = place_of(codes, code);
        float *pair = row_at(shared, shared->pairs, to.pair);

        if (to.pair >= codes->count) /* of one colour, or without use */
            memcpy(pair, embedding, width * sizeof *pair);
        for (size_t i = 0; to.pair == widest && i < width; i++)
            row_at(shared, shared->patterns, to.pattern)[i] = embedding[i] - pair[i];
    }
}

double cv_shared_embeddings_join(const cv_shared_embeddings *shared, float *table)
{
    double change = 0;

    for (int code = 0; code < shared->codes.codes; code++) {
        const place from = place_of(&shared->codes, code);
        const float *pattern = row_at(shared, shared->patterns, from.pattern);
        const float *pair = row_at(shared, shared->pairs, from.pair);

        for (int i = 0; i < shared->width; i++, table++) {
            const float sum = pattern[i] + pair[i];
            const double moved = fabs((double)sum - (double)*table);

            /* not fmax: GCC 12 for arm64 ends with an internal error in its vectorizer there */
            change = moved > change ? moved : change;
            *table = sum;
        }
    }
    return change;
}

void cv_shared_embeddings_gather(const cv_shared_embeddings *shared, float *table)
{
    for (int code = 0; code < shared->codes.codes; code++) {
        const place to = place_of(&shared->codes, code);
        float *pattern = row_at(shared, shared->patterns, to.pattern), *pair = row_at(shared, shared->pairs, to.pair);

        for (int i = 0; i < shared->width; i++, table++) {
            pattern[i] += *table;
            pair[i] += *table;
            *table = 0;
        }
    }
}
