/* model.json: what a model is, with the sizes of its networks. */
#include "fuzz/fuzz.h"

#include "family/cogvideo/model/description.h"
#include "family/family.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    const char *path = fuzz_file(data, size);
    const cv_family *family;
    cv_json *json;
    cv_description d;

    if (!fuzz_ok(cv_model_describe(&json, &family, path, &err), &err))
        return 0;
    if (!fuzz_ok(cv_description_read(&d, json, path, &err), &err)) {
        cv_json_free(&json);
        return 0;
    }
    fuzz_must(d.network.layers > 0 && d.network.heads > 0 && d.network.hidden % d.network.heads == 0);
    fuzz_must(d.network.grid > 0 && d.network.image_codes > 0 && d.duration_count > 0);
    for (int i = 0; i < 2; i++)
        fuzz_must(!d.files.trunk[i] || !strchr(d.files.trunk[i], '/'));
    cv_json_free(&json);
    return 0;
}
