#include "model_json.h"

#include "say.h"

static void put_property(json_out *json, const cogvideo_property *row)
{
    switch (row->kind) {
    case COGVIDEO_PROPERTY_TEXT:
        json_string(json, row->name, row->text);
        break;
    case COGVIDEO_PROPERTY_WHOLE:
        json_integer(json, row->name, (long long)row->number);
        break;
    case COGVIDEO_PROPERTY_NUMBER:
        json_number(json, row->name, row->number, 15);
        break;
    case COGVIDEO_PROPERTY_FLAG:
        json_bool(json, row->name, row->number != 0);
        break;
    }
}

void json_model(json_out *json, const cogvideo_model *model, const cogvideo_model_info *info)
{
    cogvideo_property row;

    json_string(json, "name", info->name);
    json_string(json, "family", info->family);
    json_string(json, "dtype", info->dtype);
    json_integer(json, "parameters", (long long)info->parameters);
    json_integer(json, "file_bytes", (long long)info->file_bytes);
    json_integer(json, "image_codes", info->image_codes);
    json_integer(json, "height", info->height);
    json_integer(json, "width", info->width);
    json_integer(json, "rate", info->rate);
    json_bool(json, "text_tokenizer", info->has_text_tokenizer);
    json_integer(json, "text_pieces", info->text_pieces);
    json_integer(json, "first_text_id", info->first_text_id);
    for (int i = 0; cogvideo_model_property(model, i, &row); i++)
        put_property(json, &row);
}

void cli_model_json(const cogvideo_model *model, const cogvideo_model_info *info)
{
    json_out json = { .stream = stdout, .first = 1 };
    const char *file;
    uint64_t bytes;
    int tensors;

    json_begin(&json, NULL);
    json_model(&json, model, info);
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
