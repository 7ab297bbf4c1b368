/* A training recipe, every section of it, and its text in a checkpoint. */
#include "fuzz/fuzz.h"

#include "train/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);

    for (int part = 0; part < CV_TRAIN_PARTS; part++) {
        cogvideo_error err = { 0 };
        char text[CV_RECIPE_TEXT], changes[200];
        cv_recipe recipe;

        if (!fuzz_ok(cv_recipe_read(&recipe, path, (cv_train_part)part, &err), &err))
            continue;
        fuzz_must(recipe.steps > 0 && recipe.batch > 0 && cv_recipe_rate(&recipe, recipe.steps - 1) >= 0);
        cv_recipe_text(&recipe, text);
        cv_recipe_changes(&recipe, text, changes, sizeof changes);
        fuzz_must(changes[0] == '\0');
    }
    return 0;
}
