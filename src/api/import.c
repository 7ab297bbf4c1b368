/* import.c - the public import. */
#include <cogvideo/import.h>

#include "api/model_folder.h"
#include "family/family.h"

static cogvideo_status check_options(const cogvideo_import_options *options, cogvideo_error *err)
{
    if (!options)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "an import needs options");
    if (options->name && !options->name[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a model's name must not be empty");
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_import(const cogvideo_import_options *options, cogvideo_error *err)
{
    cogvideo_status status;
    cv_model_folder folder = { 0 };

    CV_TRY(check_options(options, err));
    CV_TRY(cv_model_folder_open(&folder, options->output, options->force != 0, err));
    CV_TRY(cv_families[0]->import(options, folder.partial, err));
    CV_TRY(cv_model_folder_commit(&folder, err));
done:
    cv_model_folder_abandon(&folder);
    return status;
}
