/* import.h - the files that people trained with phenaki-pytorch and phenaki-cvivit, and T5's, become a model
 * directory. */
#ifndef CV_FAMILY_PHENAKI_IMPORT_IMPORT_H
#define CV_FAMILY_PHENAKI_IMPORT_IMPORT_H

#include "family/family.h"

extern const char *const cv_phenaki_sources[];
/* cv_family.import. */
cogvideo_status cv_phenaki_import(const cogvideo_import_options *options, const char *directory, cogvideo_error *err);

#endif
