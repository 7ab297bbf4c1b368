#include "family/cogvideo/import/import.h"

#include "base/map.h"
#include "base/output.h"
#include "base/path.h"
#include "import/convert.h"
#include "import/given.h"
#include "family/cogvideo/import/describe.h"
#include "family/cogvideo/import/trunks.h"
#include "sample/clusters.h"
#include "tensor/store_write.h"
#include "tokenizer/text.h"
#include "tokens/npy.h"

#include <stdio.h>
#include <string.h>

#define MAX_DESCRIPTION (1u << 20)
#define TRUNK (1u << CV_HOME_SHARED)
#define OWN (1u << CV_HOME_OWN)

/* Everything an import has open. */
typedef struct import {
    const cogvideo_import_options *options;
    /* paths of the sources; NULL = not given */
    struct {
        const char *stage1, *stage2, *coglm, *upscaler, *refiner, *image_tokenizer, *text_tokenizer, *clusters;
    } given;
    const char *directory, *origin; /* origin: the description's name in errors */
    cv_import_job job;
    cv_narrowing narrowing;
    const cv_narrowing *to; /* &narrowing, or NULL: as they are */
    cv_json *description, *parts;
    cv_network stage1, stage2, coglm, upscaler, refiner;
    cv_torch *tokenizer;
    cv_tokenizer_sizes tokenizer_sizes;
    cv_names tokenizer_names;
    cv_mapping text_model;
    cv_npy clusters;
    cv_findings found;
    cogvideo_error *err;
} import;

static void import_close(import *in)
{
    cv_json_free(&in->description);
    cv_network_close(&in->stage1);
    cv_network_close(&in->stage2);
    cv_network_close(&in->coglm);
    cv_network_close(&in->upscaler);
    cv_network_close(&in->refiner);
    cv_names_free(&in->tokenizer_names);
    cv_torch_close(&in->tokenizer);
    cv_map_close(&in->text_model);
    cv_npy_free(&in->clusters);
}

const char *const cv_cogvideo_sources[] = { "stage1",          "stage2",         "coglm",    "upscaler", "refiner",
                                            "image-tokenizer", "text-tokenizer", "clusters", NULL };

/* --- what is given -------------------------------------------------------------------------------------------- */

static cogvideo_status read_description(import *in)
{
    cogvideo_status status;
    const bool stages = in->given.stage1 || in->given.stage2, cogview2 = in->given.coglm || in->given.refiner;
    const char *path = in->options->config, *text = cogview2 && !stages ? cv_builtin_cogview2 : cv_builtin_cogvideo;
    size_t size = strlen(text);
    cv_mapping file = { 0 };

    in->origin = path ? path : "the built-in description";
    if (path) {
        CV_TRY(cv_map_open(&file, path, in->err));
        text = (const char *)file.data;
        size = file.size;
    }
    if (size > MAX_DESCRIPTION) {
        status = cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: is too large for a model description", in->origin);
        goto done;
    }
    CV_TRY(cv_json_parse(&in->description, text, size, in->origin, in->err));
    CV_TRY(cv_json_format(in->description, "cogvideo-model", 1, in->origin, in->err));
done:
    cv_map_close(&file);
    return status;
}

static cogvideo_status read_type(import *in)
{
    const char *name = in->options->type;

    if (!name)
        return COGVIDEO_OK;
    in->to = &in->narrowing;
    return cv_narrow_type_read(&in->narrowing.type, name, in->err);
}

/* Opened once to count its pieces, which fixes the ids behind them, and to refuse what is no text model. */
static cogvideo_status read_text_model(import *in)
{
    const char *path = in->given.text_tokenizer;
    cogvideo_status status;
    cv_text *text = NULL;

    CV_TRY(cv_text_open(&text, path, 0, cv_icetk_appended, in->err));
    in->found.pieces = (size_t)cv_text_id(text, "<start_of_image>");
    cv_text_close(&text);
    CV_TRY(cv_map_open(&in->text_model, path, in->err));
done:
    return status;
}

/* The labels are grouped once, only to find out here, under the name of the user's file, whether they can be. */
static cogvideo_status read_clusters(import *in)
{
    const char *path = in->given.clusters;
    cogvideo_status status;
    cv_clusters *clusters = NULL;

    CV_TRY(cv_npy_read(&in->clusters, path, 0, INT32_MAX, in->err));
    if (in->clusters.rank != 1 || in->clusters.count > INT32_MAX)
        return cv_fail(in->err, COGVIDEO_ERROR_FORMAT,
                       "%s: one label per image code was expected, this array has %d "
                       "dimensions and %zu numbers",
                       path, in->clusters.rank, in->clusters.count);
    status = cv_clusters_create(&clusters, in->clusters.values, (int)in->clusters.count, in->err);
    if (status != COGVIDEO_OK)
        return cv_fail_prefix(in->err, status, path);
    cv_clusters_free(&clusters);
    in->found.clusters = in->clusters.count;
done:
    return status;
}

static cogvideo_status read_tokenizer(import *in)
{
    cogvideo_status status;
    cv_json *section;

    CV_TRY(cv_torch_open(&in->tokenizer, in->given.image_tokenizer, in->err));
    CV_TRY(cv_names_measure_tokenizer(&in->tokenizer_sizes, in->tokenizer, in->err));
    CV_TRY(cv_json_object(in->description, "image_tokenizer", &section, in->origin, in->err));
    CV_TRY(cv_names_tokenizer(&in->tokenizer_names, &in->tokenizer_sizes, section, in->origin, in->err));
    CV_TRY(cv_names_match(&in->tokenizer_names, in->tokenizer, &in->options->log, in->err));
    in->found.tokenizer = &in->tokenizer_sizes;
done:
    return status;
}

static cogvideo_status read_network(import *in, cv_network *network, const cv_network **found, const char *path,
                                    cv_transformer_kind kind)
{
    cogvideo_status status;

    if (!path)
        return COGVIDEO_OK;
    CV_TRY(cv_network_open(network, path, kind, &in->options->log, in->err));
    if (!network->configured)
        cv_log(&in->options->log, COGVIDEO_LOG_WARNING,
               "%s: no model_config.json was found; heads, grid and window "
               "are those of %s",
               cv_torch_path(network->torch), in->origin);
    *found = network;
done:
    return status;
}

static cogvideo_status read_all(import *in)
{
    cogvideo_status status;

    CV_TRY(read_type(in));
    CV_TRY(read_description(in));
    CV_TRY(read_network(in, &in->stage1, &in->found.stage1, in->given.stage1, CV_TRANSFORMER_STAGE));
    CV_TRY(read_network(in, &in->stage2, &in->found.stage2, in->given.stage2, CV_TRANSFORMER_STAGE));
    CV_TRY(read_network(in, &in->coglm, &in->found.coglm, in->given.coglm, CV_TRANSFORMER_TRUNK));
    CV_TRY(read_network(in, &in->upscaler, &in->found.upscaler, in->given.upscaler, CV_TRANSFORMER_UPSCALER));
    CV_TRY(read_network(in, &in->refiner, &in->found.refiner, in->given.refiner, CV_TRANSFORMER_REFINER));
    if (in->given.image_tokenizer)
        CV_TRY(read_tokenizer(in));
    if (in->given.text_tokenizer)
        CV_TRY(read_text_model(in));
    if (in->given.clusters)
        CV_TRY(read_clusters(in));
    CV_TRY(cv_describe(in->description, &in->found, in->origin, in->err));
    if (in->options->name)
        cv_json_set_string(in->description, "name", in->options->name);
    in->parts = cv_json_set_object(in->description, "parts");
done:
    return status;
}

/* --- what is written ------------------------------------------------------------------------------------------ */

/* `file` in the directory, filled with the tensors of `homes`. */
static cogvideo_status write_tensors(import *in, cv_torch *torch, const cv_names *names, unsigned homes,
                                     const char *part, const char *file)
{
    cogvideo_status status;
    char *path = cv_path_join(in->directory, file, in->err);

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    in->job.part = part;
    /* Pictures are not a matter of matrices: an image tokenizer is never quantized. */
    status =
        cv_convert_write(&in->job, torch, names, homes,
                         torch == in->tokenizer && in->narrowing.type >= CV_WEIGHT_Q8 ? NULL : in->to, path, in->err);
    cv_free(path);
    return status;
}

static cogvideo_status write_bytes(import *in, const char *file, const void *data, size_t size)
{
    cogvideo_status status;
    cv_output output = { 0 };
    char *path = cv_path_join(in->directory, file, in->err);

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_output_open(&output, path, in->err));
    CV_TRY(cv_output_write(&output, data, size, in->err));
    CV_TRY(cv_output_commit(&output, in->err));
done:
    cv_output_abandon(&output);
    cv_free(path);
    return status;
}

static void name_file(import *in, const char *part, const char *file)
{
    cv_json_set_string(cv_json_set_object(in->parts, part), "file", file);
}

/* A transformer: its trunk, unless it is in the directory already, and the rest. */
static cogvideo_status write_network(import *in, const cv_trunks *trunks, cv_role role)
{
    static const char *const parts[CV_ROLES] = { "stage1", "stage2", "trunk", "upscaler", "refiner" };
    const cv_network *network = trunks->networks[role];
    const char *trunk = cv_trunks_file(trunks, role), *part = parts[role];
    cogvideo_status status = COGVIDEO_OK;
    cv_json *member;
    char own[60];

    snprintf(own, sizeof own, "%s.safetensors", part);
    if (trunk && trunks->first[role] == role) {
        CV_TRY(write_tensors(in, network->torch, &network->names, TRUNK, part, trunk));
        if (role == CV_ROLE_COGLM)
            name_file(in, part, trunk);
    }
    if (role == CV_ROLE_COGLM) /* beside a stage it is nothing but that stage's trunk */
        return COGVIDEO_OK;
    CV_TRY(write_tensors(in, network->torch, &network->names, trunk ? OWN : TRUNK | OWN, part, own));
    if (!trunk) {
        name_file(in, part, own);
        return COGVIDEO_OK;
    }
    member = cv_json_set_object(in->parts, part);
    cv_json_set_string(member, "trunk", trunk);
    cv_json_set_string(member, "own", own);
done:
    return status;
}

static cogvideo_status write_networks(import *in)
{
    const cv_findings *found = &in->found;
    cv_trunks trunks = { .networks = { found->stage1, found->stage2, found->coglm, found->upscaler, found->refiner } };
    cogvideo_status status;

    CV_TRY(cv_trunks_compare(&trunks, &in->job, in->err));
    for (cv_role role = 0; role < CV_ROLES; role++)
        if (trunks.networks[role])
            CV_TRY(write_network(in, &trunks, role));
done:
    return status;
}

static cogvideo_status write_clusters(import *in)
{
    cogvideo_status status;
    cv_store_writer *writer = NULL;
    size_t count = in->clusters.count;
    char *path = cv_path_join(in->directory, "clusters.safetensors", in->err);

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_store_writer_create(&writer, path, in->err));
    CV_TRY(cv_store_writer_declare(writer, "labels", CV_I32, 1, &count, in->err));
    CV_TRY(cv_store_writer_data(writer, in->clusters.values, count * sizeof *in->clusters.values, in->err));
    CV_TRY(cv_store_writer_commit(&writer, in->err));
    name_file(in, "clusters", "clusters.safetensors");
done:
    cv_store_writer_abandon(&writer);
    cv_free(path);
    return status;
}

static void count_work(import *in)
{
    const cv_names *all[] = { &in->stage1.names,   &in->stage2.names,  &in->coglm.names,
                              &in->upscaler.names, &in->refiner.names, &in->tokenizer_names };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        in->job.total += cv_convert_bytes(all[i], TRUNK | OWN);
}

/* What the files hold that is known and not taken. */
static void tell_skipped(const import *in)
{
    const cogvideo_log *log = &in->options->log;
    size_t plus = 0;

    for (size_t i = 0; i < in->tokenizer_names.count; i++)
        if (in->tokenizer_names.items[i].home == CV_HOME_SKIP && in->tokenizer_names.items[i].tensor)
            cv_log(log, COGVIDEO_LOG_INFO, "%s: '%s' is of use in training only: skipped", cv_torch_path(in->tokenizer),
                   in->tokenizer_names.items[i].name);
    for (size_t i = 0; i < in->refiner.names.count; i++)
        plus += in->refiner.names.items[i].home == CV_HOME_SKIP && in->refiner.names.items[i].tensor;
    if (plus > 0)
        cv_log(log, COGVIDEO_LOG_WARNING,
               "%s: skipped %zu tensors 'mixins.attention_plus.*', which a refiner does not read: the original ignores "
               "them, too",
               cv_torch_path(in->refiner.torch), plus);
}

static cogvideo_status write_all(import *in)
{
    cogvideo_status status;
    char *text = NULL;

    count_work(in);
    tell_skipped(in);
    CV_TRY(write_networks(in));
    if (in->found.tokenizer) {
        CV_TRY(write_tensors(in, in->tokenizer, &in->tokenizer_names, OWN, "image_tokenizer",
                             "image_tokenizer.safetensors"));
        name_file(in, "image_tokenizer", "image_tokenizer.safetensors");
    }
    if (in->given.text_tokenizer) {
        CV_TRY(write_bytes(in, "text.model", in->text_model.data, in->text_model.size));
        name_file(in, "text_tokenizer", "text.model");
    }
    if (in->given.clusters)
        CV_TRY(write_clusters(in));
    if (!(text = cv_json_print(in->description, true, in->err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    CV_TRY(write_bytes(in, "model.json", text, strlen(text)));
done:
    cv_free(text);
    return status;
}

cogvideo_status cv_cogvideo_import(const cogvideo_import_options *options, const char *directory, cogvideo_error *err)
{
    cogvideo_status status;
    struct import in = { .options = options,
                         .given = { .stage1 = cv_import_value(options, "stage1"),
                                    .stage2 = cv_import_value(options, "stage2"),
                                    .coglm = cv_import_value(options, "coglm"),
                                    .refiner = cv_import_value(options, "refiner"),
                                    .upscaler = cv_import_value(options, "upscaler"),
                                    .image_tokenizer = cv_import_value(options, "image-tokenizer"),
                                    .text_tokenizer = cv_import_value(options, "text-tokenizer"),
                                    .clusters = cv_import_value(options, "clusters") },
                         .directory = directory,
                         .job = { .options = options },
                         .err = err };

    CV_TRY(read_all(&in));
    CV_TRY(write_all(&in));
done:
    import_close(&in);
    return status;
}
