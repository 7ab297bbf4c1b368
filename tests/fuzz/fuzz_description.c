/* model.json: what a model is, with the sizes of its networks. */
#include "fuzz/fuzz.h"

#include "family/cogvideo/model/description.h"
#include "family/family.h"
#include "family/phenaki/network/cvivit.h"
#include "family/phenaki/network/masked.h"
#include "model/t5/t5.h"

#include <string.h>

/* The sections of a Phenaki's networks: sizes that go together, and whose products fit. */
static void read_phenaki(const cv_json *json, const char *path)
{
    cv_masked_config masked = { 0 }, critic = { .critic = true };
    cv_cvivit_config tokenizer;
    cv_t5_config text;
    cogvideo_error err = { 0 };
    cv_json *section;

    if (fuzz_ok(cv_json_object(json, "video_tokenizer", &section, path, &err), &err) &&
        fuzz_ok(cv_cvivit_config_read(&tokenizer, section, path, &err), &err))
        fuzz_must(tokenizer.codes > 0 && tokenizer.patch_frames > 0 && tokenizer.heads * tokenizer.head_width > 0);
    if (fuzz_ok(cv_json_object(json, "masked", &section, path, &err), &err) &&
        fuzz_ok(cv_masked_config_read(&masked, section, path, &err), &err))
        fuzz_must(masked.codes > 0 && masked.places > 0);
    if (fuzz_ok(cv_json_object(json, "critic", &section, path, &err), &err) &&
        fuzz_ok(cv_masked_config_read(&critic, section, path, &err), &err))
        fuzz_must(critic.codes > 0 && critic.critic);
    if (fuzz_ok(cv_json_object(json, "text_encoder", &section, path, &err), &err) &&
        fuzz_ok(cv_t5_config_read(&text, section, path, &err), &err))
        fuzz_must(text.width > 0 && text.vocabulary > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    const char *path = fuzz_file(data, size);
    const cv_family *family;
    cv_json *json;
    cv_description d;

    if (!fuzz_ok(cv_model_describe(&json, &family, path, &err), &err))
        return 0;
    if (strcmp(family->name, "phenaki") == 0)
        read_phenaki(json, path);
    if (!fuzz_ok(cv_description_read(&d, json, path, &err), &err)) {
        cv_json_free(&json);
        return 0;
    }
    fuzz_must(d.network.layers > 0 && d.network.heads > 0 && d.network.hidden % d.network.heads == 0);
    fuzz_must(d.network.grid > 0 && d.network.image_codes > 0 && d.duration_count > 0);
    for (int i = 0; i < 2; i++)
        fuzz_must(!d.files.trunk[i] || !strchr(d.files.trunk[i], '/'));
    fuzz_must(!d.files.upscaler == !d.files.upscaler_trunk && !d.files.refiner == !d.files.refiner_trunk);
    fuzz_must(!d.files.upscaler_trunk || !strchr(d.files.upscaler_trunk, '/'));
    cv_json_free(&json);
    return 0;
}
