#include "evaluate/attributes.h"

#include "evaluate/metrics.h"
#include "evaluate/result.h"

#include <string.h>

static cv_shapes_language language_of(const cv_shapes *world, int index, const char *caption)
{
    char own[CV_SHAPES_CAPTION];

    cv_shapes_caption(world, index, CV_SHAPES_ENGLISH, own);
    return strcmp(own, caption) == 0 ? CV_SHAPES_ENGLISH : CV_SHAPES_CHINESE;
}

/* Whether the true caption of a clip wins against all that differ in one attribute. */
static cogvideo_status wins(bool *out, const cv_shapes *world, int index, cv_shapes_language language, int attribute,
                            const float *clip, cv_texts *texts, cogvideo_error *err)
{
    char caption[CV_SHAPES_CAPTION];
    const float *feature;
    double truth;
    cogvideo_status status;

    *out = true;
    cv_shapes_caption(world, index, language, caption);
    CV_TRY(cv_texts_get(texts, caption, &feature, err));
    truth = cv_text_score(clip, 1, texts->width, feature, CV_SCORE_COSINE);
    for (int v = 0; v < cv_shapes_values(world, attribute); v++) {
        cv_shapes_combination other = cv_shapes_at(world, index);
        int changed;

        if (*cv_shapes_value(&other, attribute) == v)
            continue;
        *cv_shapes_value(&other, attribute) = v;
        if ((changed = cv_shapes_index(world, other)) < 0) /* a circle never rotates */
            continue;
        cv_shapes_caption(world, changed, language, caption);
        CV_TRY(cv_texts_get(texts, caption, &feature, err));
        *out = *out && cv_text_score(clip, 1, texts->width, feature, CV_SCORE_COSINE) < truth;
    }
done:
    return status;
}

cogvideo_status cv_measure_attributes(cogvideo_metric *out, const cv_rows *rows, const cv_set *set, cv_texts *texts,
                                      cogvideo_error *err)
{
    cv_shapes *world = NULL;
    int right[CV_SHAPES_ATTRIBUTES] = { 0 }, known = 0;
    cogvideo_status status;

    CV_TRY(cv_shapes_open(&world, NULL, err));
    for (int i = 0; i < rows->clips; i++) {
        const char *prompt = set->items[rows->items[i]].prompt;
        const int index = cv_shapes_find(world, prompt);

        if (index < 0)
            continue;
        known++;
        for (int a = 0; a < CV_SHAPES_ATTRIBUTES; a++) {
            bool won;

            CV_TRY(wins(&won, world, index, language_of(world, index, prompt), a,
                        rows->features + (size_t)i * (size_t)rows->width, texts, err));
            right[a] += won;
        }
    }
    for (int a = 0; a < CV_SHAPES_ATTRIBUTES && known; a++)
        CV_TRY(
            cv_metric_add_detail(out, "attributes", cv_shapes_attribute_name(a), (double)right[a] / known, known, err));
    if (known < rows->clips)
        CV_TRY(cv_metric_warn(out, err, "%d of %d prompts are no captions of the shapes world", rows->clips - known,
                              rows->clips));
done:
    cv_shapes_close(&world);
    return status;
}
