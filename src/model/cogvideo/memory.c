#include "model/cogvideo/memory.h"

static cogvideo_status memory_create(cv_memory *out, const cv_cogvideo_config *config, int places, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_memory memory = cv_memory_of(places, config->hidden, config->heads);

    CV_NEW(memory.keys, memory.layer_stride * (size_t)config->layers, err);
    CV_NEW(memory.values, memory.layer_stride * (size_t)config->layers, err);
    *out = memory;
    return COGVIDEO_OK;
fail:
    cv_free(memory.keys);
    return status;
}

static void memory_free(cv_memory *memory)
{
    cv_free(memory->keys);
    cv_free(memory->values);
    *memory = (cv_memory){ 0 };
}

cogvideo_status cv_text_memory_create(cv_text_memory *out, const cv_cogvideo_config *config, int count, bool plus,
                                      cogvideo_error *err)
{
    cogvideo_status status;
    cv_text_memory memory = { .count = count };

    CV_TRY(memory_create(&memory.base, config, count, err));
    if (plus)
        CV_TRY(memory_create(&memory.plus, config, count, err));
    *out = memory;
    return COGVIDEO_OK;
fail:
    cv_text_memory_free(&memory);
    return status;
}

void cv_text_memory_free(cv_text_memory *memory)
{
    memory_free(&memory->base);
    memory_free(&memory->plus);
    memory->count = 0;
}

size_t cv_text_memory_bytes(const cv_cogvideo_config *config, int count, bool plus)
{
    return cv_memory_bytes(config->layers, count, config->hidden) * (plus ? 2 : 1);
}

cogvideo_status cv_frame_memory_create(cv_frame_memory *out, const cv_cogvideo_config *config, int slots, bool plus,
                                       cogvideo_error *err)
{
    cogvideo_status status;
    cv_frame_memory memory = { .slots = slots };

    CV_TRY(memory_create(&memory.base, config, cv_cogvideo_places(config), err));
    if (plus)
        CV_TRY(memory_create(&memory.plus, config, slots * cv_cogvideo_places(config), err));
    *out = memory;
    return COGVIDEO_OK;
fail:
    cv_frame_memory_free(&memory);
    return status;
}

void cv_frame_memory_free(cv_frame_memory *memory)
{
    memory_free(&memory->base);
    memory_free(&memory->plus);
    memory->slots = 0;
}

size_t cv_frame_memory_bytes(const cv_cogvideo_config *config, int slots, bool plus)
{
    int L = cv_cogvideo_places(config);

    return cv_memory_bytes(config->layers, L, config->hidden) +
           (plus ? cv_memory_bytes(config->layers, slots * L, config->hidden) : 0);
}
