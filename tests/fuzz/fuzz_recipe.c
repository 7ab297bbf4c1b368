/* A training recipe, every section of it, and its text in a checkpoint. */
#include "fuzz/fuzz.h"

#include "train/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);

    const cv_family *family = cv_families[0];

    for (int part = 0; part < family->part_count; part++) {
        cogvideo_error err = { 0 };
        char text[CV_RECIPE_TEXT], changes[200];
        cv_recipe *recipe = NULL;

        if (!fuzz_ok(cv_recipe_open(&recipe, path, family, &family->parts[part], &err), &err))
            continue;
        fuzz_must(recipe->steps > 0 && recipe->batch > 0 && cv_recipe_rate(recipe, recipe->steps - 1) >= 0);
        cv_recipe_text(recipe, text);
        cv_recipe_changes(recipe, text, changes, sizeof changes);
        fuzz_must(changes[0] == '\0');
        cv_recipe_close(&recipe);
    }
    return 0;
}
