#include "family/cogvideo/network/memory.h"

static void memory_free(cv_memory *memory)
{
    cv_free(memory->keys);
    cv_free(memory->values);
    cv_free(memory->key_scales);
    cv_free(memory->value_scales);
    *memory = (cv_memory){ 0 };
}

static cv_memory memory_of(const cv_cogvideo_config *config, cv_weight_type type, int places)
{
    return cv_memory_of(type, places, config->hidden, config->heads);
}

static cogvideo_status memory_create(cv_memory *out, const cv_cogvideo_config *config, cv_weight_type type, int places,
                                     cogvideo_error *err)
{
    cv_memory memory = memory_of(config, type, places);
    size_t bytes = cv_memory_row_bytes(&memory, config->layers), scale_bytes = cv_memory_scale_bytes(&memory, config->layers);

    if (!(memory.keys = cv_alloc(bytes, 1, err)) || !(memory.values = cv_alloc(bytes, 1, err)) ||
        (scale_bytes && (!(memory.key_scales = cv_alloc(scale_bytes, 1, err)) ||
                         !(memory.value_scales = cv_alloc(scale_bytes, 1, err))))) {
        memory_free(&memory);
        return COGVIDEO_ERROR_MEMORY;
    }
    *out = memory;
    return COGVIDEO_OK;
}

/* Bytes of memory_create. */
static size_t memory_bytes(const cv_cogvideo_config *config, cv_weight_type type, int places)
{
    cv_memory memory = memory_of(config, type, places);

    return 2 * (cv_memory_row_bytes(&memory, config->layers) + cv_memory_scale_bytes(&memory, config->layers));
}

cogvideo_status cv_text_memory_create(cv_text_memory *out, const cv_cogvideo_config *config, cv_weight_type type, int count,
                                      bool plus, cogvideo_error *err)
{
    cogvideo_status status;
    cv_text_memory memory = { .count = count };

    CV_TRY(memory_create(&memory.base, config, type, count, err));
    if (plus)
        CV_TRY(memory_create(&memory.plus, config, type, count, err));
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

size_t cv_text_memory_bytes(const cv_cogvideo_config *config, cv_weight_type type, int count, bool plus)
{
    return memory_bytes(config, type, count) * (plus ? 2 : 1);
}

cogvideo_status cv_frame_memory_create(cv_frame_memory *out, const cv_cogvideo_config *config, cv_weight_type type, int slots,
                                       bool plus, cogvideo_error *err)
{
    cogvideo_status status;
    cv_frame_memory memory = { .slots = slots };

    CV_TRY(memory_create(&memory.base, config, type, cv_cogvideo_places(config), err));
    if (plus)
        CV_TRY(memory_create(&memory.plus, config, type, slots * cv_cogvideo_places(config), err));
    *out = memory;
    return COGVIDEO_OK;
fail:
    cv_frame_memory_free(&memory);
    return status;
}

void cv_frame_memory_clear(const cv_frame_memory *memory, const cv_cogvideo_config *config)
{
    cv_memory_clear(&memory->base, config->layers);
    if (memory->plus.keys)
        cv_memory_clear(&memory->plus, config->layers);
}

void cv_frame_memory_free(cv_frame_memory *memory)
{
    memory_free(&memory->base);
    memory_free(&memory->plus);
    memory->slots = 0;
}

size_t cv_frame_memory_bytes(const cv_cogvideo_config *config, cv_weight_type type, int slots, bool plus)
{
    int L = cv_cogvideo_places(config);

    return memory_bytes(config, type, L) +
           (plus ? memory_bytes(config, type, slots * L) : 0);
}
