/* Combinations, their numbers and their captions. */
#include "dataset/shapes.h"

#include "base/hash.h"

#include <string.h>

int cv_shapes_count(const cv_shapes *world)
{
    return world->count;
}

cv_shapes_combination cv_shapes_at(const cv_shapes *world, int index)
{
    return world->combinations[index];
}

int cv_shapes_index(const cv_shapes *world, cv_shapes_combination combination)
{
    for (int i = 0; i < world->count; i++)
        if (memcmp(&world->combinations[i], &combination, sizeof combination) == 0)
            return i;
    return -1;
}

const char *cv_shapes_attribute_name(int attribute)
{
    static const char *const names[CV_SHAPES_ATTRIBUTES] = { "size", "colour", "shape", "motion", "background" };

    return names[attribute];
}

int cv_shapes_values(const cv_shapes *world, int attribute)
{
    const int values[CV_SHAPES_ATTRIBUTES] = { world->sizes, world->colours, world->shapes, world->motions,
                                               world->backgrounds };

    return values[attribute];
}

int *cv_shapes_value(cv_shapes_combination *c, int attribute)
{
    int *const values[CV_SHAPES_ATTRIBUTES] = { &c->size, &c->colour, &c->shape, &c->motion, &c->background };

    return values[attribute];
}

static const char *word_for(const cv_shapes *world, const cv_shapes_combination *c, cv_shapes_language language,
                            const char *slot, size_t length)
{
    const struct {
        const char *name;
        const cv_shapes_word *word;
    } slots[] = {
        { "size", &world->size[c->size].word },
        { "colour", &world->colour[c->colour].word },
        { "shape", &world->shape[c->shape].word },
        { "motion", &world->motion[c->motion].word },
        { "background", &world->background[c->background].word },
    };

    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (strlen(slots[i].name) == length && memcmp(slots[i].name, slot, length) == 0)
            return slots[i].word->text[language];
    return "";
}

/* Templates name each slot once (shapes_read.c sees to it), so 256 + 5 * 48 bytes always suffice. */
void cv_shapes_caption(const cv_shapes *world, int index, cv_shapes_language language, char out[CV_SHAPES_CAPTION])
{
    const char *text = world->caption[language];
    size_t used = 0;

    while (*text && used + CV_SHAPES_WORD < CV_SHAPES_CAPTION) {
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        const char *word;

        if (!end) {
            out[used++] = *text++;
            continue;
        }
        word = word_for(world, &world->combinations[index], language, text + 1, (size_t)(end - text - 1));
        memcpy(out + used, word, strlen(word));
        used += strlen(word);
        text = end + 1;
    }
    out[used] = '\0';
}

int cv_shapes_find(const cv_shapes *world, const char *caption)
{
    char own[CV_SHAPES_CAPTION];

    for (int i = 0; i < world->count; i++)
        for (int language = 0; language < CV_SHAPES_LANGUAGES; language++) {
            cv_shapes_caption(world, i, (cv_shapes_language)language, own);
            if (strcmp(own, caption) == 0)
                return i;
        }
    return -1;
}

bool cv_shapes_held_out(const cv_shapes *world, int index)
{
    char caption[CV_SHAPES_CAPTION];

    cv_shapes_caption(world, index, CV_SHAPES_ENGLISH, caption);
    return cv_hash_text(caption) % (unsigned)world->held_out_one_in == 0;
}
