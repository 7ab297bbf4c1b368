#include "family/metrics/train/clip_pairs.h"

#include "base/rng.h"

#include <string.h>

#define ATTEMPTS 100 /* at a family, before any combinations take its place */

struct cv_clip_pairs {
    const cv_shapes *world;
    int batch, count;       /* of the world's combinations */
    int *first, *order;     /* clips of combination c: order[first[c]] .. order[first[c + 1] - 1] */
    int *present, presents; /* combinations that have clips */
    bool *used;             /* [count]: in the batch that is drawn */
};

/* Random numbers of one family of one batch, in order. */
typedef struct draws {
    uint64_t seed, index;
    uint32_t family, next;
} draws;

/* 0 .. below - 1 */
static int draw(draws *d, int below)
{
    uint32_t random[4];

    cv_rng_block(random, d->seed,
                 (uint32_t[4]){ (uint32_t)d->index, (uint32_t)(d->index >> 32), d->family, d->next++ });
    return (int)(cv_rng_unit(random[0], random[1]) * below);
}

static bool is_free(const cv_clip_pairs *pairs, int combination)
{
    return combination >= 0 && pairs->first[combination + 1] > pairs->first[combination] && !pairs->used[combination];
}

/* A free combination that differs in this attribute alone; -1 where there is none. */
static int draw_neighbour(const cv_clip_pairs *pairs, draws *d, int base, int attribute)
{
    cv_shapes_combination c = cv_shapes_at(pairs->world, base);
    const int own = *cv_shapes_value(&c, attribute);
    int found[CV_SHAPES_MOST], count = 0;

    for (int value = 0; value < cv_shapes_values(pairs->world, attribute); value++) {
        int index;

        *cv_shapes_value(&c, attribute) = value;
        index = value == own ? -1 : cv_shapes_index(pairs->world, c);
        if (is_free(pairs, index))
            found[count++] = index;
    }
    return count > 0 ? found[draw(d, count)] : -1;
}

static bool draw_family(cv_clip_pairs *pairs, draws *d, int out[CV_CLIP_FAMILY])
{
    static const int attributes[] = { CV_SHAPES_SIZE, CV_SHAPES_COLOUR, CV_SHAPES_SHAPE, CV_SHAPES_BACKGROUND };
    const int first = draw(d, 4), second = (first + 1 + draw(d, 3)) % 4;
    const int changed[] = { CV_SHAPES_MOTION, attributes[first], attributes[second] };

    out[0] = pairs->present[draw(d, pairs->presents)];
    if (!is_free(pairs, out[0]))
        return false;
    for (int i = 1; i < CV_CLIP_FAMILY; i++)
        if ((out[i] = draw_neighbour(pairs, d, out[0], changed[i - 1])) < 0)
            return false;
    for (int i = 0; i < CV_CLIP_FAMILY; i++)
        pairs->used[out[i]] = true;
    return true;
}

/* Where no family is left: any combinations that are free, of which there are enough. */
static void take_any(cv_clip_pairs *pairs, draws *d, int out[CV_CLIP_FAMILY])
{
    int at = draw(d, pairs->presents);

    for (int i = 0; i < CV_CLIP_FAMILY; i++) {
        while (pairs->used[pairs->present[at]])
            at = (at + 1) % pairs->presents;
        out[i] = pairs->present[at];
        pairs->used[out[i]] = true;
    }
}

void cv_clip_pairs_draw(cv_clip_pairs *pairs, uint64_t seed, uint64_t index, cv_clip_pair *out)
{
    memset(pairs->used, 0, (size_t)pairs->count * sizeof *pairs->used);
    for (int i = 0; i < pairs->batch; i += CV_CLIP_FAMILY) {
        draws d = { .seed = seed, .index = index, .family = (uint32_t)(i / CV_CLIP_FAMILY) };
        int family[CV_CLIP_FAMILY], attempts = 0;

        while (attempts < ATTEMPTS && !draw_family(pairs, &d, family))
            attempts++;
        if (attempts == ATTEMPTS)
            take_any(pairs, &d, family);
        for (int k = 0; k < CV_CLIP_FAMILY; k++) {
            const int c = family[k], clips = pairs->first[c + 1] - pairs->first[c];

            out[i + k] = (cv_clip_pair){ .combination = c,
                                         .clip = pairs->order[pairs->first[c] + draw(&d, clips)],
                                         .language = (cv_shapes_language)draw(&d, CV_SHAPES_LANGUAGES) };
        }
    }
}

/* Sorts the clips by their combinations, in order. */
static void sort_clips(cv_clip_pairs *pairs, const cv_shapes_clips *clips)
{
    for (int i = 0; i < clips->info.clips; i++)
        pairs->first[clips->combinations[i] + 1]++;
    for (int c = 0; c < pairs->count; c++) {
        if (pairs->first[c + 1] > 0)
            pairs->present[pairs->presents++] = c;
        pairs->first[c + 1] += pairs->first[c];
    }
    for (int i = clips->info.clips - 1; i >= 0; i--)
        pairs->order[--pairs->first[clips->combinations[i] + 1]] = i;
    /* first[c + 1] is now where c begins */
    memmove(pairs->first, pairs->first + 1, (size_t)pairs->count * sizeof *pairs->first);
    pairs->first[pairs->count] = clips->info.clips;
}

cogvideo_status cv_clip_pairs_open(cv_clip_pairs **out, const cv_shapes *world, const cv_shapes_clips *clips, int batch,
                                   cogvideo_error *err)
{
    cogvideo_status status;
    cv_clip_pairs *pairs = NULL;

    CV_NEW(pairs, 1, err);
    pairs->world = world;
    pairs->batch = batch;
    pairs->count = cv_shapes_count(world);
    CV_NEW(pairs->first, pairs->count + 1, err);
    CV_NEW(pairs->order, clips->info.clips, err);
    CV_NEW(pairs->present, pairs->count, err);
    CV_NEW(pairs->used, pairs->count, err);
    sort_clips(pairs, clips);
    if (batch % CV_CLIP_FAMILY != 0 || batch > pairs->presents) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "the recipe wants batches of %d different combinations, and the dataset has %d: a multiple of "
                         "%d, at most that many, is needed",
                         batch, pairs->presents, CV_CLIP_FAMILY);
        goto done;
    }
    *out = pairs;
    return COGVIDEO_OK;
done:
    cv_clip_pairs_close(&pairs);
    return status;
}

void cv_clip_pairs_close(cv_clip_pairs **pairs)
{
    cv_clip_pairs *p = *pairs;

    if (!p)
        return;
    cv_free(p->first);
    cv_free(p->order);
    cv_free(p->present);
    cv_free(p->used);
    cv_free(p);
    *pairs = NULL;
}
