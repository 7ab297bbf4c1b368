/* import.c - the public import. */
#include <cogvideo/import.h>

#include "api/model_folder.h"
#include "family/family.h"

static cogvideo_status check_request(const cogvideo_import_request *request, cogvideo_error *err)
{
    if (!request)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "an import needs a request");
    if (request->name && !request->name[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a model's name must not be empty");
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_import(const cogvideo_import_request *request, cogvideo_error *err)
{
    cogvideo_status status;
    cv_model_folder folder = { 0 };

    CV_TRY(check_request(request, err));
    CV_TRY(cv_model_folder_open(&folder, request->output, request->overwrite != 0, err));
    CV_TRY(cv_families[0]->import(request, folder.partial, err));
    CV_TRY(cv_model_folder_commit(&folder, err));
fail:
    cv_model_folder_abandon(&folder);
    return status;
}
