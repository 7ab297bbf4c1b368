/* expected.h - finds the tensors that a network expects in a checkpoint: a missing or extra tensor, or one of a
 * wrong shape, is an error that names it. What no network learns (numbers, None, masks, empty tensors) may stand
 * beside the weights. */
#ifndef CV_IMPORT_EXPECTED_H
#define CV_IMPORT_EXPECTED_H

#include "import/torch.h"

/* Which file of the model a tensor goes to. */
typedef enum cv_home {
    CV_HOME_SHARED, /* what another network of the model may have as well */
    CV_HOME_OWN,    /* what belongs to this network alone */
    CV_HOME_SKIP,   /* known, and of use in training only */
} cv_home;

typedef struct cv_expected {
    char name[120];
    cv_home home;
    int rank;
    size_t shape[4];
    const cv_source_tensor *tensor; /* set by cv_names_match */
} cv_expected;

typedef struct cv_names {
    cv_expected *items;
    size_t count, capacity;
} cv_names;

void cv_names_free(cv_names *names);

/* Finds every expected tensor in the checkpoint and checks that it holds no other weight; logs the members that are
 * ignored. */
cogvideo_status cv_names_match(cv_names *names, const cv_torch *torch, const cogvideo_log *log, cogvideo_error *err);

#endif
