/* import.c - the public import. */
#include <cogvideo/import.h>

#include "api/model_folder.h"
#include "family/family.h"

#include <string.h>

#define MAX_DESCRIPTION (1u << 20)

static cogvideo_status check_options(const cogvideo_import_options *options, cogvideo_error *err)
{
    if (!options)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "an import needs options");
    if (options->name && !options->name[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a model's name must not be empty");
    return COGVIDEO_OK;
}

static bool reads(const cv_family *family, const char *source)
{
    for (int i = 0; family->sources && family->sources[i]; i++)
        if (strcmp(family->sources[i], source) == 0)
            return true;
    return false;
}

/* A family that reads the source; NULL where there is none. */
static const cv_family *reader_of(const char *source)
{
    for (int i = 0; cv_families[i]; i++)
        if (reads(cv_families[i], source))
            return cv_families[i];
    return NULL;
}

/* The family that the config names; NULL where it names none. What is wrong with the config besides is told by the
 * family that reads it. */
static cogvideo_status family_of_config(const cv_family **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_json *json = NULL;
    const char *word = NULL;

    *out = NULL;
    if (!path || cv_json_read(&json, path, MAX_DESCRIPTION, NULL) != COGVIDEO_OK || !cv_json_is_object(json))
        goto done;
    CV_TRY(cv_json_optional_string(json, "family", &word, path, err));
    if (word && !(*out = cv_family_find(word)))
        status = cv_family_unknown(word, path, err);
done:
    cv_json_free(&json);
    return status;
}

/* The first source that the family does not read; NULL where it reads all that are given. */
static const char *foreign_source(const cv_family *family, const cogvideo_import_options *options)
{
    for (int i = 0; i < options->source_count; i++)
        if (options->sources[i].value && !reads(family, options->sources[i].name))
            return options->sources[i].name;
    return NULL;
}

static cogvideo_status check_sources(const cogvideo_import_options *options, cogvideo_error *err)
{
    bool any = false;

    for (int i = 0; i < options->source_count; i++) {
        const char *name = options->sources[i].name;

        if (!options->sources[i].value)
            continue;
        if (!reader_of(name))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%.60s' is no source of an import", name);
        for (int k = 0; k < i; k++)
            if (options->sources[k].value && strcmp(options->sources[k].name, name) == 0)
                return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%s' is given twice", name);
        any = true;
    }
    return any ? COGVIDEO_OK
               : cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "nothing to import: at least one part must be given");
}

/* Finds the family of all sources: the config names it, or it is the first that reads them all. */
static cogvideo_status find_family(const cv_family **out, const cogvideo_import_options *options, cogvideo_error *err)
{
    const cv_family *family = NULL;
    const char *foreign;
    cogvideo_status status;

    CV_TRY(check_sources(options, err));
    CV_TRY(family_of_config(&family, options->config, err));
    if (family && (foreign = foreign_source(family, options)))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: describes a model of the family '%s', to which '%s' does not belong", options->config,
                       family->name, foreign);
    for (int i = 0; cv_families[i] && !family; i++)
        family = foreign_source(cv_families[i], options) ? NULL : cv_families[i];
    if (!family) {
        const char *others = foreign_source(cv_families[0], options);

        family = reader_of(others);
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "'%s' belongs to a model of the family '%s', and '%s' does not: import one model after the other", others,
            family->name, foreign_source(family, options));
    }
    *out = family;
done:
    return status;
}

cogvideo_status cogvideo_import(const cogvideo_import_options *options, cogvideo_error *err)
{
    cogvideo_status status;
    cv_model_folder folder = { 0 };
    const cv_family *family = NULL;

    CV_TRY(check_options(options, err));
    CV_TRY(find_family(&family, options, err));
    CV_TRY(cv_model_folder_open(&folder, options->output, options->force != 0, err));
    CV_TRY(family->import(options, folder.partial, err));
    CV_TRY(cv_model_folder_commit(&folder, err));
done:
    cv_model_folder_abandon(&folder);
    return status;
}
