#include "family/metrics/import/import.h"

#include "base/map.h"
#include "base/output.h"
#include "base/path.h"
#include "family/metrics/import/networks.h"
#include "import/given.h"
#include "tokenizer/bpe.h"
#include "tokenizer/text.h"

#include <stdio.h>
#include <string.h>

#define MAX_DESCRIPTION (1u << 20)
#define MAX_VOCABULARY (64u << 20)

const char *const cv_metrics_sources[] = {
    "i3d", "c3d", "c3d-mean", "inception", "clip", "clip-vocabulary", "clip-act", "text-tokenizer", NULL
};

/* A part that is being imported. */
typedef struct part {
    const cv_metrics_importer *importer;
    cv_source *source, *mean; /* mean: of C3D, from a file of its own */
    cv_assembly tensors;
    char file[40];
} part;

/* Everything an import has open. */
typedef struct importing {
    const cogvideo_import_options *options;
    const char *directory;
    cv_import_job job;
    part parts[CV_METRICS_IMPORTERS];
    int count;
    cv_json *description, *sections;
    cogvideo_error *err;
} importing;

static void import_close(importing *in)
{
    for (int i = 0; i < in->count; i++) {
        cv_assembly_free(&in->parts[i].tensors);
        cv_source_close(&in->parts[i].source);
        cv_source_close(&in->parts[i].mean);
    }
    cv_json_free(&in->description);
}

/* --- what is given -------------------------------------------------------------------------------------------- */

static cogvideo_status check_options(const cogvideo_import_options *options, cogvideo_error *err)
{
    const char *act = cv_import_value(options, "clip-act");

    if (options->type)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the weights of metrics keep their types, for numbers that can be compared; leave the type out");
    if (cv_import_value(options, "c3d-mean") && !cv_import_value(options, "c3d"))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'c3d-mean' belongs to 'c3d', which is not given");
    if (act && !cv_import_value(options, "clip"))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'clip-act' belongs to 'clip', which is not given");
    if (act && strcmp(act, "quick") != 0 && strcmp(act, "gelu") != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'clip-act' is '%.40s'; 'quick' or 'gelu' was expected", act);
    return COGVIDEO_OK;
}

/* Finds the layout by its anchor. */
static cogvideo_status find_layout(const part *p, const cv_metrics_layout **layout, char **prefix, cogvideo_error *err)
{
    for (const cv_metrics_layout *l = p->importer->layouts; l->anchor; l++) {
        cogvideo_status status = cv_source_prefix(prefix, p->source, l->anchor, err);

        *layout = l;
        if (status != COGVIDEO_OK || *prefix)
            return status;
    }
    return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has no tensor '%s'%s%s%s: this is a file of another network",
                   cv_source_path(p->source), p->importer->layouts[0].anchor,
                   p->importer->layouts[1].anchor ? " or '" : "",
                   p->importer->layouts[1].anchor ? p->importer->layouts[1].anchor : "",
                   p->importer->layouts[1].anchor ? "'" : "");
}

/* The file that numbers come from, by its name without folders, and its digest. */
static cogvideo_status put_origin(cv_json *section, const char *origin_key, const char *sha256_key, const char *path,
                                  cogvideo_error *err)
{
    char sha256[CV_SHA256_TEXT];
    cogvideo_status status = cv_sha256_file(sha256, path, err);

    if (status != COGVIDEO_OK)
        return status;
    cv_json_set_string(section, origin_key, cv_path_name(path));
    cv_json_set_string(section, sha256_key, sha256);
    return COGVIDEO_OK;
}

/* The mean of the pixels that C3D was trained on, where it is in a file of its own. */
static cogvideo_status read_mean(importing *in, part *p, cv_json *section)
{
    const char *path = cv_import_value(in->options, "c3d-mean");
    cogvideo_status status = COGVIDEO_OK;

    if (p->importer->id != CV_METRICS_C3D)
        return COGVIDEO_OK;
    if (path) {
        CV_TRY(cv_source_open(&p->mean, path, in->err));
        CV_TRY(cv_assembly_add(&p->tensors, p->mean, "", NULL, &in->options->log, in->err));
        CV_TRY(put_origin(section, "mean_origin", "mean_sha256", path, in->err));
    } else if (!cv_source_find(p->source, "mean")) {
        status = cv_fail(in->err, COGVIDEO_ERROR_MODEL,
                         "%s: has no 'mean' of the pixels, which is in a file of its own (mean2.npz); give that, too "
                         "(--c3d-mean)",
                         cv_source_path(p->source));
    }
done:
    return status;
}

static cogvideo_status read_part(importing *in, part *p, const char *path)
{
    cogvideo_status status;
    const char *name = cv_metrics_part_name(p->importer->id);
    cv_json *section = cv_json_set_object(in->sections, name);
    cv_metrics_found file = { .options = in->options };
    cv_store *found = NULL, *plan = NULL;
    char *prefix = NULL;

    CV_TRY(cv_source_open(&p->source, path, in->err));
    file.source = p->source;
    CV_TRY(find_layout(p, &file.layout, &prefix, in->err));
    CV_TRY(cv_assembly_add(&p->tensors, p->source, prefix, file.layout->rename, &in->options->log, in->err));
    snprintf(p->file, sizeof p->file, "%s.safetensors", name);
    cv_json_set_string(section, "file", p->file);
    CV_TRY(put_origin(section, "origin", "sha256", path, in->err));
    CV_TRY(read_mean(in, p, section));
    CV_TRY(cv_assembly_shapes(&p->tensors, &found, path, in->err));
    CV_TRY(cv_store_plan(&plan, path, in->err));
    CV_TRY(p->importer->expect(&file, found, plan, section, in->err));
    CV_TRY(cv_assembly_check(&p->tensors, plan, path, in->err));
    if (p->importer->note)
        cv_log(&in->options->log, COGVIDEO_LOG_WARNING, "%s: %s", path, p->importer->note);
    in->job.total += cv_assembly_bytes(&p->tensors);
done:
    cv_store_close(&found);
    cv_store_close(&plan);
    cv_free(prefix);
    return status;
}

/* --- what is written ------------------------------------------------------------------------------------------ */

/* A copy of the file `path`, and its part's section. */
static cogvideo_status write_copy(importing *in, cv_metrics_part_id id, const char *name, const char *path)
{
    cv_json *section = cv_json_set_object(in->sections, cv_metrics_part_name(id));
    char *to = cv_path_join(in->directory, name, in->err);
    cogvideo_status status;

    if (!to)
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_output_copy(to, path, in->err));
    cv_json_set_string(section, "file", name);
    CV_TRY(put_origin(section, "origin", "sha256", path, in->err));
done:
    cv_free(to);
    return status;
}

/* Opened once to refuse what is none. */
static cogvideo_status write_vocabulary(importing *in, const char *path)
{
    cogvideo_status status;
    cv_mapping file = { 0 };
    cv_bpe *bpe = NULL;
    bool packed;

    CV_TRY(cv_bpe_open(&bpe, path, CV_BPE_OPENAI, in->err));
    CV_TRY(cv_map_open(&file, path, in->err));
    if (file.size > MAX_VOCABULARY) {
        status = cv_fail(in->err, COGVIDEO_ERROR_FORMAT, "%s: is too large for a vocabulary", path);
        goto done;
    }
    packed = file.size > 2 && file.data[0] == 0x1f && file.data[1] == 0x8b;
    CV_TRY(write_copy(in, CV_METRICS_CLIP_VOCABULARY, packed ? "clip_vocabulary.txt.gz" : "clip_vocabulary.txt", path));
done:
    cv_map_close(&file);
    cv_bpe_close(&bpe);
    return status;
}

/* Likewise the text model of a CLIP that is yet to be trained. */
static cogvideo_status write_text_model(importing *in, const char *path)
{
    cogvideo_status status;
    cv_text *text = NULL;

    CV_TRY(cv_text_open(&text, path, 0, cv_icetk_appended, in->err));
    CV_TRY(write_copy(in, CV_METRICS_TEXT_TOKENIZER, "text.model", path));
done:
    cv_text_close(&text);
    return status;
}

static cogvideo_status write_part(importing *in, const part *p)
{
    char *path = cv_path_join(in->directory, p->file, in->err);
    cogvideo_status status;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    in->job.part = cv_metrics_part_name(p->importer->id);
    status = cv_assembly_write(&p->tensors, &in->job, NULL, path, in->err);
    cv_free(path);
    return status;
}

/* A config says what networks that are yet to be trained look like; published ones need none. */
static cogvideo_status begin_description(importing *in)
{
    const char *path = in->options->config;
    cogvideo_status status = COGVIDEO_OK;

    if (path) {
        CV_TRY(cv_json_read(&in->description, path, MAX_DESCRIPTION, in->err));
        CV_TRY(cv_json_format(in->description, CV_MODEL_FORMAT, 1, path, in->err));
        CV_TRY(cv_json_object(in->description, "parts", &in->sections, path, in->err));
    } else {
        in->description = cv_json_new_object();
        cv_json_set_string(in->description, "format", CV_MODEL_FORMAT);
        cv_json_set_int(in->description, "version", 1);
        cv_json_set_string(in->description, "family", "metrics");
        cv_json_set_string(in->description, "name", "metrics");
        in->sections = cv_json_set_object(in->description, "parts");
    }
    if (in->options->name)
        cv_json_set_string(in->description, "name", in->options->name);
done:
    return status;
}

static cogvideo_status import_all(importing *in)
{
    const char *vocabulary = cv_import_value(in->options, "clip-vocabulary"), *path;
    const char *text_model = cv_import_value(in->options, "text-tokenizer");
    char *json = NULL;
    cogvideo_status status;

    CV_TRY(check_options(in->options, in->err));
    CV_TRY(begin_description(in));
    for (int i = 0; i < CV_METRICS_IMPORTERS; i++)
        if ((path = cv_import_value(in->options, cv_metrics_part_name(cv_metrics_importers[i].id)))) {
            in->parts[in->count].importer = &cv_metrics_importers[i];
            CV_TRY(read_part(in, &in->parts[in->count++], path));
        }
    if (vocabulary)
        CV_TRY(write_vocabulary(in, vocabulary));
    if (text_model)
        CV_TRY(write_text_model(in, text_model));
    for (int i = 0; i < in->count; i++)
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

cogvideo_status cv_metrics_import(const cogvideo_import_options *options, const char *directory, cogvideo_error *err)
{
    importing in = { .options = options, .directory = directory, .job = { .options = options }, .err = err };
    cogvideo_status status;

    status = import_all(&in);
    import_close(&in);
    return status;
}
