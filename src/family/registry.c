#include "family/family.h"

extern const cv_family cv_family_cogvideo;

const cv_family *const cv_families[] = {
    &cv_family_cogvideo,
    NULL,
};
