/* left_out.h - tells what of a file a model does without. */
#ifndef CV_FAMILY_PHENAKI_IMPORT_LEFT_OUT_H
#define CV_FAMILY_PHENAKI_IMPORT_LEFT_OUT_H

#include "import/assemble.h"

#include <cogvideo/common.h>

/* Logs which tensors are left out of a network whose names begin with `prefix` and are kept by `rename`, in one note;
 * and each member that cannot be read, with a warning that says why. */
cogvideo_status cv_tell_left_out(const cv_source *source, const char *prefix,
                                 void (*rename)(const char *name, cv_renaming *out), const cogvideo_log *log,
                                 cogvideo_error *err);

#endif
