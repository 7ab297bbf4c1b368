/* The index of a network in several files. */
#include "fuzz/fuzz.h"

#include "import/shards.h"

#include "base/path.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    const char *path = fuzz_file(data, size);
    char index[512];
    cv_shards shards;

    /* an index is known by its name */
    snprintf(index, sizeof index, "%s.index.json", path);
    if (rename(path, index) != 0)
        return 0;
    if (fuzz_ok(cv_shards_find(&shards, index, &err), &err)) {
        fuzz_must(shards.count > 0 && shards.count <= CV_SHARDS_MOST && shards.map);
        for (size_t i = 0; i < shards.count; i++)
            fuzz_must(!strchr(cv_path_name(shards.paths[i]), '/') && cv_path_name(shards.paths[i])[0] != '.');
        cv_shards_free(&shards);
    }
    remove(index);
    return 0;
}
