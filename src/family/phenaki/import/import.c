#include "family/phenaki/import/import.h"

#include "base/output.h"
#include "base/path.h"
#include "family/phenaki/import/left_out.h"
#include "family/phenaki/import/rename.h"
#include "family/phenaki/import/sizes.h"
#include "family/phenaki/model/model.h"
#include "import/given.h"
#include "import/narrow.h"

#include <stdio.h>
#include <string.h>

const char *const cv_phenaki_sources[] = { "video-tokenizer", "masked", "critic", "text-encoder", "text-tokenizer",
                                           "patch",           "size",   "frames", "fps",          NULL };

#define MAX_DESCRIPTION (1u << 20)

enum { TOKENIZER, MASKED, CRITIC, TEXT, PARTS };

/* A part that is being imported. */
typedef struct part {
    const char *source, *key, *file; /* of the import; in model.json; in the model directory */
    cv_source *from;                 /* NULL = it is not given */
    const char *prefix;              /* of its tensors in that file */
    cv_assembly tensors;
} part;

/* Everything an import has open. */
typedef struct importing {
    const cogvideo_import_options *options;
    const char *directory;
    cv_import_job job;
    cv_narrowing narrowing;
    const cv_narrowing *to; /* &narrowing, or NULL: as they are */
    cv_phenaki_sizes sizes;
    part parts[PARTS];
    cv_cvivit_config tokenizer; /* of the parts that are given */
    cv_masked_config masked, critic;
    cv_t5_config text;
    bool self_critic;
    cv_json *description, *list; /* model.json and its "parts" */
    cogvideo_error *err;
} importing;

/* --- files -------------------------------------------------------------------------------------------------------- */

/* What stands before the names of a network in the file: the first of `prefixes` (up to NULL) with which it has
 * `anchor`. */
static cogvideo_status find_prefix(part *p, const char *const *prefixes, const char *anchor, cogvideo_error *err)
{
    char name[200];

    for (; *prefixes; prefixes++) {
        snprintf(name, sizeof name, "%s%s", *prefixes, anchor);
        if (cv_source_find(p->from, name)) {
            p->prefix = *prefixes;
            return COGVIDEO_OK;
        }
    }
    return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has no tensor '%s': this is a file of another network",
                   cv_source_path(p->from), anchor);
}

/* All of a tensor that is small, in fresh memory. */
static cogvideo_status read_bytes(unsigned char **out, const part *p, const cv_source_tensor *tensor,
                                  cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_source_stream *stream = NULL;
    unsigned char *bytes = NULL;

    CV_NEW(bytes, tensor->bytes, err);
    CV_TRY(cv_source_stream_open(&stream, p->from, tensor, err));
    CV_TRY(cv_source_stream_read(stream, bytes, tensor->bytes, err));
    *out = bytes;
    bytes = NULL;
done:
    cv_source_stream_close(&stream);
    cv_free(bytes);
    return status;
}

/* Whether all numbers are 0 or -0, whose sign is the highest bit of their last byte. */
static bool are_zeros(const unsigned char *bytes, size_t size, size_t width)
{
    for (size_t b = 0; b < size; b++)
        if ((bytes[b] & (b % width == width - 1 ? 0x7f : 0xff)) != 0)
            return false;
    return true;
}

/* Buffers of zeros that a norm would add are no part of a model, so they must be what they say. */
static cogvideo_status check_betas(const part *p, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    unsigned char *bytes = NULL;

    for (size_t i = 0; i < cv_source_count(p->from); i++) {
        const cv_source_tensor *tensor = cv_source_at(p->from, i);

        if (tensor->flaw || strncmp(tensor->name, p->prefix, strlen(p->prefix)) != 0 ||
            !cv_path_ends_in(tensor->name, ".beta"))
            continue;
        CV_TRY(read_bytes(&bytes, p, tensor, err));
        if (!are_zeros(bytes, tensor->bytes, cv_dtype_size(tensor->dtype))) {
            status = cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' is not 0: norms of this network add nothing",
                             cv_source_path(p->from), tensor->name);
            goto done;
        }
        cv_free(bytes);
        bytes = NULL;
    }
done:
    cv_free(bytes);
    return status;
}

/* A tokenizer of bits keeps what each is worth in a code, the first the most: the only order that is decoded here. */
static cogvideo_status check_bits(const part *p, int codes, cogvideo_error *err)
{
    const cv_source_tensor *tensor;
    unsigned char *bytes = NULL;
    cogvideo_status status;
    char name[200];
    int64_t value;
    bool right;

    snprintf(name, sizeof name, "%svq.mask", p->prefix);
    tensor = cv_source_find(p->from, name);
    if (!tensor)
        return COGVIDEO_OK;
    right = !tensor->flaw && tensor->dtype == CV_I64 && tensor->rank == 1 && tensor->count < 31 &&
            codes == 1 << tensor->count;
    if (right)
        CV_TRY(read_bytes(&bytes, p, tensor, err));
    for (size_t i = 0; right && i < tensor->count; i++) {
        memcpy(&value, bytes + i * sizeof value, sizeof value);
        right = value == (int64_t)1 << (tensor->count - 1 - i);
    }
    status = right ? COGVIDEO_OK
                   : cv_fail(err, COGVIDEO_ERROR_MODEL,
                             "%s: tensor '%s' is not what the bits of %d codes are worth, from %d down to 1 as whole "
                             "numbers of 64 bits",
                             cv_source_path(p->from), name, codes, codes / 2);
done:
    cv_free(bytes);
    return status;
}

/* The part's tensors, those that `rename` keeps behind the prefix; and a plan of what they are. */
static cogvideo_status collect(importing *in, part *p, const char *const *prefixes, const char *anchor,
                               void (*rename)(const char *name, cv_renaming *out), cv_store **found)
{
    const cogvideo_log silent = { 0 }; /* what is left out is told by those who know the names */
    cogvideo_status status;

    CV_TRY(find_prefix(p, prefixes, anchor, in->err));
    CV_TRY(check_betas(p, in->err));
    CV_TRY(cv_tell_left_out(p->from, p->prefix, rename, &in->options->log, in->err));
    CV_TRY(cv_assembly_add(&p->tensors, p->from, p->prefix, rename, &silent, in->err));
    CV_TRY(cv_assembly_shapes(&p->tensors, found, cv_source_path(p->from), in->err));
    in->job.total += cv_assembly_bytes(&p->tensors);
done:
    return status;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static cogvideo_status read_tokenizer(importing *in, part *p)
{
    static const char *const prefixes[] = { "ema_model.", "cvivit.", "module.", "", NULL };
    cv_store *found = NULL, *plan = NULL;
    cv_cvivit *network = NULL;
    cogvideo_status status;

    CV_TRY(collect(in, p, prefixes, "to_pixels_first_frame.0.weight", cv_rename_cvivit, &found));
    in->tokenizer.patch_height = in->sizes.patch[0];
    in->tokenizer.patch_width = in->sizes.patch[1];
    CV_TRY(cv_cvivit_measure(&in->tokenizer, found, in->err));
    CV_TRY(check_bits(p, in->tokenizer.codes, in->err));
    CV_TRY(cv_store_plan(&plan, cv_source_path(p->from), in->err));
    CV_TRY(cv_cvivit_open(&network, &in->tokenizer, plan, in->err));
    CV_TRY(cv_assembly_check(&p->tensors, plan, cv_source_path(p->from), in->err));
    cv_cvivit_config_put(cv_json_set_object(in->description, p->key), &in->tokenizer);
done:
    cv_cvivit_close(&network);
    cv_store_close(&plan);
    cv_store_close(&found);
    return status;
}

static cogvideo_status read_network(importing *in, part *p, const char *const *prefixes, cv_masked_config *config)
{
    cv_store *found = NULL, *plan = NULL;
    cv_masked *network = NULL;
    cogvideo_status status;

    CV_TRY(collect(in, p, prefixes, "token_emb.weight", cv_rename_masked, &found));
    CV_TRY(cv_masked_measure(config, found, in->err));
    CV_TRY(cv_store_plan(&plan, cv_source_path(p->from), in->err));
    CV_TRY(cv_masked_open(&network, config, plan, in->err));
    CV_TRY(cv_assembly_check(&p->tensors, plan, cv_source_path(p->from), in->err));
    cv_masked_config_put(cv_json_set_object(in->description, p->key), config);
done:
    cv_masked_close(&network);
    cv_store_close(&plan);
    cv_store_close(&found);
    return status;
}

static cogvideo_status read_masked(importing *in, part *p)
{
    static const char *const prefixes[] = { "maskgit.", "ema_model.", "module.", "", NULL };

    return read_network(in, p, prefixes, &in->masked);
}

/* A critic of its own, or the layer that a self critic has on top of the masked transformer. */
static cogvideo_status read_critic(importing *in, part *p)
{
    static const char *const prefixes[] = { "critic.", "ema_model.", "module.", "", NULL };
    cv_store *found = NULL, *plan = NULL;
    cogvideo_status status;
    cv_self_critic critic;

    in->self_critic = cv_source_find(p->from, "critic.to_pred.0.weight") || cv_source_find(p->from, "to_pred.0.weight");
    if (!in->self_critic) {
        in->critic.critic = true;
        CV_TRY(read_network(in, p, prefixes, &in->critic));
        cv_json_set_string(cv_json_get(in->description, p->key), "kind", "token");
        return COGVIDEO_OK;
    }
    if (!in->parts[MASKED].from)
        return cv_fail(in->err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: has a self critic, which is a layer on top of the masked transformer: give that, too "
                       "(--masked)",
                       cv_source_path(p->from));
    CV_TRY(collect(in, p, prefixes, "to_pred.0.weight", cv_rename_self_critic, &found));
    CV_TRY(cv_store_plan(&plan, cv_source_path(p->from), in->err));
    CV_TRY(cv_self_critic_bind(&critic, plan, in->masked.width, in->err));
    CV_TRY(cv_assembly_check(&p->tensors, plan, cv_source_path(p->from), in->err));
    cv_json_set_string(cv_json_set_object(in->description, p->key), "kind", "self");
done:
    cv_store_close(&plan);
    cv_store_close(&found);
    return status;
}

static cogvideo_status read_text(importing *in, part *p)
{
    static const char *const prefixes[] = { "", "module.", NULL };
    cv_store *found = NULL, *plan = NULL;
    cogvideo_status status;
    cv_t5 *network = NULL;

    CV_TRY(collect(in, p, prefixes, "shared.weight", cv_rename_t5, &found));
    CV_TRY(cv_t5_measure(&in->text, found, in->err));
    CV_TRY(cv_store_plan(&plan, cv_source_path(p->from), in->err));
    CV_TRY(cv_t5_open(&network, &in->text, plan, in->err));
    CV_TRY(cv_assembly_check(&p->tensors, plan, cv_source_path(p->from), in->err));
    cv_t5_config_put(cv_json_set_object(in->description, p->key), &in->text);
done:
    cv_t5_close(&network);
    cv_store_close(&plan);
    cv_store_close(&found);
    return status;
}

/* --- what goes together ------------------------------------------------------------------------------------------- */

static cogvideo_status check_together(const importing *in)
{
    if (in->masked.codes > 0 && in->tokenizer.codes > 0 && in->masked.codes != in->tokenizer.codes)
        return cv_fail(in->err, COGVIDEO_ERROR_MODEL,
                       "%s: the masked transformer has %d codes, and the video tokenizer of %s has %d: they were not "
                       "trained for each other",
                       cv_source_path(in->parts[MASKED].from), in->masked.codes,
                       cv_source_path(in->parts[TOKENIZER].from), in->tokenizer.codes);
    if (in->masked.codes > 0 && in->critic.codes > 0 && in->masked.codes != in->critic.codes)
        return cv_fail(in->err, COGVIDEO_ERROR_MODEL, "%s: the critic has %d codes, and the masked transformer %d",
                       cv_source_path(in->parts[CRITIC].from), in->critic.codes, in->masked.codes);
    if (in->masked.codes > 0 && in->critic.codes > 0 && in->critic.places < in->masked.places)
        return cv_fail(in->err, COGVIDEO_ERROR_MODEL, "%s: the critic has %d places, and the masked transformer %d",
                       cv_source_path(in->parts[CRITIC].from), in->critic.places, in->masked.places);
    if (in->masked.codes > 0 && in->critic.text_width > 0 && in->masked.text_width != in->critic.text_width)
        return cv_fail(in->err, COGVIDEO_ERROR_MODEL,
                       "%s: the critic reads %d numbers for each token of a text, and the masked transformer %d",
                       cv_source_path(in->parts[CRITIC].from), in->critic.text_width, in->masked.text_width);
    if (in->masked.text_width > 0 && in->text.width > 0 && in->masked.text_width != in->text.width)
        return cv_fail(
            in->err, COGVIDEO_ERROR_MODEL,
            "%s: the masked transformer reads %d numbers for each token of a text, and the text encoder of %s "
            "gives %d",
            cv_source_path(in->parts[MASKED].from), in->masked.text_width, cv_source_path(in->parts[TEXT].from),
            in->text.width);
    return COGVIDEO_OK;
}

/* Sizes alone are no model, but for a config whose networks are yet to be trained. */
static cogvideo_status check_given(const importing *in)
{
    bool any = in->options->config || cv_import_value(in->options, "text-tokenizer");

    for (int i = 0; i < PARTS; i++)
        any = any || in->parts[i].from;
    return any ? COGVIDEO_OK
               : cv_fail(in->err, COGVIDEO_ERROR_ARGUMENT,
                         "nothing to import: sizes are given, but no part (such as --video-tokenizer FILE)");
}

/* phenaki-pytorch never drops a text in training, so what it trained knows no pass without one. A config may know
 * better. */
static void put_sampling(const importing *in)
{
    cv_json *section;

    if (cv_json_get(in->description, "sampling"))
        return;
    section = cv_json_set_object(cv_json_set_object(in->description, "sampling"), "scenes");
    cv_json_set_double(section, "temperature", 0.9);
    cv_json_set_int(section, "steps", 18);
    cv_json_set_double(section, "guidance", 1);
    cv_log(
        &in->options->log, COGVIDEO_LOG_INFO,
        "guidance is set to 1: phenaki-pytorch trains with every text, so guidance was never learnt; model.json says "
        "otherwise where yours was");
}

/* --- what is written ---------------------------------------------------------------------------------------------- */

/* The text model, beside the text encoder unless it is given. */
static cogvideo_status write_text_model(importing *in)
{
    const char *given = cv_import_value(in->options, "text-tokenizer"),
               *encoder = cv_import_value(in->options, "text-encoder");
    char *beside = NULL, *folder = NULL, *to = NULL;
    cogvideo_status status = COGVIDEO_OK;
    cv_text *text = NULL;

    if (!given && encoder) {
        folder = cv_path_is_dir(encoder) ? cv_strdup(encoder, in->err) : cv_path_folder(encoder, in->err);
        if (!folder || !(beside = cv_path_join(folder, "spiece.model", in->err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
        given = cv_path_is_regular(beside) ? beside : NULL;
        if (!given)
            cv_log(&in->options->log, COGVIDEO_LOG_WARNING,
                   "%s: has no spiece.model, without which no text can be read: give it, too (--text-tokenizer)",
                   folder);
    }
    if (!given)
        goto done;
    CV_TRY(cv_text_open(&text, given, 0, NULL, in->err));
    if (in->text.vocabulary > 0)
        CV_TRY(cv_t5_check_text(text, in->text.vocabulary, in->err));
    if (!(to = cv_path_join(in->directory, "text.model", in->err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    CV_TRY(cv_output_copy(to, given, in->err));
    cv_json_set_string(cv_json_set_object(in->list, "text_tokenizer"), "file", "text.model");
done:
    cv_text_close(&text);
    cv_free(beside);
    cv_free(folder);
    cv_free(to);
    return status;
}

static cogvideo_status write_part(importing *in, part *p)
{
    char *path = cv_path_join(in->directory, p->file, in->err);
    cogvideo_status status;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    in->job.part = p->source;
    status = cv_assembly_write(&p->tensors, &in->job, in->to, path, in->err);
    cv_free(path);
    cv_json_set_string(cv_json_set_object(in->list, p->key), "file", p->file);
    return status;
}

/* A config has the sizes of networks that are yet to be trained; those that are given replace them. */
static cogvideo_status begin_description(importing *in)
{
    const char *path = in->options->config;
    cogvideo_status status = COGVIDEO_OK;

    if (path) {
        CV_TRY(cv_json_read(&in->description, path, MAX_DESCRIPTION, in->err));
        CV_TRY(cv_json_format(in->description, CV_MODEL_FORMAT, 1, path, in->err));
        cv_json_remove(in->description, "parts"); /* their files are elsewhere */
    } else {
        in->description = cv_json_new_object();
        cv_json_set_string(in->description, "format", CV_MODEL_FORMAT);
        cv_json_set_int(in->description, "version", 1);
        cv_json_set_string(in->description, "family", "phenaki");
        cv_json_set_string(in->description, "name", "phenaki");
    }
    if (in->options->name)
        cv_json_set_string(in->description, "name", in->options->name);
done:
    return status;
}

static cogvideo_status import_all(importing *in)
{
    cogvideo_status (*const readers[PARTS])(importing *, part *) = { read_tokenizer, read_masked, read_critic,
                                                                     read_text };
    char *json = NULL;
    cogvideo_status status;

    if (in->options->type) {
        CV_TRY(cv_narrow_type_read(&in->narrowing.type, in->options->type, in->err));
        in->to = &in->narrowing;
    }
    CV_TRY(cv_phenaki_sizes_read(&in->sizes, in->options, in->err));
    CV_TRY(begin_description(in));
    for (int i = 0; i < PARTS; i++) {
        const char *path = cv_import_value(in->options, in->parts[i].source);

        if (!path)
            continue;
        CV_TRY(cv_source_open(&in->parts[i].from, path, in->err));
        CV_TRY(readers[i](in, &in->parts[i]));
    }
    CV_TRY(check_given(in));
    CV_TRY(check_together(in));
    CV_TRY(cv_phenaki_sizes_put(&in->sizes, in->description, in->masked.places, in->err));
    if (in->parts[MASKED].from)
        put_sampling(in);
    in->list = cv_json_set_object(in->description, "parts");
    CV_TRY(write_text_model(in));
    for (int i = 0; i < PARTS; i++)
        if (in->parts[i].from)
            CV_TRY(write_part(in, &in->parts[i]));
    if (!(json = cv_path_join(in->directory, "model.json", in->err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    CV_TRY(cv_json_write(in->description, true, json, in->err));
done:
    cv_free(json);
    return status;
}

cogvideo_status cv_phenaki_import(const cogvideo_import_options *options, const char *directory, cogvideo_error *err)
{
    importing in = {
        .options = options,
        .directory = directory,
        .job = { .options = options },
        .parts = { { .source = "video-tokenizer", .key = "video_tokenizer", .file = "video_tokenizer.safetensors" },
                   { .source = "masked", .key = "masked", .file = "masked.safetensors" },
                   { .source = "critic", .key = "critic", .file = "critic.safetensors" },
                   { .source = "text-encoder", .key = "text_encoder", .file = "text_encoder.safetensors" } },
        .err = err
    };
    cogvideo_status status = import_all(&in);

    for (int i = 0; i < PARTS; i++) {
        cv_assembly_free(&in.parts[i].tensors);
        cv_source_close(&in.parts[i].from);
    }
    cv_json_free(&in.description);
    return status;
}
