/* The description of a shapes world: opened, its captions made and found again, a frame drawn. */
#include "fuzz/fuzz.h"

#include "dataset/shapes.h"

#define MOST_CAPTIONS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    cv_shapes *world = NULL;
    uint8_t *pixels;

    if (!fuzz_ok(cv_shapes_open(&world, fuzz_file(data, size), &err), &err))
        return 0;
    fuzz_must(world->side > 0 && world->side <= CV_SHAPES_SIDE && cv_shapes_count(world) > 0);
    for (int i = 0; i < cv_shapes_count(world) && i < MOST_CAPTIONS; i++)
        for (int language = 0; language < CV_SHAPES_LANGUAGES; language++) {
            char caption[CV_SHAPES_CAPTION];

            cv_shapes_caption(world, i, (cv_shapes_language)language, caption);
            fuzz_must(cv_shapes_find(world, caption) >= 0);
        }
    fuzz_must((pixels = cv_alloc((size_t)world->side * (size_t)world->side, 3, &err)) != NULL);
    cv_shapes_frame(world, cv_shapes_count(world) - 1, size, world->frames - 1, pixels);
    cv_free(pixels);
    cv_shapes_close(&world);
    return 0;
}
