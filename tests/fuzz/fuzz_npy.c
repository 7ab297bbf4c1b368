/* NumPy arrays: any whole numbers, and a clip of codes. */
#include "fuzz/fuzz.h"

#include "tokens/npy.h"

#include <cogvideo/tokens.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    cogvideo_tokens clip = { 0 };
    cv_npy array = { 0 };
    const char *path = fuzz_file(data, size);

    if (fuzz_ok(cv_npy_read(&array, path, INT32_MIN, INT32_MAX, &err), &err)) {
        fuzz_must(array.count > 0 && array.count <= size);
        fuzz_touch(array.values, array.count * sizeof *array.values);
        cv_npy_free(&array);
    }
    if (fuzz_ok(cogvideo_tokens_load_npy(&clip, path, &err), &err)) {
        fuzz_touch(clip.codes, (size_t)clip.frames * cogvideo_tokens_per_frame(&clip) * sizeof *clip.codes);
        cogvideo_tokens_free(&clip);
    }
    return 0;
}
