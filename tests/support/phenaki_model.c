#include "support/phenaki_model.h"

#include "support/phenaki_golden.h"

#include "base/file.h"
#include "family/family.h"
#include "family/phenaki/network/masked.h"
#include "model/t5/t5.h"
#include "tensor/store_write.h"

#include <stdlib.h>
#include <sys/stat.h>

static const char *path_in(const char *folder, const char *file)
{
    char path[500];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    return check_temp_path(path);
}

static void write_store(cv_store *store, const char *path)
{
    cv_store_writer *writer;
    cogvideo_error err;

    CHECK_OK(cv_store_writer_create(&writer, path, &err), err);
    for (size_t i = 0; i < cv_store_count(store); i++) {
        const cv_tensor *tensor = cv_store_at(store, i);

        CHECK_OK(cv_store_writer_declare(writer, tensor->name, CV_F32, tensor->rank, tensor->shape, &err), err);
    }
    for (size_t i = 0; i < cv_store_count(store); i++) {
        const cv_tensor *tensor = cv_store_at(store, i);

        CHECK_OK(cv_store_writer_data(writer, tensor->data, tensor->count * sizeof(float), &err), err);
    }
    CHECK_OK(cv_store_writer_commit(&writer, &err), err);
    cv_store_close(&store);
}

static cogvideo_status bind_masked(cv_store *plan, const void *config, cogvideo_error *err)
{
    cv_masked *network = NULL;
    cogvideo_status status = cv_masked_open(&network, config, plan, err);

    cv_masked_close(&network);
    return status;
}

static cogvideo_status bind_critic(cv_store *plan, const void *width, cogvideo_error *err)
{
    cv_self_critic critic;

    return cv_self_critic_bind(&critic, plan, *(const int *)width, err);
}

static cogvideo_status bind_text(cv_store *plan, const void *config, cogvideo_error *err)
{
    cv_t5 *network = NULL;
    cogvideo_status status = cv_t5_open(&network, config, plan, err);

    cv_t5_close(&network);
    return status;
}

static void part(cv_json *parts, const char *key, const char *file)
{
    cv_json_set_string(cv_json_set_object(parts, key), "file", file);
}

static void write_model(const char *folder, bool texts)
{
    const cv_cvivit_config tokenizer = { .width = 32,
                                         .heads = 4,
                                         .head_width = 8,
                                         .spatial_layers = 1,
                                         .temporal_layers = 1,
                                         .patch_height = 8,
                                         .patch_width = 8,
                                         .patch_frames = 4,
                                         .quantizer = CV_QUANTIZER_COSINE,
                                         .codes = PHENAKI_MODEL_CODES,
                                         .code_width = 8,
                                         .projected = true,
                                         .temporal_peg = CV_PEG_TRUE,
                                         .peg_causal = true,
                                         .causal = true,
                                         .cosine = true,
                                         .std = { 1, 1, 1 } };
    const cv_masked_config masked = { .layers = 2,
                                      .width = 32,
                                      .heads = 4,
                                      .head_width = 8,
                                      .inner = cv_blocks_inner(32),
                                      .text_width = texts ? 24 : 0,
                                      .codes = PHENAKI_MODEL_CODES,
                                      .places = 24,
                                      .cosine = true };
    const cv_t5_config
        text = { .layers = 1, .width = 24, .heads = 2, .head_width = 12, .inner = 48, .vocabulary = 96, .gated = true };
    cv_json *model = cv_json_new_object(), *section;
    const char *configs = getenv("COGVIDEO_CONFIGS");
    cv_buffer bytes = { 0 };
    cogvideo_error err;
    char words[600];

    assert_int_equal(mkdir(check_temp_path(folder), 0777), 0);
    write_store(phenaki_seeded_store(phenaki_bind_cvivit, &tokenizer, 1), path_in(folder, "tokenizer.safetensors"));
    write_store(phenaki_seeded_store(bind_masked, &masked, 2), path_in(folder, "masked.safetensors"));
    write_store(phenaki_seeded_store(bind_critic, &masked.width, 3), path_in(folder, "critic.safetensors"));
    write_store(phenaki_seeded_store(bind_text, &text, 4), path_in(folder, "t5.safetensors"));
    snprintf(words, sizeof words, "%s/../tokenizer/shapes.model", configs ? configs : "configs");
    CHECK_OK(cv_file_read(&bytes, words, 1 << 24, &err), err);
    check_write(path_in(folder, "text.model"), bytes.data, bytes.size);
    cv_buffer_free(&bytes);

    cv_json_set_string(model, "format", CV_MODEL_FORMAT);
    cv_json_set_int(model, "version", 1);
    cv_json_set_string(model, "family", "phenaki");
    cv_json_set_string(model, "name", "small phenaki");
    section = cv_json_set_object(model, "clip");
    cv_json_set_int(section, "height", PHENAKI_MODEL_HEIGHT);
    cv_json_set_int(section, "width", PHENAKI_MODEL_WIDTH);
    cv_json_set_int(section, "frames", PHENAKI_MODEL_FRAMES);
    cv_json_set_int(section, "context", PHENAKI_MODEL_CONTEXT);
    cv_cvivit_config_put(cv_json_set_object(model, "video_tokenizer"), &tokenizer);
    cv_masked_config_put(cv_json_set_object(model, "masked"), &masked);
    cv_json_set_string(cv_json_set_object(model, "critic"), "kind", "self");
    cv_t5_config_put(cv_json_set_object(model, "text_encoder"), &text);
    section = cv_json_set_object(cv_json_set_object(model, "sampling"), "scenes");
    cv_json_set_double(section, "temperature", 0.9);
    cv_json_set_int(section, "steps", 4);
    cv_json_set_double(section, "guidance", 3);
    section = cv_json_set_object(model, "parts");
    part(section, "video_tokenizer", "tokenizer.safetensors");
    part(section, "masked", "masked.safetensors");
    part(section, "critic", "critic.safetensors");
    if (texts) {
        part(section, "text_encoder", "t5.safetensors");
        part(section, "text_tokenizer", "text.model");
    }
    CHECK_OK(cv_json_write(model, true, path_in(folder, "model.json"), &err), err);
    cv_json_free(&model);
}

void phenaki_model_write(const char *folder)
{
    write_model(folder, true);
}

void phenaki_model_write_without_text(const char *folder)
{
    write_model(folder, false);
}
