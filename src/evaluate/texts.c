#include "evaluate/texts.h"

#include "base/hash.h"

#include <string.h>

void cv_texts_begin(cv_texts *out, const cv_feature_network *network, const cogvideo_model *model, bool cut)
{
    cv_feature_info info = { 0 };

    network->info(model, &info);
    *out = (cv_texts){ .network = network, .model = model, .cut = cut, .width = info.width };
}

void cv_texts_free(cv_texts *t)
{
    for (size_t i = 0; i < t->room; i++) {
        cv_free(t->entries[i].text);
        cv_free(t->entries[i].feature);
    }
    cv_free(t->entries);
    *t = (cv_texts){ 0 };
}

/* The place of a text, or the free one where it belongs. */
static cv_text_entry *place(cv_text_entry *entries, size_t room, const char *text)
{
    size_t at = (size_t)cv_hash_text(text) & (room - 1);

    while (entries[at].text && strcmp(entries[at].text, text) != 0)
        at = (at + 1) & (room - 1);
    return &entries[at];
}

/* Keeps half of the table free. */
static cogvideo_status grow(cv_texts *t, cogvideo_error *err)
{
    const size_t room = t->room ? 2 * t->room : 64;
    cv_text_entry *larger;

    if (2 * (t->count + 1) <= t->room)
        return COGVIDEO_OK;
    if (!(larger = cv_alloc(room, sizeof *larger, err)))
        return COGVIDEO_ERROR_MEMORY;
    for (size_t i = 0; i < t->room; i++)
        if (t->entries[i].text)
            *place(larger, room, t->entries[i].text) = t->entries[i];
    cv_free(t->entries);
    t->entries = larger;
    t->room = room;
    return COGVIDEO_OK;
}

cogvideo_status cv_texts_get(cv_texts *t, const char *text, const float **out, cogvideo_error *err)
{
    cv_text_entry *entry, fresh = { 0 };
    cogvideo_status status;

    CV_TRY(grow(t, err));
    entry = place(t->entries, t->room, text);
    if (!entry->text) {
        if (!(fresh.text = cv_strdup(text, err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
        CV_NEW(fresh.feature, t->width, err);
        CV_TRY(t->network->text(t->model, text, t->cut, fresh.feature, err));
        *entry = fresh;
        fresh = (cv_text_entry){ 0 };
        t->count++;
    }
    *out = entry->feature;
done:
    cv_free(fresh.text);
    cv_free(fresh.feature);
    return status;
}
