/* model_folder.h - making a model directory that is either whole or not there. */
#ifndef CV_API_MODEL_FOLDER_H
#define CV_API_MODEL_FOLDER_H

#include "base/mem.h"

typedef struct cv_model_folder {
    char *output;  /* where it will stand */
    char *partial; /* where it is filled; NULL once it stands there */
    bool replace;
} cv_model_folder;

/* Makes the folder to be filled. What stands at `output` may be replaced only if `force`, and only where it is a model
 * directory of ours that holds nothing else. */
cogvideo_status cv_model_folder_open(cv_model_folder *out, const char *output, bool force, cogvideo_error *err);
/* Opens it as a model - every tensor there, of the right shape, and no other - and gives it its name. Then, or after a
 * failure, it is abandoned. */
cogvideo_status cv_model_folder_commit(cv_model_folder *folder, cogvideo_error *err);
/* Removes what was not committed. */
void cv_model_folder_abandon(cv_model_folder *folder);

#endif
