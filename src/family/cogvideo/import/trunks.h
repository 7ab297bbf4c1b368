/* trunks.h - which networks of an import have the same trunk, and the files that the trunks go to. */
#ifndef CV_FAMILY_COGVIDEO_IMPORT_TRUNKS_H
#define CV_FAMILY_COGVIDEO_IMPORT_TRUNKS_H

#include "family/cogvideo/import/network.h"
#include "import/convert.h"

/* The networks, in the order in which their trunks are compared and written. */
typedef enum cv_role {
    CV_ROLE_STAGE1,
    CV_ROLE_STAGE2,
    CV_ROLE_COGLM,
    CV_ROLE_UPSCALER,
    CV_ROLE_REFINER,
    CV_ROLES,
} cv_role;

typedef struct cv_trunks {
    const cv_network *networks[CV_ROLES]; /* NULL: not imported */
    cv_role first[CV_ROLES];              /* the first network with this trunk; itself where none is before it */
} cv_trunks;

/* Fills `first` from `networks`: trunks are the same where they are equal in every bit. What is found goes to the log.
 * CogLM, which is nothing but a trunk, must be that of the stage beside it. */
cogvideo_status cv_trunks_compare(cv_trunks *trunks, cv_import_job *job, cogvideo_error *err);

/* The file of a network's trunk, written for the first network that has it; NULL: no other reads it, and it goes to
 * the file of all the rest. Stages and CogLM always have one. */
const char *cv_trunks_file(const cv_trunks *trunks, cv_role role);

#endif
