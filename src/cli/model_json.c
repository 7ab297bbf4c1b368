#include "model_json.h"

#include "json_out.h"
#include "say.h"

void cli_model_json(const cogvideo_model *model, const cogvideo_model_info *info)
{
    json_out json = { .stream = stdout, .first = 1 };
    const char *file;
    uint64_t bytes;
    int tensors;

    json_begin(&json, NULL);
    json_string(&json, "name", info->name);
    json_string(&json, "family", info->family);
    json_bool(&json, "stage1", info->has_stage1);
    json_bool(&json, "stage2", info->has_stage2);
    json_bool(&json, "shared_trunk", info->shared_trunk);
    json_bool(&json, "upscaler", info->has_upscaler);
    json_bool(&json, "image_tokenizer", info->has_image_tokenizer);
    json_bool(&json, "text_tokenizer", info->has_text_tokenizer);
    json_bool(&json, "clusters", info->has_clusters);
    json_string(&json, "dtype", info->dtype);
    json_integer(&json, "layers", info->layers);
    json_integer(&json, "hidden", info->hidden);
    json_integer(&json, "heads", info->heads);
    json_integer(&json, "vocabulary", info->vocabulary);
    json_integer(&json, "image_codes", info->image_codes);
    json_integer(&json, "text_pieces", info->text_pieces);
    json_integer(&json, "grid", info->grid);
    json_integer(&json, "window", info->window);
    json_integer(&json, "keyframes", info->keyframes);
    json_integer(&json, "text_places", info->text_places);
    json_integer(&json, "upscaled_grid", info->upscaled_grid);
    json_integer(&json, "rate", info->rate);
    json_integer(&json, "picture_size", info->picture_size);
    json_integer(&json, "rounds", info->rounds);
    json_number(&json, "seconds", info->seconds, 15);
    json_integer(&json, "parameters", (long long)info->parameters);
    json_integer(&json, "file_bytes", (long long)info->file_bytes);
    json_begin_array(&json, "files");
    for (int i = 0; (file = cogvideo_model_file(model, i, &bytes, &tensors)); i++) {
        json_begin(&json, NULL);
        json_string(&json, "file", file);
        json_integer(&json, "bytes", (long long)bytes);
        json_integer(&json, "tensors", tensors);
        json_end(&json);
    }
    json_end_array(&json);
    json_end(&json);
    putchar('\n');
}

int cli_model_made(const char *folder, int quiet, int json)
{
    cogvideo_model_options options = { 0 };
    cogvideo_model *model = NULL;
    cogvideo_model_info info;
    cogvideo_error err;

    if (!json) {
        if (!quiet)
            cli_say("%s: done; 'cogvideo info %s' describes it", folder, folder);
        return CLI_OK;
    }
    if (cogvideo_model_open(&model, folder, &options, &err) != COGVIDEO_OK)
        return cli_error("%s", err.message);
    cogvideo_model_get_info(model, &info);
    cli_model_json(model, &info);
    cogvideo_model_close(&model);
    return CLI_OK;
}
