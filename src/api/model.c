/* model.c - a model as its user sees it: open, what it is, its text tokenizer. */
#include "family/family.h"

#include "base/cpu.h"
#include "nn/blas.h"
#include "tokenizer/token_names.h"

#include <cogvideo/version.h>

#include <stdio.h>
#include <string.h>

#define STRING(x) #x
#define VERSION(major, minor, patch) STRING(major) "." STRING(minor) "." STRING(patch)

const char *cogvideo_version(void)
{
    return VERSION(COGVIDEO_VERSION_MAJOR, COGVIDEO_VERSION_MINOR, COGVIDEO_VERSION_PATCH);
}

void cogvideo_build_info(char *out, size_t size)
{
    cv_kernels kernels;
    cogvideo_error err;
    bool some = cv_kernels_choose(&kernels, NULL, &err) == COGVIDEO_OK;

    snprintf(out, size, "kernels: %s%s\nblas: %s\ncompiler: %s", some ? "" : "none, ",
             some ? kernels.name : err.message, cv_blas_name(), __VERSION__);
}

const char *cogvideo_blas_core(void)
{
    return cv_blas_better_core();
}

int64_t cogvideo_memory_available(void)
{
    return cv_memory_available();
}

cogvideo_status cogvideo_model_open(cogvideo_model **out, const char *directory, const cogvideo_model_options *options,
                                    cogvideo_error *err)
{
    return cv_model_open(out, directory, options, err);
}

void cogvideo_model_close(cogvideo_model **model)
{
    cv_model_close(model);
}

/* Whether a tensor's numbers are the scales of another's. */
static bool is_scale(const cv_tensor *tensor)
{
    size_t length = strlen(tensor->name);

    return length > 6 && strcmp(tensor->name + length - 6, "_scale") == 0;
}

/* Weights that a tensor stands for: two in each byte of q4, none in scales and labels. */
static uint64_t weights_in(const cv_tensor *tensor)
{
    if (is_scale(tensor))
        return 0;
    if (cv_dtype_is_real(tensor->dtype) || tensor->dtype == CV_I8)
        return tensor->count;
    return tensor->dtype == CV_U8 ? 2 * (uint64_t)tensor->count : 0;
}

void cogvideo_model_get_info(const cogvideo_model *model, cogvideo_model_info *out)
{
    *out = (cogvideo_model_info){
        .name = model->name,
        .family = model->family->name,
        .dtype = model->types,
        .has_text_tokenizer = model->text != NULL,
        .text_pieces = model->text ? cv_text_pieces(model->text) : 0,
        .first_text_id = model->text ? cv_text_first_id(model->text) : 0,
    };
    for (int i = 0; i < model->file_count; i++) {
        const cv_model_file *file = &model->files[i];

        out->file_bytes += file->bytes;
        for (size_t t = 0; file->store && t < cv_store_count(file->store); t++)
            out->parameters += weights_in(cv_store_at(file->store, t));
    }
    if (model->family->info)
        model->family->info(model, out);
}

int cogvideo_model_property(const cogvideo_model *model, int index, cogvideo_property *out)
{
    cogvideo_property row = { 0 };

    if (index < 0 || !model->family->property || !model->family->property(model, index, &row))
        return 0;
    *out = row;
    return 1;
}

double cogvideo_model_number(const cogvideo_model *model, const char *name)
{
    cogvideo_property row;

    for (int i = 0; cogvideo_model_property(model, i, &row); i++)
        if (strcmp(row.name, name) == 0)
            return row.number;
    return 0;
}

const char *cogvideo_model_file(const cogvideo_model *model, int index, uint64_t *bytes, int *tensors)
{
    const cv_model_file *file;

    if (index < 0 || index >= model->file_count)
        return NULL;
    file = &model->files[index];
    if (bytes)
        *bytes = file->bytes;
    if (tensors)
        *tensors = file->store ? (int)cv_store_count(file->store) : 0;
    return file->path;
}

cogvideo_status cogvideo_text_encode(const cogvideo_model *model, const char *text, size_t size, int keep_line_breaks,
                                     int32_t **ids, size_t *count, cogvideo_error *err)
{
    const cogvideo_text_options options = { .keep_line_breaks = keep_line_breaks };

    return cogvideo_text_encode_with(model, text, size, &options, ids, count, err);
}

cogvideo_status cogvideo_text_encode_with(const cogvideo_model *model, const char *text, size_t size,
                                          const cogvideo_text_options *options, int32_t **ids, size_t *count,
                                          cogvideo_error *err)
{
    const cogvideo_text_options none = { 0 }, *o = options ? options : &none;
    cv_text *changed = NULL;
    cogvideo_status status;

    CV_TRY(cv_model_need_text(model, err));
    if (o->discouraged_count > 0 || o->discouraged_number_count > 0)
        CV_TRY(cv_text_discourage(&changed, model->text, o->discouraged, (size_t)o->discouraged_count,
                                  o->discouraged_numbers, (size_t)o->discouraged_number_count, err));
    status = cv_text_encode(changed ? changed : model->text, text, size, o->keep_line_breaks != 0, ids, count, err);
done:
    cv_text_close(&changed);
    return status;
}

cogvideo_status cogvideo_text_decode(const cogvideo_model *model, const int32_t *ids, size_t count, char **text,
                                     cogvideo_error *err)
{
    cogvideo_status status = cv_model_need_text(model, err);

    if (status != COGVIDEO_OK)
        return status;
    return cv_text_decode(model->text, ids, count, text, err);
}

cogvideo_status cogvideo_text_unknown(const cogvideo_model *model, const char *text, size_t size, char **unknown,
                                      cogvideo_error *err)
{
    cv_buffer found = { 0 };
    cogvideo_status status = cv_model_need_text(model, err);

    if (status == COGVIDEO_OK)
        status = cv_text_unknown(model->text, text, size, &found, err);
    if (status == COGVIDEO_OK)
        *unknown = found.data;
    else
        cv_buffer_free(&found);
    return status;
}

const char *cogvideo_text_piece(const cogvideo_model *model, int32_t id)
{
    return model->text ? cv_text_piece(model->text, id) : NULL;
}

cogvideo_status cogvideo_token_find(const cogvideo_model *model, const char *name, int32_t *id, cogvideo_error *err)
{
    cogvideo_status status = cv_model_need_text(model, err);
    int32_t found;

    if (status != COGVIDEO_OK)
        return status;
    if ((found = cv_token_find(model->text, name)) < 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%s' is no token: ids go up to %d", name, INT32_MAX);
    *id = found;
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_token_name(const cogvideo_model *model, int32_t id, char **name, cogvideo_error *err)
{
    cogvideo_status status = cv_model_need_text(model, err);
    char room[CV_TOKEN_NAME];
    const char *found;

    if (status != COGVIDEO_OK)
        return status;
    if (!(found = cv_token_name(model->text, id, room)))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "id %d has no name: the ids of this model are 0 to %d", (int)id,
                       (int)cv_text_first_id(model->text) + cv_text_pieces(model->text) - 1);
    return (*name = cv_strdup(found, err)) ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

void cogvideo_free(void *block)
{
    cv_free(block);
}
