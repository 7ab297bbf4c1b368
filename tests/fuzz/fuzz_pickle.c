/* A bare pickle, without the archive around it, and the whole tree that comes of it. */
#include "fuzz/fuzz.h"

#include "import/pickle.h"

/* Values may be shared, so that a small pickle is a tree of any size: only so many are looked at. */
static void walk(const cv_pickle_value *value, int depth, int *left)
{
    if (depth == 0 || (*left)-- <= 0)
        return;
    if (value->kind == CV_PICKLE_TEXT)
        fuzz_touch(value->text, value->size);
    for (size_t i = 0; i < value->count; i++)
        walk(value->items[i], depth - 1, left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    cv_pickle *pickle = NULL;
    int left = 10000;

    if (!fuzz_ok(cv_pickle_read(&pickle, data, size, "input", &err), &err))
        return 0;
    walk(cv_pickle_root(pickle), 100, &left);
    cv_pickle_free(&pickle);
    return 0;
}
