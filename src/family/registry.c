#include "family/family.h"

extern const cv_family cv_family_cogvideo, cv_family_metrics, cv_family_phenaki;

const cv_family *const cv_families[] = {
    &cv_family_cogvideo,
    &cv_family_metrics,
    &cv_family_phenaki,
    NULL,
};
